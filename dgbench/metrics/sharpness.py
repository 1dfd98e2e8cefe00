"""Sharpness without a reference: how much of an image's local contrast a further blur takes away."""

from __future__ import annotations

import math

import numpy as np

from dgbench.core.card import MetricCard
from dgbench.core.face import Failure, Image
from dgbench.metrics.contract import PairMetric, PairView

WINDOW = 11

CARD = MetricCard(
    name="sharpness",
    version=1,
    title="Sharpness",
    definition=(
        "1 - B of the generated image alone, where B is the perceptual blur of Crété-Roffet et al. 2007 as "
        "skimage.measure.blur_effect(image, h_size=11, channel_axis=2) computes it on uint8 RGB: the share of the "
        "differences between neighbours that a mean filter of 11 px leaves. It tells blurred from sharp at one image "
        "size; noise counts as sharpness, and no identity, pose or truth enters."
    ),
    direction="higher",
    level="pair",
    floor=0.0,
    failure_rule="a pair without a generated image scores 0, as a flat image does",
    parameters={"h_size": WINDOW},
)


def sharpness(image: Image) -> float:
    """Return the sharpness, in [0, 1], of a uint8 HWC RGB image; 0 for a flat one."""
    from skimage.measure import blur_effect

    if (np.ptp(image, axis=(0, 1)) == 0).all():
        return 0.0
    value = float(blur_effect(image, h_size=WINDOW, channel_axis=2))
    return 0.0 if math.isnan(value) else min(1.0, max(0.0, 1.0 - value))


class Sharpness(PairMetric):
    """Sharpness of the generated image."""

    card = CARD
    valid_range = (0.0, 1.0)

    def score(self, view: PairView) -> float | Failure:
        """Return the sharpness of the pair's generated image."""
        return Failure("missing", "no generated image") if view.generated is None else sharpness(view.generated)
