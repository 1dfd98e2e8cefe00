"""Which places methods can hold, from simultaneous paired comparisons on the same pairs."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from dgbench.stats.clusters import DRAWS, Clusters, mean_interval

Floats = NDArray[np.float64]


def shown_better(
    scores: Floats, clusters: Clusters, *, higher: bool, level: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> NDArray[np.bool_]:
    """Return bool (M, M): [i, j] says that method i is shown to be better than method j.

    All M(M-1)/2 differences are judged at once: each interval has level 1 - (1 - level) / comparisons (Bonferroni),
    so that the chance of any wrong claim is at most 1 - level.

    Args:
        scores: float64 (N, M), pairs by methods, failures at the floor.
        clusters: the identities of the N pairs.
        higher: whether larger is better.
        level: of all comparisons together.
        draws: bootstrap resamples.
        seed: of the bootstrap.
    """
    count = scores.shape[1]
    better = np.zeros((count, count), dtype=np.bool_)
    comparisons = max(1, count * (count - 1) // 2)
    each = 1 - (1 - level) / comparisons
    for i, j in itertools.combinations(range(count), 2):
        interval = mean_interval(scores[:, i] - scores[:, j], clusters, level=each, draws=draws, seed=seed)
        if interval is None:
            continue
        above, below = interval.low > 0, interval.high < 0
        better[i, j], better[j, i] = (above, below) if higher else (below, above)
    return better


def rank_ranges(better: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return per method its best and worst possible place, 1 is best, given who is shown to be better than whom."""
    count = len(better)
    return [(1 + int(better[:, i].sum()), count - int(better[i].sum())) for i in range(count)]
