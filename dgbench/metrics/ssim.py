"""SSIM as Wang et al. 2004 define it, on uint8 RGB; equal to skimage with the arguments its card names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import MetricCard
from dgbench.core.face import Failure, Image
from dgbench.metrics.contract import PairMetric, PairView, inside_card
from dgbench.metrics.pixels import compared_pixels

SIGMA = 1.5
RADIUS = 5
_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2

CARD = MetricCard(
    name="ssim",
    version=1,
    title="SSIM",
    definition=(
        "Structural similarity (Wang et al. 2004) of generated and target, uint8 RGB, data range 255: Gaussian "
        "window sigma 1.5 cut to 11x11, population covariance, mean over the pixels whose window lies inside the "
        "image, then over the three channels; per image first, then the mean over pairs. Equal to skimage "
        "structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, "
        "channel_axis=2)."
    ),
    direction="higher",
    level="pair",
    floor=0.0,
    failure_rule="a pair without a generated image of the target's size scores 0; measured values are not clamped",
    needs_target=True,
    parameters={"sigma": SIGMA, "window": 2 * RADIUS + 1, "data_range": 255, "channels": "RGB mean"},
)


def gaussian_window() -> NDArray[np.float64]:
    """Return the 11 normalised taps of the Gaussian window, float64 (11,)."""
    taps = np.exp(-0.5 * (np.arange(-RADIUS, RADIUS + 1) / SIGMA) ** 2)
    return taps / taps.sum()


def ssim(first: Image, second: Image) -> float:
    """Return the SSIM of two uint8 HWC RGB images of one size, each side at least 11 px.

    Raises:
        ValueError: the images are not uint8 (a float image has no range of its own), differ in shape, or are
            smaller than the window.
    """
    for image in (first, second):
        if image.dtype != np.uint8:
            raise ValueError(f"SSIM is defined here on uint8 images, got {image.dtype}")
    if first.shape != second.shape:
        raise ValueError(f"SSIM needs images of one shape, got {first.shape} and {second.shape}")
    if min(first.shape[:2]) < 2 * RADIUS + 1:
        raise ValueError(f"SSIM needs at least {2 * RADIUS + 1} px a side, got {first.shape[:2]}")
    return windowed_similarity(first, second, c1=_C1, c2=_C2)


def windowed_similarity(
    first: Image,
    second: Image,
    *,
    c1: float,
    c2: float,
    scale: float = 1.0,
    shift: float = 0.0,
    windows: NDArray[np.bool_] | None = None,
) -> float:
    """Return the mean SSIM of two uint8 (H, W, C) images on the range that ``scale`` and ``shift`` bring them to.

    ``c1`` and ``c2`` are the squares of 0.01 and 0.03 times the range (Wang et al. 2004, eq. 13). ``windows``,
    bool (H - 10, W - 10), says which windows are counted, by default all.
    """
    # Compiled code is loaded where it is used: most commands compare no pixels.
    from dgbench.metrics.ssim_window import summed_similarity

    rows, channels = len(first), first.shape[2]
    flat = [np.ascontiguousarray(image).reshape(rows, -1) for image in (first, second)]
    for view in flat:  # decoded images may be read-only, which is another type to the compiler: one for all
        view.flags.writeable = False
    # One row of ones stands for all rows where every window counts.
    counted = np.ones((1, flat[0].shape[1] - 2 * RADIUS * channels))
    total = counted.size * (rows - 2 * RADIUS)
    if windows is not None:
        counted = np.repeat(windows, channels, axis=1).astype(np.float64)
        total = int(counted.sum())
    return float(
        summed_similarity(flat[0], flat[1], channels, gaussian_window(), scale, shift, c1, c2, counted) / total
    )


def whole_windows(valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return bool (H - 10, W - 10): the windows of a bool (H, W) mask that hold no pixel that is not valid."""
    sums = np.cumsum(np.cumsum(np.pad(~valid, ((1, 0), (1, 0))).astype(np.int64), axis=0), axis=1)
    side = 2 * RADIUS + 1
    found: NDArray[np.bool_] = (
        sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    ) == 0
    return found


class Ssim(PairMetric):
    """SSIM of generated and target."""

    card = CARD
    inside_card = inside_card(CARD, "windows with pixels")
    valid_range = (-1.0, 1.0)
    companions = ("paper/ssim-range2",)
    smallest_side = 2 * RADIUS + 1
    images = frozenset({"target"})

    def score(self, view: PairView) -> float | Failure:
        """Return the SSIM of the pair."""
        images = compared_pixels(self, view)
        if isinstance(images, Failure):
            return images
        shape = images.target.shape[:2]
        if min(shape) < 2 * RADIUS + 1:
            return Failure("wrong-size", f"SSIM needs at least {2 * RADIUS + 1} px a side, got {shape}")
        if images.valid is None:
            return ssim(images.generated, images.target)
        windows = whole_windows(images.valid)
        if not windows.any():
            return Failure("missing", "no window of the target lies inside its photograph")
        return windowed_similarity(images.generated, images.target, c1=_C1, c2=_C2, windows=windows)
