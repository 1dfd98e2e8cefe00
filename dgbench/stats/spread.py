"""The spread of a set metric from disjoint subsets; a bootstrap of FID would miss its own estimate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Spread:
    """Values of a set metric over disjoint parts of the people.

    The parts are smaller than the whole, so their mean is biased and is no estimate of the whole; ``sd`` says how
    far two measurements of ``n_each`` images would differ by chance.
    """

    values: tuple[float, ...]
    n_each: int
    sd: float


def disjoint_parts(identities: Sequence[str], *, parts: int, seed: int = 0) -> list[NDArray[np.int64]]:
    """Split rows into parts of equal length that share no person.

    People are dealt out in a seeded order, always to the smallest part; then every part is cut to the length of the
    smallest, because a Fréchet distance depends on N.

    Args:
        identities: one per row.
        parts: number of parts, at least 2.
        seed: of the order.

    Raises:
        ValueError: fewer people than parts, or fewer than two parts.
    """
    people = sorted(set(identities))
    if parts < 2 or len(people) < parts:
        raise ValueError(f"{len(people)} people cannot be split into {parts} parts")
    rows: dict[str, list[int]] = {person: [] for person in people}
    for index, person in enumerate(identities):
        rows[person].append(index)
    groups: list[list[int]] = [[] for _ in range(parts)]
    for number in np.random.default_rng(seed).permutation(len(people)):
        min(groups, key=len).extend(rows[people[number]])
    length = min(map(len, groups))
    return [np.array(sorted(group[:length]), dtype=np.int64) for group in groups]


def spread_over_parts(
    value_of: Callable[[NDArray[np.int64]], float], identities: Sequence[str], *, parts: int = 5, seed: int = 0
) -> Spread:
    """Return the spread of ``value_of(rows)`` over disjoint parts of the people.

    Raises:
        ValueError: fewer people than parts.
    """
    groups = disjoint_parts(identities, parts=parts, seed=seed)
    values = tuple(value_of(group) for group in groups)
    return Spread(values, len(groups[0]), float(np.std(values, ddof=1)))
