"""Which images make a batch: a pure function of seed, phase and step, so that a resumed run draws the same."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import seed_of
from dgbench.training.dg.frames import FrameBank

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Draw:
    """Row numbers of one batch, each int64 (B,).

    Attributes:
        reference: shows pose and expression; person a.
        own: another image of person a of the same moment (the reference itself where there is none): source of the
            self pair.
        other: an image of another person b: source of the cross pair.
        truth: person b in the reference's cell, or −1 where there is no such image.
    """

    reference: Indices
    own: Indices
    other: Indices
    truth: Indices


class Drawer:
    """Draws batches balanced over people: first a person, then one of the person's images.

    Source and target of a pair are of one moment: a pixel loss between two sessions would teach their average.

    Cross partners come from people who were photographed in the reference's cell, where there are any, so that a
    true target exists as often as the data allow.
    """

    def __init__(self, bank: FrameBank, *, seed: int) -> None:
        self._seed = seed
        self._of_person = [np.flatnonzero(bank.subject == person) for person in range(len(bank.people))]
        self._subject = bank.subject
        together: dict[tuple[int, str], list[int]] = defaultdict(list)
        for index, row in enumerate(bank.rows):
            together[int(bank.subject[index]), row.moment].append(index)
        self._peers = [together[int(bank.subject[i]), row.moment] for i, row in enumerate(bank.rows)]
        self._cell = [row.cell for row in bank.rows]
        self._in_cell: dict[str, list[int]] = defaultdict(list)
        for index, cell in enumerate(self._cell):
            if cell:
                self._in_cell[cell].append(index)

    def draw(self, name: str, step: int, size: int) -> Draw:
        """Draw the whole batch of one step of the phase ``name`` (every process draws all and takes its part)."""
        rng = np.random.default_rng(seed_of("draw", self._seed, name, step))
        columns = [self._one(rng) for _ in range(size)]
        return Draw(*(np.array(column, dtype=np.int64) for column in zip(*columns, strict=True)))

    def _one(self, rng: np.random.Generator) -> tuple[int, int, int, int]:
        people = len(self._of_person)
        first = int(rng.integers(people))
        reference = _pick(rng, self._of_person[first])
        own = self._another(rng, reference)
        truths = [i for i in self._in_cell.get(self._cell[reference], ()) if self._subject[i] != first]
        if truths:
            truth = truths[int(rng.integers(len(truths)))]
            return reference, own, self._another(rng, truth), truth
        second = (first + 1 + int(rng.integers(people - 1))) % people
        return reference, own, _pick(rng, self._of_person[second]), -1

    def _another(self, rng: np.random.Generator, image: int) -> int:
        """Draw another image of the same person and moment, or ``image`` where there is no other."""
        images = self._peers[image]
        if len(images) == 1:
            return image
        drawn = images[int(rng.integers(len(images) - 1))]
        return drawn if drawn != image else images[-1]


def _pick(rng: np.random.Generator, rows: Indices) -> int:
    return int(rows[int(rng.integers(len(rows)))])
