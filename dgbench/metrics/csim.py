"""CSIM: cosine of identity embeddings, with its variants (to target, by fallback, ceiling, impostor)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import JudgeNetwork, MetricCard
from dgbench.core.face import FaceObservation, Failure
from dgbench.core.pair import Pair
from dgbench.metrics.contract import PairMetric, PairView, Role, cards_of

ROLES = frozenset({"detector", "identity"})
_FLOOR_RULE = (
    "a pair without a generated image, or in whose generated image the detector finds no face, scores -1, the end of "
    "the range: no face that can be measured scores less, so failing never pays"
)


@dataclass(frozen=True)
class Variant:
    """Which two images a CSIM compares, and whether an undetected face may be aligned by a fallback."""

    title: str
    first: Role
    second: Role
    definition: str
    failure_rule: str
    needs_target: bool = False
    any_alignment: bool = False
    cross_only: bool = False


VARIANTS: dict[str, Variant] = {
    "csim": Variant(
        "CSIM to source",
        "generated",
        "source",
        "Cosine of the identity embeddings of the generated and the source image. The generated face is aligned by "
        "its own detection, never by another image's points.",
        _FLOOR_RULE,
    ),
    "csim_target": Variant(
        "CSIM to target",
        "generated",
        "target",
        "Cosine of the identity embeddings of the generated and the target image, each aligned by its own detection.",
        _FLOOR_RULE,
        needs_target=True,
    ),
    "csim_fallback": Variant(
        "CSIM to source, undetected faces by fallback",
        "generated",
        "source",
        "As csim, but a generated image without a detection is aligned by the protocol's points of the reference, "
        "or else by a fixed box; the column 'alignment' of the pair table says which.",
        "a pair without a generated image scores -1",
        any_alignment=True,
    ),
    "csim_ceiling": Variant(
        "CSIM of source and target",
        "target",
        "source",
        "Cosine of the identity embeddings of the target and the source image, two real photos of one person: what a "
        "perfect method would score at these poses. Independent of the method.",
        "a pair whose target is not here, or in which no face can be embedded, scores -1",
        needs_target=True,
        any_alignment=True,
    ),
    "csim_impostor": Variant(
        "CSIM of reference and source",
        "reference",
        "source",
        "Cosine of the identity embeddings of the reference and the source image of cross pairs, two different "
        "people: what a method that copies the reference would score. Independent of the method.",
        "a pair in which no face can be embedded scores -1",
        any_alignment=True,
        cross_only=True,
    ),
}


def card(name: str, networks: Sequence[JudgeNetwork]) -> MetricCard:
    """Return the card of one variant by the given judges."""
    variant = VARIANTS[name]
    return MetricCard(
        name=name,
        version=1,
        title=variant.title,
        definition=variant.definition + " Dot product in float64 of L2-normalised vectors.",
        direction="higher",
        level="pair",
        floor=-1.0,
        failure_rule=variant.failure_rule,
        needs_target=variant.needs_target,
        judges=cards_of(networks, ROLES),
        parameters={"first": variant.first, "second": variant.second, "any_alignment": variant.any_alignment},
    )


def cosine(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return the cosine, in [-1, 1], of two vectors, in float64; NaN where one of them is zero or not finite."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    norm = float(np.sqrt(np.dot(a, a)) * np.sqrt(np.dot(b, b)))
    if not np.isfinite(norm) or norm == 0.0:
        return float("nan")
    return float(np.clip(np.dot(a, b) / norm, -1.0, 1.0))


class Csim(PairMetric):
    """One variant of CSIM."""

    valid_range = (-1.0, 1.0)
    roles = ROLES
    parts = ("csim_fallback", "csim_target", "csim_ceiling", "csim_impostor")
    companions = parts

    @classmethod
    def card_by(cls, name: str, networks: Sequence[JudgeNetwork]) -> MetricCard:
        """Return the card by the given judges."""
        return card(name, networks)

    def __init__(self, card: MetricCard) -> None:
        super().__init__(card)
        self.variant = VARIANTS[card.name]
        self.seen = frozenset({self.variant.first, self.variant.second})
        self.of_generated = "generated" in self.seen

    def applies(self, pair: Pair) -> bool:
        """Whether the pair has the two images; the impostor value is of cross pairs alone."""
        return super().applies(pair) and (pair.relation == "cross" or not self.variant.cross_only)

    def score(self, view: PairView) -> float | Failure:
        """Return the cosine of the pair."""
        vectors = []
        for role in (self.variant.first, self.variant.second):
            seen: FaceObservation | None = getattr(view, f"seen_{role}")
            if seen is None:
                return Failure("missing", f"the {role} image is not here")
            must_be_found = role == "generated" and not self.variant.any_alignment
            if seen.embedding is None or (must_be_found and not seen.detected):
                return Failure("no-face", f"no face found in the {role} image")
            vectors.append(seen.embedding)
        value = cosine(vectors[0], vectors[1])
        return value if np.isfinite(value) else Failure("not-finite", "an identity embedding is zero or not finite")
