"""Which places a method can hold, given what its pair scores, or its interval, can and cannot tell apart."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dgbench.core.record import Interval
from dgbench.stats.clusters import Clusters
from dgbench.stats.ranks import rank_ranges, shown_better


class RankRange(NamedTuple):
    """Places ``low`` to ``high``, 1 is best; equal where nothing else is possible."""

    low: int
    high: int


def places(better: NDArray[np.bool_]) -> list[RankRange]:
    """Turn "i is shown to be better than j" (bool (M, M)) into places."""
    return [RankRange(low, high) for low, high in rank_ranges(better)]


def clusters_of(table: pd.DataFrame) -> Clusters:
    """The identities of a table's pairs."""
    return Clusters.of(table["source_identity"].astype(str).tolist(), table["reference_identity"].astype(str).tolist())


def for_every_seed(better: NDArray[np.bool_], rows: Sequence[int]) -> NDArray[np.bool_]:
    """Turn comparisons of records, bool (M, M), into those of rows: better where every seed of one beats every other.

    Args:
        better: [i, j] = record i is shown to be better than record j.
        rows: the row of each record, 0 to R-1.

    Returns:
        bool (R, R).
    """
    of = np.asarray(rows)
    count = int(of.max()) + 1
    if np.array_equal(of, np.arange(count)):
        return better
    result = np.zeros((count, count), dtype=np.bool_)
    for i, j in itertools.permutations(range(count), 2):
        result[i, j] = better[np.ix_(of == i, of == j)].all()
    return result


def better_by_pairs(
    tables: Sequence[pd.DataFrame],
    metric: str,
    *,
    higher: bool,
    level: float = 0.95,
    rows: Sequence[int] | None = None,
) -> NDArray[np.bool_]:
    """Compare methods on the same pairs, all of them at once (:func:`dgbench.stats.ranks.shown_better`).

    Args:
        tables: M tables of pair scores over one pair set, each sorted by ``pair_id``.
        metric: the column compared; failures stand in it at their floor.
        higher: whether larger is better.
        level: of all comparisons of two rows together.
        rows: the row of each table, where several seeds share one; default: each its own.

    Returns:
        bool (M, M), [i, j] = i is shown to be better than j.
    """
    scores = np.stack([table[metric].to_numpy(dtype=np.float64) for table in tables], axis=1)
    return shown_better(scores, clusters_of(tables[0]), higher=higher, level=level, rows=rows)


def better_by_intervals(intervals: Sequence[Interval | None], *, higher: bool) -> NDArray[np.bool_]:
    """Compare methods by whether their intervals are apart; one without an interval is never shown to differ.

    Returns:
        bool (M, M), [i, j] = i is shown to be better than j.
    """
    count = len(intervals)
    better = np.zeros((count, count), dtype=np.bool_)
    for i, one in enumerate(intervals):
        for j, other in enumerate(intervals):
            if one is not None and other is not None:
                better[i, j] = one.low > other.high if higher else one.high < other.low
    return better
