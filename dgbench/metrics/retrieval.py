"""Identity retrieval: is the generated face nearer to its own person than to every other test person?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import JudgeNetwork, MetricCard
from dgbench.core.face import Failure
from dgbench.core.pair import Pair
from dgbench.metrics.contract import PairMetric, PairView, cards_of

ROLES = frozenset({"detector", "identity"})
#: A gallery of fewer people in one cell says little; the people's sources stand in for it.
SMALLEST_GALLERY = 8

Vector = NDArray[np.float64]


def card(networks: Sequence[JudgeNetwork]) -> MetricCard:
    """Return the card by the given judges."""
    return MetricCard(
        name="id_rank1",
        version=1,
        title="Identity retrieval, rank 1",
        definition=(
            "1 where the cosine of the generated face's embedding with its own person in the gallery is larger than "
            "with every other person, else 0; mean over pairs. Gallery of a pair: the targets of the run's pairs in "
            "the same cell (keys that differ in the person alone), one per person; where fewer than 8 people have one, "
            "the mean embedding of each test person's source images. Scales of cosines cancel, so that judges can be "
            "compared. Chance is one over the number of people, which the note gives."
        ),
        direction="higher",
        level="pair",
        floor=0.0,
        failure_rule=(
            "a pair without a generated image, or in whose generated image the detector finds no face, scores 0"
        ),
        judges=cards_of(networks, ROLES),
        parameters={"smallest_gallery": SMALLEST_GALLERY},
    )


@dataclass(frozen=True)
class _Kept:
    generated: Vector
    target: Vector | None
    source: Vector


class IdentityRank1(PairMetric):
    """Rank-1 retrieval; a pair's value is known when all pairs have been seen."""

    valid_range = (0.0, 1.0)
    seen = frozenset({"generated", "source", "target"})
    roles = ROLES
    of_all_pairs = True

    @classmethod
    def card_by(cls, name: str, networks: Sequence[JudgeNetwork]) -> MetricCard:
        """Return the card by the given judges."""
        return card(networks)

    def __init__(self, card: MetricCard) -> None:
        super().__init__(card)
        self._kept: dict[str, _Kept] = {}
        self._people: list[int] = []

    def score(self, view: PairView) -> float | Failure:
        """Keep the pair's embeddings; the value comes with :meth:`settle`."""
        source = view.seen_source
        if source is None or source.embedding is None:
            return Failure("missing", "the source image is not here")
        target = view.seen_target.embedding if view.seen_target is not None else None
        made = view.seen_generated
        found = made is not None and made.detected and made.embedding is not None
        # The gallery needs the real images of pairs that failed, too.
        self._kept[view.pair.pair_id] = _Kept(
            _unit(made.embedding) if found and made is not None and made.embedding is not None else np.zeros(1),
            None if target is None else _unit(target),
            _unit(source.embedding),
        )
        if made is None:
            return Failure("missing", "the generated image is not here")
        return 0.0 if found else Failure("no-face", "no face found in the generated image")

    def settle(self, pairs: Sequence[Pair], scores: Sequence[float | Failure]) -> list[float | Failure]:
        """Return every pair's value, 0 or 1; failures stay."""
        by_cell, sources = self._galleries(pairs)
        self._people = []
        settled: list[float | Failure] = []
        for pair, score in zip(pairs, scores, strict=True):
            if isinstance(score, Failure):
                settled.append(score)
                continue
            cell = by_cell.get(cell_of(pair) or "", {})
            gallery = cell if len(cell) >= SMALLEST_GALLERY else sources
            made = self._kept[pair.pair_id].generated
            own = float(made @ gallery[pair.source_identity])
            best = max((float(made @ v) for who, v in gallery.items() if who != pair.source_identity), default=-1.0)
            self._people.append(len(gallery))
            settled.append(1.0 if own > best else 0.0)
        self._kept = {}
        return settled

    def note(self) -> str:
        """Return the chance level over the settled pairs."""
        if not self._people:
            return ""
        chance = sum(1 / people for people in self._people) / len(self._people)
        low, high = min(self._people), max(self._people)
        return f"chance {chance:.3f}: a gallery of {low if low == high else f'{low} to {high}'} people"

    def _galleries(self, pairs: Sequence[Pair]) -> tuple[dict[str, dict[str, Vector]], dict[str, Vector]]:
        cells: dict[str, dict[str, Vector]] = defaultdict(dict)
        sources: dict[str, list[Vector]] = defaultdict(list)
        for pair in pairs:
            kept = self._kept.get(pair.pair_id)
            if kept is None:
                continue
            sources[pair.source_identity].append(kept.source)
            if kept.target is not None and (cell := cell_of(pair)) is not None:
                cells[cell].setdefault(pair.source_identity, kept.target)
        return cells, {who: _unit(np.mean(vectors, axis=0)) for who, vectors in sources.items()}


def cell_of(pair: Pair) -> str | None:
    """Return the target's key without the person, or ``None`` where the pair has no target or its key names nobody.

    Keys are ``dataset/person/…``; a rendered person may stand in another's scene (``person@other``, ``person+clip``).
    """
    if pair.target is None:
        return None
    parts = pair.target.split("/")
    for number, part in enumerate(parts):
        if part == pair.source_identity or part.startswith((f"{pair.source_identity}@", f"{pair.source_identity}+")):
            return "/".join(parts[:number] + parts[number + 1 :])
    return None


def _unit(vector: NDArray) -> Vector:
    wide: Vector = vector.astype(np.float64)
    return wide / max(float(np.linalg.norm(wide)), 1e-12)
