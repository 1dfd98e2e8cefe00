"""Average keypoint distance as the First Order Motion Model's scripts compute it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import JudgeNetwork, MetricCard
from dgbench.core.face import Failure
from dgbench.metrics.contract import PairMetric, PairView, cards_of
from dgbench.metrics.shapes import NO_FACE_RULE, TRUTH, compared_points

ROLES = frozenset({"detector", "landmarks"})
SIZE = 256.0


def card(networks: Sequence[JudgeNetwork]) -> MetricCard:
    """Return the card of AKD by the given judges."""
    return MetricCard(
        name="akd",
        version=1,
        title="AKD",
        unit="pixels at 256",
        definition=(
            f"Mean over 68 landmarks and over x and y of |generated - truth| ({TRUTH}), scaled to an image 256 px "
            "wide: the mean of |dx| and |dy|, as FOMM's pose-evaluation code has it, not the Euclidean distance. "
            "Unlike there, a face that is not found is not dropped. A value above 256 is read as 256."
        ),
        direction="lower",
        level="pair",
        floor=SIZE,
        failure_rule=f"{NO_FACE_RULE} 256: off by the image",
        judges=cards_of(networks, ROLES),
        parameters={"image_width": SIZE, "cap": SIZE},
    )


def akd(points: NDArray[np.float64], truth: NDArray[np.float64], *, width: int) -> float:
    """Return the AKD, in pixels of an image 256 px wide, of (68, >=2) points in an image ``width`` px wide."""
    return float(np.abs(points[:, :2] - truth[:, :2]).mean()) * SIZE / width


class Akd(PairMetric):
    """AKD of the generated face's landmarks."""

    valid_range = (0.0, SIZE)
    seen = frozenset({"generated", "reference", "target"})
    roles = ROLES

    @classmethod
    def card_by(cls, name: str, networks: Sequence[JudgeNetwork]) -> MetricCard:
        """Return the card by the given judges."""
        return card(networks)

    def score(self, view: PairView) -> float | Failure:
        """Return the AKD of the pair, in 0..256."""
        points = compared_points(view)
        if isinstance(points, Failure):
            return points
        if view.generated is None:
            return Failure("missing", "no generated image")
        return min(akd(*points, width=view.generated.shape[1]), SIZE)
