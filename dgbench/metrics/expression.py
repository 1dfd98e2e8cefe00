"""Expression error: how far brows, lids and mouth are from the truth once the head itself is aligned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import JudgeNetwork, MetricCard
from dgbench.core.face import Failure
from dgbench.metrics.contract import PairMetric, PairView, cards_of
from dgbench.metrics.shapes import NO_FACE_RULE, TRUTH, compared_points

ROLES = frozenset({"detector", "landmarks"})
#: Points that expression hardly moves: the nose and the four eye corners.
STABLE = (27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 39, 42, 45)
#: Points that expression moves: brows, eyelids, mouth.
MOVING = (*range(17, 27), 37, 38, 40, 41, 43, 44, 46, 47, *range(48, 68))
OUTER_CORNERS = (36, 45)

Points = NDArray[np.float64]


def card(networks: Sequence[JudgeNetwork]) -> MetricCard:
    """Return the card of the expression error by the given judges."""
    return MetricCard(
        name="expression",
        version=1,
        title="Expression error",
        definition=(
            f"The generated face's 68 landmarks are laid on the truth's ({TRUTH}) by the similarity transform that "
            "fits the nose and the four eye corners best (least squares, in 3D where the judge gives depth); then the "
            "mean Euclidean distance of brows, lids and mouth, divided by the distance of the truth's outer eye "
            "corners. Without a target the two people's different shapes count as well. A value above 1 is read as 1."
        ),
        direction="lower",
        level="pair",
        floor=1.0,
        failure_rule=f"{NO_FACE_RULE} 1: off by the distance of the eyes",
        judges=cards_of(networks, ROLES),
        parameters={
            "stable": " ".join(map(str, STABLE)),
            "moving": " ".join(map(str, MOVING)),
            "normaliser": "outer eye corners of the truth, 36 to 45",
            "cap": 1.0,
        },
    )


def similarity(points: Points, onto: Points) -> tuple[Points, float, Points]:
    """Return rotation (D, D), scale and shift (D,) that lay ``points`` (K, D) on ``onto`` best.

    Umeyama 1991, "Least-squares estimation of transformation parameters between two point patterns", eqs. 40-42;
    reflections are excluded.

    Raises:
        ValueError: the points coincide.
    """
    mean_p, mean_o = points.mean(axis=0), onto.mean(axis=0)
    p, o = points - mean_p, onto - mean_o
    spread = float((p * p).sum())
    if spread == 0.0:
        raise ValueError("points that coincide have no direction")
    left, singular, right = np.linalg.svd(o.T @ p)
    signs = np.ones(points.shape[1])
    if np.linalg.det(left @ right) < 0:
        signs[-1] = -1.0
    turn = (left * signs) @ right
    scale = float((singular * signs).sum()) / spread
    return turn, scale, mean_o - scale * turn @ mean_p


def expression_error(points: Points, truth: Points) -> float:
    """Return the expression error, not capped, of (68, 3) landmarks; NaN where it is not defined."""
    stable, moving = list(STABLE), list(MOVING)
    if not (np.any(points[:, 2]) and np.any(truth[:, 2])):  # depth on one side only would be read as a turn
        points, truth = points[:, :2], truth[:, :2]
    size = float(np.linalg.norm(truth[OUTER_CORNERS[0]] - truth[OUTER_CORNERS[1]]))
    if size == 0.0 or not np.any(points[stable] - points[stable[0]]):
        return float("nan")
    turn, scale, shift = similarity(points[stable], truth[stable])
    laid = scale * points[moving] @ turn.T + shift
    return float(np.linalg.norm(laid - truth[moving], axis=1).mean()) / size


class Expression(PairMetric):
    """Landmark-based expression error."""

    valid_range = (0.0, 1.0)
    seen = frozenset({"generated", "reference", "target"})
    roles = ROLES

    @classmethod
    def card_by(cls, name: str, networks: Sequence[JudgeNetwork]) -> MetricCard:
        """Return the card by the given judges."""
        return card(networks)

    def score(self, view: PairView) -> float | Failure:
        """Return the expression error of the pair, in 0..1."""
        points = compared_points(view)
        if isinstance(points, Failure):
            return points
        value = expression_error(*points)
        return min(value, 1.0) if np.isfinite(value) else Failure("not-finite", "the landmarks coincide")
