"""Rank ranges: which places a method can hold, given what the pair scores can and cannot tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dgbench.core.digests import seed_of
from dgbench.core.record import Interval

_DRAWS = 2000


class RankRange(NamedTuple):
    """Places ``low`` to ``high``, 1 is best; equal where nothing else is possible."""

    low: int
    high: int


def rank_ranges(better: NDArray[np.bool_]) -> list[RankRange]:
    """Turn "i is shown to be better than j" (bool (M, M)) into places.

    The best place of i is one more than the number of methods shown to be better; its worst place is M less the
    number of methods shown to be worse.
    """
    count = len(better)
    return [RankRange(1 + int(better[:, i].sum()), count - int(better[i].sum())) for i in range(count)]


def better_by_pairs(
    tables: Sequence[pd.DataFrame], metric: str, *, higher: bool, level: float = 0.95, seed: int = 0
) -> NDArray[np.bool_]:
    """Compare methods on the same pairs by a paired bootstrap over identities.

    Args:
        tables: M tables of pair scores over one pair set, each sorted by ``pair_id``.
        metric: the column compared; failures stand in it at their floor.
        higher: whether larger is better.
        level: i is better than j where the interval of this level of their difference excludes 0.
        seed: of the bootstrap draws.

    Returns:
        bool (M, M), [i, j] = i is shown to be better than j.
    """
    scores = np.stack([table[metric].to_numpy(dtype=np.float64) for table in tables], axis=1)
    names, cluster = np.unique(tables[0]["source_identity"].astype(str).to_numpy(), return_inverse=True)
    sums = np.zeros((len(names), scores.shape[1]))
    np.add.at(sums, cluster, scores if higher else -scores)
    sizes = np.bincount(cluster, minlength=len(names)).astype(np.float64)
    draws = np.random.default_rng(seed_of("rank ranges", metric, seed)).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=_DRAWS
    )
    means = (draws @ sums) / (draws @ sizes)[:, None]
    tail = (1 - level) / 2
    better = np.zeros((scores.shape[1],) * 2, dtype=bool)
    for i in range(scores.shape[1]):
        better[i] = np.quantile(means[:, [i]] - means, tail, axis=0) > 0
    return better


def better_by_intervals(intervals: Sequence[Interval | None], *, higher: bool) -> NDArray[np.bool_]:
    """Compare methods by whether their intervals are apart; one without an interval is never shown to differ.

    Returns:
        bool (M, M), [i, j] = i is shown to be better than j.
    """
    count = len(intervals)
    better = np.zeros((count, count), dtype=bool)
    for i, one in enumerate(intervals):
        for j, other in enumerate(intervals):
            if one is not None and other is not None:
                better[i, j] = one.low > other.high if higher else one.high < other.low
    return better
