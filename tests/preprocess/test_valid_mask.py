"""Which pixels of a crop show the photograph: against a count of what bilinear sampling touches, and in the metrics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dgbench.core.face import Failure, Image
from dgbench.core.pair import Pair
from dgbench.core.protocol import Frame
from dgbench.datasets.manifest import Manifest
from dgbench.metrics.contract import INSIDE, PairView
from dgbench.metrics.l1 import L1
from dgbench.metrics.psnr import Psnr, psnr
from dgbench.metrics.ssim import Ssim, ssim
from dgbench.networks.judges import Judges
from dgbench.preprocess.crop import apply_crop, crop_matrix, valid_mask
from dgbench.preprocess.live import LiveSource
from dgbench.preprocess.prepare import prepare_store
from dgbench.preprocess.store import PreparedStore
from dgbench.scoring.evaluator import evaluate

SIZE = 64


def _by_hand(matrix: NDArray, shape: tuple[int, int], size: int) -> NDArray[np.bool_]:
    """Where all of a frame pixel's samples lie between pixel centres of the photograph, for crops that magnify."""
    inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
    rows, columns = np.mgrid[:size, :size]
    x, y, _ = np.einsum("ij,jhw->ihw", inverse, np.stack([columns, rows, np.ones_like(rows)]))
    return (x >= 0) & (y >= 0) & (x <= shape[1] - 1) & (y <= shape[0] - 1)


@pytest.mark.parametrize(
    ("scale", "shift"),
    [(2.0, (5.3, -7.2)), (1.0, (9.0, 4.0)), (1.5, (-40.0, 0.0)), (1.2, (200.0, 0.0)), (4.0, (-90, -90))],
)
def test_the_mask_is_what_sampling_touches(scale: float, shift: tuple[float, float]) -> None:
    matrix, shape = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]]), (50, 40)
    mask, hand = valid_mask(matrix, shape, SIZE), _by_hand(matrix, shape, SIZE)
    # Sampling has a grid of 1/32 px: pixels on the border itself may fall either way.
    assert (mask != hand).sum() <= 2 * SIZE and not (mask & ~_by_hand(matrix, (51, 41), SIZE + 1)[:SIZE, :SIZE]).any()
    assert abs(mask.mean() - hand.mean()) < 0.05
    white = apply_crop(np.full((*shape, 3), 255, np.uint8), matrix, SIZE)
    assert (white[mask] == 255).all() and (white[~mask] < 255).all()


def test_a_shrunk_crop_and_a_crop_inside() -> None:
    assert valid_mask(np.array([[0.25, 0, -0.375], [0, 0.25, -0.375]]), (256, 256), SIZE).all()
    half = valid_mask(np.array([[0.25, 0, 31.625], [0, 0.25, -0.375]]), (256, 256), SIZE)
    assert half.mean() == pytest.approx(0.5, abs=0.02) and half[:, 33:].all() and not half[:, :31].any()
    assert valid_mask(np.array([[1.0, 0, -50], [0, 1.0, -50]]), (200, 200), SIZE).all()


@pytest.mark.parametrize("stored", [224, 100, 256, 300, 512])
def test_kept_as_stored_no_black_enters_the_border(stored: int) -> None:
    matrix = crop_matrix(Frame(size=256, crop="as-stored"), None, shape=(stored, stored))
    flat = np.full((stored, stored, 3), 200, np.uint8)
    assert (apply_crop(flat, matrix, 256, whole=True) == 200).all()
    ramp = np.repeat(np.linspace(50, 250, stored)[:, None, None], stored, axis=1).repeat(3, axis=2).astype(np.uint8)
    shown = apply_crop(ramp, matrix, 256, whole=True)
    assert abs(int(shown[0, 0, 0]) - 50) <= 1 and abs(int(shown[-1, 0, 0]) - 250) <= 1


def _padded() -> tuple[Image, Image, NDArray[np.bool_]]:
    """A generated and a target image of which the left 30 columns are padding."""
    rng = np.random.default_rng(0)
    target = rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    generated = np.clip(target.astype(int) + rng.integers(-30, 31, target.shape), 0, 255).astype(np.uint8)
    target[:, :30] = 0
    valid = np.ones((SIZE, SIZE), np.bool_)
    valid[:, :30] = False
    return generated, target, valid


PAIR = Pair(
    pair_id="p", relation="cross", source="s", reference="r", target="t", source_identity="a", reference_identity="b"
)


