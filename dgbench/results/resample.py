"""The bootstrap over people for many methods at once, as the page of differences draws it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgbench.core.record import Interval
from dgbench.stats.clusters import Clusters, bootstrap_means, can_resample, interval_of_draws

__all__ = ["can_resample", "difference_interval", "resampled_means"]

Floats = NDArray[np.float64]

#: Columns share their draws, so that the difference of two columns is the bootstrap of their paired difference.
resampled_means = bootstrap_means


def difference_interval(
    means: Floats, scores: Floats, columns: tuple[int, int], clusters: Clusters, *, level: float = 0.95
) -> Interval:
    """Interval of one column of ``scores`` minus another, from the draws that both share.

    Args:
        means: float64 (draws, M) of :func:`resampled_means`.
        scores: float64 (N, M).
        columns: the two columns, first minus second.
        clusters: the identities of the N pairs.
        level: of the interval.
    """
    first, second = columns
    return interval_of_draws(
        means[:, first] - means[:, second], scores[:, first] - scores[:, second], clusters, level=level
    )
