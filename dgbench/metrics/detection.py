"""Whether the generated image shows a face at all."""

from __future__ import annotations

from collections.abc import Sequence

from dgbench.core.card import JudgeNetwork, MetricCard
from dgbench.core.face import Failure
from dgbench.metrics.contract import PairMetric, PairView, cards_of

ROLES = frozenset({"detector"})


def card(networks: Sequence[JudgeNetwork]) -> MetricCard:
    """Return the card of the detection rate by the given judges."""
    return MetricCard(
        name="detection",
        version=1,
        title="Detection rate",
        definition="1 where the judge's detector finds a face in the generated image, else 0; mean over pairs.",
        direction="higher",
        level="pair",
        floor=0.0,
        failure_rule="a pair without a generated image scores 0",
        judges=cards_of(networks, ROLES),
    )


class Detection(PairMetric):
    """1 where a face is found, else 0; an undetected face is a measured 0, not a failure."""

    valid_range = (0.0, 1.0)
    seen = frozenset({"generated"})
    roles = ROLES

    @classmethod
    def card_by(cls, name: str, networks: Sequence[JudgeNetwork]) -> MetricCard:
        """Return the card by the given judges."""
        return card(networks)

    def score(self, view: PairView) -> float | Failure:
        """Return 1.0 or 0.0."""
        if view.seen_generated is None:
            return Failure("missing", "no generated image")
        return 1.0 if view.seen_generated.detected else 0.0