def test_pixel_metrics_inside_equal_those_of_the_cut_images() -> None:
    generated, target, valid = _padded()
    view = PairView(pair=PAIR, generated=generated, target=target, valid=valid)
    cut = generated[:, 30:].copy(), target[:, 30:].copy()
    assert Ssim().inside().score(view) == pytest.approx(ssim(*cut), abs=1e-12)
    assert Psnr().inside().score(view) == pytest.approx(psnr(*cut), abs=1e-12)
    assert L1().inside().score(view) == pytest.approx(np.abs(cut[0].astype(int) - cut[1]).mean() / 255, abs=1e-12)
    for metric in (Ssim(), Psnr(), L1()):
        whole = PairView(pair=PAIR, generated=generated, target=target)
        assert metric.score(view) == metric.score(whole) != metric.inside().score(view)
        assert metric.inside().score(whole) == metric.score(whole)  # nothing outside: the same number, another card


def test_an_all_black_output_gains_nothing_by_padding() -> None:
    _, target, valid = _padded()
    view = PairView(pair=PAIR, generated=np.zeros_like(target), target=target, valid=valid)
    assert Ssim().score(view) > 0.2
    assert Ssim().inside().score(view) < 0.01
    nothing = PairView(pair=PAIR, generated=target, target=target, valid=np.zeros_like(valid))
    assert all(isinstance(m.inside().score(nothing), Failure) for m in (Ssim(), Psnr(), L1()))
    thin = np.zeros_like(valid)
    thin[:, :5] = True
    score = Ssim().inside().score(PairView(pair=PAIR, generated=target, target=target, valid=thin))
    assert isinstance(score, Failure) and "no window" in score.message


def test_cards_of_the_inside_are_versions_of_their_own() -> None:
    for kind in (Ssim, Psnr, L1):
        card = kind().inside().card
        assert (card.name, card.version, card.parameters["pixels"]) == (kind.card.name, kind.card.version + 1, INSIDE)
        assert card.digest != kind.card.digest and "photograph alone" in card.definition


class _Images:
    def generated(self, pair: Pair) -> Image:
        return _padded()[0]

    def target(self, pair: Pair) -> Image:
        return _padded()[1]

    source = reference = target

    def valid(self, pair: Pair) -> NDArray[np.bool_]:
        return _padded()[2]


def test_evaluate_hands_the_mask_on() -> None:
    values = {}
    for inside in (False, True):
        table = evaluate([PAIR], _Images(), judges=None, metrics=["ssim", "l1"], inside=inside, draws=5)
        values[inside] = {value.name: value for value in table.metric_values()}
    generated, target, _ = _padded()
    assert values[True]["ssim"].value == pytest.approx(ssim(generated[:, 30:].copy(), target[:, 30:].copy()), abs=1e-12)
    assert values[False]["ssim"].value == pytest.approx(ssim(generated, target), abs=1e-12)
    assert (values[False]["ssim"].card.version, values[True]["ssim"].card.version) == (1, 2)


def test_raw_copies_and_stores_tell_the_same(
    tmp_path: Path, disc_judges: Judges, image_set: Callable[..., Manifest]
) -> None:
    rng = np.random.default_rng(1)
    manifest = image_set({name: rng.integers(0, 255, (90, 120, 3), dtype=np.uint8) for name in ("edge", "middle")})
    frame = Frame(size=SIZE, crop="eye-mouth", landmarks=("frozen",))
    face = np.array([[-0.05, -0.06], [0.05, -0.06], [0.0, 0.0], [-0.04, 0.08], [0.04, 0.08]])
    frozen = {"k/edge": face + np.array([0.1, 0.2]), "k/middle": face + 0.5}
    live = LiveSource(manifest, frame, frozen=frozen)
    prepare_store(manifest, list(frozen), frame, disc_judges, out=tmp_path / "store", frozen=frozen, workers=1)
    store = PreparedStore(tmp_path / "store", frame=frame)
    for key in frozen:
        assert (live.image(key) == store.image(key)).all()
        one, other = live.valid(key), store.valid(key)
        assert (one is None) == (other is None) == (key == "k/middle")
        if one is not None and other is not None:
            assert (one == other).all() and 0.1 < (~one).mean() < 0.9
            assert (live.image(key)[~one].min(axis=-1) == 0).mean() > 0.9  # what is left out is black or half black
    outside = store.outside()
    assert outside == live.outside() and outside is not None
    assert (outside.images, outside.padded) == (2, 1) and outside.most == pytest.approx(2 * outside.mean)
