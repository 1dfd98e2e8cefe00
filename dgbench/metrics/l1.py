"""Mean absolute RGB difference on [0, 1]."""

from __future__ import annotations

import numpy as np

from dgbench.core.card import MetricCard
from dgbench.core.face import Failure, Image
from dgbench.metrics.contract import PairMetric, PairView, inside_card
from dgbench.metrics.pixels import compared_pixels

CARD = MetricCard(
    name="l1",
    version=1,
    title="L1",
    definition=(
        "Mean absolute difference of generated and target over pixels and RGB channels, divided by 255; per image "
        "first, then the mean over pairs."
    ),
    direction="lower",
    level="pair",
    floor=1.0,
    failure_rule="a pair without a generated image of the target's size scores 1, black against white",
    needs_target=True,
    parameters={"data_range": 255},
)


def l1(first: Image, second: Image) -> float:
    """Return the mean absolute difference, in [0, 1], of two uint8 images of one shape."""
    difference = np.abs(first.astype(np.int16) - second.astype(np.int16))
    return int(np.sum(difference, dtype=np.int64)) / (255 * difference.size)


class L1(PairMetric):
    """L1 of generated and target."""

    card = CARD
    inside_card = inside_card(CARD, "pixels")
    valid_range = (0.0, 1.0)
    images = frozenset({"target"})

    def score(self, view: PairView) -> float | Failure:
        """Return the L1 of the pair."""
        images = compared_pixels(self, view)
        return images if isinstance(images, Failure) else l1(*images.pixels())
