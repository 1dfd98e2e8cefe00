"""Intervals of many tables over the same pairs: the resamples of the people are made once for all of them.

Equal to ``clusters.mean_intervals`` but for the last digits, which depend on how sums are ordered; so records are
made by that, and checked, to the sixth digit, by this.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from dgbench.core.record import Interval
from dgbench.stats.clusters import (
    DRAWS,
    KIND,
    Cells,
    Clusters,
    Floats,
    can_resample,
    expanded_levels,
    kept_share,
    mean_intervals,
    resampled_weights,
)

#: Over so many cells the weights of all draws would fill more than 32 MiB.
_MOST_CELLS = (32 << 20) // (8 * DRAWS)


class SharedDraws:
    """Resamples of one set of pairs, for the columns of any number of tables over them."""

    def __init__(self, clusters: Clusters, *, seed: int, level: float = 0.95) -> None:
        self._clusters, self._seed, self._level = clusters, seed, level
        self._cells = Cells.of(clusters)
        self._small = len(self._cells.first) <= _MOST_CELLS
        if not can_resample(clusters) or not self._small:
            return
        n, people = len(clusters), len(clusters.people)
        chunks = list(resampled_weights(self._cells, draws=DRAWS, seed=seed))
        self._weights = np.concatenate([weights / total[:, None] for weights, total in chunks])
        self._gather = _incidence(self._cells.inverse, len(self._cells.first))
        crossed = clusters.first != clusters.second
        ones = np.ones(n)
        self._people = _incidence(clusters.first, people, ones) + _incidence(clusters.second, people, crossed * 1.0)
        low, high = np.minimum(clusters.first, clusters.second), np.maximum(clusters.first, clusters.second)
        _, couple = np.unique(low * people + high, return_inverse=True)
        self._couples = _incidence(couple, int(couple.max()) + 1, crossed * 1.0) if crossed.any() else None
        self._kept = kept_share(people, crossed=not clusters.self_only)

    @property
    def nbytes(self) -> int:
        """Bytes that the resamples take."""
        return self._weights.nbytes if self._small and can_resample(self._clusters) else 0

    def intervals(self, columns: Floats) -> list[Interval | None]:
        """Return the interval of the mean of every column of float64 (N, K), finite; ``None`` with too few people."""
        if len(columns) == 0 or not can_resample(self._clusters):
            return [None] * columns.shape[1]
        if not self._small:
            return mean_intervals(columns, self._clusters, level=self._level, seed=self._seed)
        means = self._weights @ (self._gather @ columns)
        ends = np.quantile(means, expanded_levels(self._level, len(self._clusters.people)), axis=0)
        if not self._clusters.self_only:
            spread, centre = means.std(axis=0), columns.mean(axis=0)
            shrink = np.divide(self._errors(columns), spread, out=np.ones_like(spread), where=spread > 0)
            ends = centre + shrink * (ends - centre)
        return [Interval(low=float(low), high=float(high), level=self._level, kind=KIND) for low, high in ends.T]

    def _errors(self, columns: Floats) -> Floats:
        """``clusters.standard_error`` of every column."""
        residuals = columns - columns.mean(axis=0)
        total = ((self._people @ residuals) ** 2).sum(axis=0)
        if self._couples is None:
            return np.sqrt(total / self._kept) / len(columns)
        twice = ((self._couples @ residuals) ** 2).sum(axis=0)
        return np.sqrt(np.maximum((total - twice) / self._kept, twice)) / len(columns)


def _incidence(of: np.ndarray, count: int, weights: Floats | None = None) -> sparse.csr_matrix:
    """A matrix (count, N) that sums the rows of a column by ``of``."""
    n = len(of)
    return sparse.csr_matrix((np.ones(n) if weights is None else weights, (of, np.arange(n))), shape=(count, n))
