"""Which places methods can hold, from simultaneous paired comparisons on the same pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dgbench.stats.clusters import Clusters, DifferenceErrors, can_resample, t_factor

Floats = NDArray[np.float64]


def shown_better(
    scores: Floats,
    clusters: Clusters,
    *,
    higher: bool,
    level: float = 0.95,
    rows: Sequence[int] | None = None,
) -> NDArray[np.bool_]:
    """Return bool (M, M): [i, j] says that method i is shown to be better than method j.

    All differences are judged at once: each t interval has level 1 - (1 - level) / comparisons (Bonferroni), so that
    the chance of any wrong claim is about 1 - level. With too few people nothing is shown.

    Args:
        scores: float64 (N, M), pairs by methods, failures at the floor.
        clusters: the identities of the N pairs.
        higher: whether larger is better.
        level: of all comparisons of two rows together. Seeds of a row add none: all of them must agree.
        rows: the row of each method, where several seeds share one; default: each its own.
    """
    count = scores.shape[1]
    better = np.zeros((count, count), dtype=np.bool_)
    if not can_resample(clusters):
        return better
    of = np.arange(count) if rows is None else np.asarray(rows)
    apart = len(set(of.tolist()))
    level = 1 - (1 - level) / max(1, apart * (apart - 1) // 2)
    signed = scores if higher else -scores
    means, errors = signed.mean(axis=0), DifferenceErrors(signed, clusters)
    factor = t_factor(clusters, level=level)
    for i in range(count - 1):
        centre, reach = means[i] - means[i + 1 :], factor * errors.between(i)
        other = of[i + 1 :] != of[i]
        better[i, i + 1 :], better[i + 1 :, i] = (centre > reach) & other, (centre < -reach) & other
    return better


def rank_ranges(better: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return per method its best and worst possible place, 1 is best, given who is shown to be better than whom."""
    count = len(better)
    return [(1 + int(better[:, i].sum()), count - int(better[i].sum())) for i in range(count)]
