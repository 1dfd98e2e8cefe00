"""Normalised mean error of landmarks, with a normaliser that does not shrink when the head turns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import JudgeNetwork, MetricCard
from dgbench.core.face import Failure
from dgbench.metrics.contract import PairMetric, PairView, cards_of
from dgbench.metrics.shapes import NO_FACE_RULE, TRUTH, compared_points

ROLES = frozenset({"detector", "landmarks"})


def card(networks: Sequence[JudgeNetwork]) -> MetricCard:
    """Return the card of the NME by the given judges."""
    return MetricCard(
        name="landmark_nme",
        version=1,
        title="Landmark NME",
        definition=(
            f"Mean Euclidean distance, in x and y, of 68 landmarks of the generated face and of the truth ({TRUTH}), "
            "divided by the square root of the area of the truth's landmark box: unlike the distance between the "
            "eyes it does not vanish in profile. A value above 1 is read as 1."
        ),
        direction="lower",
        level="pair",
        floor=1.0,
        failure_rule=f"{NO_FACE_RULE} 1: off by the size of the face",
        judges=cards_of(networks, ROLES),
        parameters={"normaliser": "sqrt(width * height) of the truth's 68 points", "cap": 1.0},
    )


def nme(points: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Return the NME of (68, >=2) points, not capped; NaN where the truth's box has no area."""
    sides = truth[:, :2].max(axis=0) - truth[:, :2].min(axis=0)
    size = float(np.sqrt(sides[0] * sides[1]))
    distance = float(np.linalg.norm(points[:, :2] - truth[:, :2], axis=1).mean())
    return distance / size if size > 0 else float("nan")


class LandmarkNme(PairMetric):
    """NME of the generated face's landmarks."""

    valid_range = (0.0, 1.0)
    seen = frozenset({"generated", "reference", "target"})
    roles = ROLES
    companions = ("akd",)

    @classmethod
    def card_by(cls, name: str, networks: Sequence[JudgeNetwork]) -> MetricCard:
        """Return the card by the given judges."""
        return card(networks)

    def score(self, view: PairView) -> float | Failure:
        """Return the NME of the pair, in 0..1."""
        points = compared_points(view)
        if isinstance(points, Failure):
            return points
        value = nme(*points)
        return min(value, 1.0) if np.isfinite(value) else Failure("not-finite", "the truth's landmarks span no area")
