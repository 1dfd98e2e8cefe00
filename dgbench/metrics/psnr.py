"""PSNR in floating point; an 8-bit subtraction, which wraps around, is the classic way to get it wrong."""

from __future__ import annotations

import math

import numpy as np

from dgbench.core.card import MetricCard
from dgbench.core.face import Failure, Image
from dgbench.metrics.contract import PairMetric, PairView, inside_card
from dgbench.metrics.pixels import compared_pixels

#: Mean squared error of rounding to 8 bits; two images cannot be known to be closer than this.
ROUNDING_MSE = 1.0 / 12.0
CEILING = 10 * math.log10(255**2 / ROUNDING_MSE)

CARD = MetricCard(
    name="psnr",
    version=1,
    title="PSNR",
    unit="dB",
    definition=(
        "10 log10(255^2 / MSE) of generated and target over pixels and RGB channels, in float64; per image first, "
        "then the mean over pairs. MSE below 1/12, the error of 8-bit rounding, is read as 1/12, so that equal "
        "images score 58.92 dB and not infinity."
    ),
    direction="higher",
    level="pair",
    floor=0.0,
    failure_rule="a pair without a generated image of the target's size scores 0 dB, the PSNR of black against white",
    needs_target=True,
    parameters={"data_range": 255, "smallest_mse": ROUNDING_MSE},
)


def squared_error(first: Image, second: Image) -> float:
    """Return the mean squared error of two uint8 images of one shape, exact in integers."""
    difference = first.astype(np.int32) - second.astype(np.int32)
    return int(np.sum(difference * difference, dtype=np.int64)) / difference.size


def psnr(first: Image, second: Image) -> float:
    """Return the PSNR in dB, in [0, 58.92], of two uint8 images of one shape."""
    return 10 * math.log10(255**2 / max(squared_error(first, second), ROUNDING_MSE))


class Psnr(PairMetric):
    """PSNR of generated and target."""

    card = CARD
    inside_card = inside_card(CARD, "pixels")
    valid_range = (0.0, CEILING)
    images = frozenset({"target"})

    def score(self, view: PairView) -> float | Failure:
        """Return the PSNR of the pair in dB."""
        images = compared_pixels(self, view)
        return images if isinstance(images, Failure) else psnr(*images.pixels())
