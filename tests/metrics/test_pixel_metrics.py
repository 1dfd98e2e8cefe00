"""SSIM, PSNR and L1: equality with skimage and plain loops, properties, and what mutations do to them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from dgbench.core.face import Failure
from dgbench.core.pair import Pair
from dgbench.metrics.contract import PairView
from dgbench.metrics.l1 import l1
from dgbench.metrics.psnr import CEILING, psnr
from dgbench.metrics.registry import make_metric
from dgbench.metrics.ssim import ssim

PAIR = Pair(
    pair_id="p", relation="self", source="a", reference="b", target="b", source_identity="1", reference_identity="1"
)
images = st_numpy.arrays(np.uint8, st.tuples(st.integers(11, 24), st.integers(11, 24), st.just(3)))


def skimage_ssim(first, second) -> float:
    return structural_similarity(
        first, second, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, channel_axis=2
    )


def noise(seed: int, shape=(64, 48, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def flat(value: int) -> np.ndarray:
    return np.full((40, 40, 3), value, dtype=np.uint8)


CASES = {
    "random": (noise(1), noise(2)),
    "near": (noise(1), np.clip(noise(1).astype(int) + np.random.default_rng(3).integers(-9, 10, (64, 48, 3)), 0, 255)),
    "flat-equal": (flat(7), flat(7)),
    "flat-black-white": (flat(0), flat(255)),
    "flat-random": (flat(128), noise(4, (40, 40, 3))),
    "smallest": (noise(5, (11, 11, 3)), noise(6, (11, 11, 3))),
    "narrow": (noise(7, (11, 90, 3)), noise(8, (11, 90, 3))),
    "negative": (noise(9), 255 - noise(9)),
}


@pytest.mark.parametrize("case", CASES)
def test_ssim_is_skimages(case):
    first, second = (np.asarray(image, dtype=np.uint8) for image in CASES[case])
    assert ssim(first, second) == pytest.approx(skimage_ssim(first, second), abs=1e-9)


def test_ssim_is_skimages_on_real_faces(assets):
    folder = assets / "frll"
    for name in ("001", "094"):
        first, second = (
            cv2.resize(cv2.imread(str(folder / kind))[..., ::-1], (256, 256), interpolation=cv2.INTER_AREA)
            for kind in (f"neutral_front/{name}_03.jpg", f"smiling_front/{name}_08.jpg")
        )
        assert ssim(first, second) == pytest.approx(skimage_ssim(first, second), abs=1e-9)
        assert 0.4 < ssim(first, second) < 1


@given(images)
@settings(max_examples=40, deadline=None)
def test_ssim_of_an_image_with_itself_is_1(image):
    assert ssim(image, image) == pytest.approx(1.0, abs=1e-12)
    assert psnr(image, image) == CEILING
    assert l1(image, image) == 0.0


@given(images, st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_pixel_metrics_are_symmetric_and_in_range(image, seed):
    other = np.random.default_rng(seed).integers(0, 256, image.shape).astype(np.uint8)
    for metric, low, high in ((ssim, -1, 1), (psnr, 0, CEILING), (l1, 0, 1)):
        assert metric(image, other) == pytest.approx(metric(other, image), abs=1e-12)
        assert low <= metric(image, other) <= high


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_more_blur_scores_worse(seed):
    image = np.random.default_rng(seed).integers(0, 256, (48, 48, 3)).astype(np.uint8)
    blurred = [cv2.GaussianBlur(image, (0, 0), sigma) for sigma in (0.4, 0.7, 1.2, 2.5)]
    for metric, sign in ((ssim, -1), (psnr, -1), (l1, 1)):
        scores = [sign * metric(image, other) for other in blurred]
        assert scores == sorted(scores)


@given(images, st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_psnr_and_l1_are_the_plain_loops(image, seed):
    other = np.random.default_rng(seed).integers(0, 256, image.shape).astype(np.uint8)
    squares = absolutes = 0
    for a, b in zip(image.ravel().tolist(), other.ravel().tolist(), strict=True):
        squares, absolutes = squares + (a - b) ** 2, absolutes + abs(a - b)
    assert l1(image, other) == pytest.approx(absolutes / image.size / 255, rel=1e-14)
    if squares:
        assert psnr(image, other) == pytest.approx(10 * np.log10(255**2 * image.size / squares), rel=1e-12)
        assert psnr(image, other) == pytest.approx(peak_signal_noise_ratio(image, other, data_range=255), rel=1e-12)
        # The bound that the table auditor uses.
        assert psnr(image, other) <= -20 * np.log10(l1(image, other)) + 1e-9


def test_eight_bit_subtraction_would_be_seen():
    """Wrap-around puts nearly every pair near 30 dB; the metric must not."""
    first, second = noise(1), np.clip(noise(1).astype(int) + 40, 0, 255).astype(np.uint8)
    wrapped = 10 * np.log10(255**2 / np.mean((first - second).astype(np.uint8) ** 2 * 1.0))
    assert abs(psnr(first, second) - wrapped) > 3


@pytest.mark.parametrize(
    "mutate",
    [
        lambda image: image[..., ::-1],  # BGR
        lambda image: (image // 2).astype(np.uint8),  # half the range
        lambda image: cv2.resize(cv2.resize(image, None, fx=0.5, fy=0.5), image.shape[1::-1]),  # resized on the way
    ],
    ids=["bgr", "range", "resize"],
)
def test_a_mutated_input_is_seen_by_every_pixel_metric(mutate):
    first = noise(11)
    second = np.clip(first.astype(int) + np.random.default_rng(0).integers(-20, 21, first.shape), 0, 255)
    second = second.astype(np.uint8)
    for metric in (ssim, psnr, l1):
        assert abs(metric(mutate(first), second) - metric(first, second)) > 0.02


@pytest.mark.parametrize("bad", [np.zeros((20, 20, 3), np.float32), np.zeros((20, 21, 3), np.uint8)])
def test_ssim_refuses_what_has_no_range_or_another_size(bad):
    with pytest.raises(ValueError, match="SSIM"):
        ssim(np.zeros((20, 20, 3), np.uint8), bad)


def test_ssim_refuses_images_below_the_window():
    with pytest.raises(ValueError, match="11 px"):
        ssim(np.zeros((10, 20, 3), np.uint8), np.zeros((10, 20, 3), np.uint8))


@pytest.mark.parametrize("name", ["ssim", "psnr", "l1"])
def test_stated_answers_to_what_cannot_be_compared(name):
    metric = make_metric(name)
    image = noise(1, (20, 20, 3))
    cases = {
        "missing": [PairView(PAIR, generated=None, target=image), PairView(PAIR, generated=image, target=None)],
        "wrong-size": [PairView(PAIR, generated=image, target=noise(1, (20, 22, 3)))],
    }
    if name == "ssim":
        cases["wrong-size"].append(PairView(PAIR, generated=image[:8], target=image[:8]))
    for kind, views in cases.items():
        for view in views:
            result = metric.score(view)
            assert isinstance(result, Failure)
            assert result.kind == kind
    assert metric.score(PairView(PAIR, generated=image, target=image)) in (pytest.approx(1.0), CEILING, 0.0)
