"""Which places a method can hold, given what its pair scores, or its interval, can and cannot tell apart."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dgbench.core.record import Interval
from dgbench.results.resample import can_resample, difference_interval, resampled_means
from dgbench.stats.clusters import Clusters
from dgbench.stats.ranks import rank_ranges


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
    """Compare methods on the same pairs: ``stats.ranks.shown_better`` with the draws shared by all methods.

    Args:
        tables: M tables of pair scores over one pair set, each sorted by ``pair_id``.
        metric: the column compared; failures stand in it at their floor.
        higher: whether larger is better.
        level: of all comparisons of two rows together (Bonferroni). Seeds of a row add none: all of them must agree.
        rows: the row of each table, where several seeds share one; default: each its own.

    Returns:
        bool (M, M), [i, j] = i is shown to be better than j.
    """
    count = len(tables)
    better = np.zeros((count, count), dtype=np.bool_)
    clusters = clusters_of(tables[0])
    if not can_resample(clusters):
        return better
    scores = np.stack([table[metric].to_numpy(dtype=np.float64) for table in tables], axis=1)
    means = resampled_means(scores, clusters)
    of = list(range(count)) if rows is None else list(rows)
    apart = len(set(of))
    each = 1 - (1 - level) / max(1, apart * (apart - 1) // 2)
    for i, j in itertools.combinations(range(count), 2):
        if of[i] == of[j]:
            continue
        interval = difference_interval(means, scores, (i, j), clusters, level=each)
        above, below = interval.low > 0, interval.high < 0
        better[i, j], better[j, i] = (above, below) if higher else (below, above)
    return better


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
