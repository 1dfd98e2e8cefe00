"""The bootstrap over people for many methods at once: the same draws as for one, the weights made once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgbench.core.record import Interval
from dgbench.stats.clusters import DRAWS, Clusters, fewest_people, interval_of_draws

_CHUNK_BYTES = 32 << 20

Floats = NDArray[np.float64]


def resampled_means(scores: Floats, clusters: Clusters, *, draws: int = DRAWS, seed: int = 0) -> Floats:
    """Return ``stats.clusters.bootstrap_means`` of every column: float64 (draws, M) for ``scores`` (N, M).

    The columns share their draws, so that the difference of two columns is the bootstrap of their paired difference.
    """
    people = len(clusters.people)
    cells, inverse = np.unique(clusters.first * people + clusters.second, return_inverse=True)
    sums = np.zeros((len(cells), scores.shape[1]))
    np.add.at(sums, inverse, scores)
    counts = np.bincount(inverse, minlength=len(cells)).astype(np.float64)
    first, second = cells // people, cells % people
    generator = np.random.default_rng(seed)
    parts: list[Floats] = []
    rows = max(1, _CHUNK_BYTES // (8 * max(1, len(cells))))
    done = 0
    while done < draws:
        weights = generator.multinomial(people, np.full(people, 1.0 / people), size=min(rows, draws - done))
        drawn = np.where(first == second, weights[:, first], weights[:, first] * weights[:, second])
        total = drawn @ counts
        parts.append((drawn[total > 0] @ sums) / total[total > 0, None])
        done += len(parts[-1])
    return np.concatenate(parts)


def can_resample(clusters: Clusters) -> bool:
    """Whether there are people enough for an interval: two, or four where pairs mix people."""
    return len(clusters.people) >= fewest_people(clusters)


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
