"""Bootstrap over people, not over frames: the interval of a mean whose pairs share identities."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from dgbench.core.record import Interval

DRAWS = 2000
#: How intervals made here are named in records.
KIND = "identity-clustered bootstrap"
_CHUNK_BYTES = 32 << 20

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Clusters:
    """Who is in which pair: the two identities of every pair as indices into one list of people.

    Attributes:
        people: the identities, sorted.
        first: int64 (N,), index of the source identity of each pair.
        second: int64 (N,), index of the reference identity; equal to ``first`` in self-reenactment.
    """

    people: tuple[str, ...]
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    @classmethod
    def of(cls, sources: Sequence[str], references: Sequence[str]) -> Clusters:
        """Index the identities of pairs. Both sequences have one entry per pair."""
        if len(sources) != len(references):
            raise ValueError(f"{len(sources)} source identities and {len(references)} reference identities")
        people = tuple(sorted(set(sources) | set(references)))
        index = {person: number for number, person in enumerate(people)}
        return cls(
            people,
            np.array([index[s] for s in sources], dtype=np.int64),
            np.array([index[r] for r in references], dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.first)

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Clusters:
        """Return the clusters of a subset of the pairs, people without a pair left out."""
        first, second = self.first[which], self.second[which]
        used, inverse = np.unique(np.concatenate([first, second]), return_inverse=True)
        n = len(first)
        return Clusters(
            tuple(self.people[i] for i in used),
            inverse[:n].astype(np.int64),
            inverse[n:].astype(np.int64),
        )

    @property
    def self_only(self) -> bool:
        """Whether every pair has one identity."""
        return bool(np.array_equal(self.first, self.second))


def bootstrap_means(values: Floats, clusters: Clusters, *, draws: int = DRAWS, seed: int = 0) -> Floats:
    """Return the means of ``draws`` resamples of the people.

    People are drawn with replacement; a self pair counts as often as its person was drawn, a cross pair as often
    as the product of both counts (the pigeonhole bootstrap of Owen 2007, "The pigeonhole bootstrap", Annals of
    Applied Statistics 1(2), with one pool for both roles). A draw in which no pair survives is drawn again.

    Args:
        values: float64 (N,), one per pair, finite; or (N, K), one column per metric, which all share the draws.
        clusters: the identities of the same N pairs.
        draws: number of resamples.
        seed: of the generator; a column's result depends on nothing else, not on the order of the pairs' people
            nor on the columns beside it.

    Returns:
        float64 (draws,), or (draws, K).
    """
    columns = values[:, None] if values.ndim == 1 else values
    cells = Cells.of(clusters)
    sums = [np.bincount(cells.inverse, weights=column, minlength=len(cells.first)) for column in columns.T]
    means = np.empty((columns.shape[1], draws), dtype=np.float64)
    done = 0
    for pair_weights, total in resampled_weights(cells, draws=draws, seed=seed):
        for row, summed in zip(means, sums, strict=True):
            # One product per column: a product of all at once would round by how many there are.
            row[done : done + len(total)] = (pair_weights @ summed) / total
        done += len(total)
    return means[0] if values.ndim == 1 else means.T


@dataclass(frozen=True)
class Cells:
    """Pairs of the same two people as one cell: they always weigh the same, so the work is over cells, not over pairs.

    Attributes:
        n_people: how many people there are.
        first, second: int64 (C,), the two people of each cell.
        inverse: int64 (N,), the cell of each pair.
        counts: float64 (C,), how many pairs a cell has.
    """

    n_people: int
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    inverse: NDArray[np.int64]
    counts: Floats

    @classmethod
    def of(cls, clusters: Clusters) -> Cells:
        """Gather the pairs of ``clusters``."""
        n_people = len(clusters.people)
        cells, inverse = np.unique(clusters.first * n_people + clusters.second, return_inverse=True)
        counts = np.bincount(inverse, minlength=len(cells)).astype(np.float64)
        return cls(n_people, cells // n_people, cells % n_people, inverse, counts)


def resampled_weights(cells: Cells, *, draws: int, seed: int) -> Iterator[tuple[Floats, Floats]]:
    """Yield, for some of ``draws`` resamples of people at a time, each cell's weight (D, C) and all pairs' (D,)."""
    generator = np.random.default_rng(seed)
    n_people, is_self = cells.n_people, cells.first == cells.second
    rows = max(1, _CHUNK_BYTES // (8 * max(1, len(cells.first))))
    done = 0
    while done < draws:
        weights = generator.multinomial(n_people, np.full(n_people, 1.0 / n_people), size=min(rows, draws - done))
        weights = weights.astype(np.float64)
        pair_weights = np.where(is_self, weights[:, cells.first], weights[:, cells.first] * weights[:, cells.second])
        total = pair_weights @ cells.counts
        kept = total > 0
        done += int(kept.sum())
        yield pair_weights[kept], total[kept]


def standard_error(values: Floats, clusters: Clusters) -> float:
    """Return the standard error of the mean of ``values``, robust to pairs sharing one or both of two identities.

    The dyadic cluster-robust variance of Aronow, Samii and Assenova 2015 ("Cluster-Robust Variance Estimation for
    Dyadic Data", Political Analysis 23(4)): products of residuals are summed over all pairs of pairs that share a
    person, each once. With self pairs alone this is the ordinary cluster-robust variance.

    Residuals are taken from the estimated mean, which makes them too small where there are few people G. With self
    pairs the sum is short by (G-1)/G. With cross pairs each person is in the residual of every pair, twice: of
    additive effects of sources and references, and of noise, the sum over a design of all couples keeps the share
    (G-2)(G-3) / (G(G-1)). Sparser designs keep within a few per cent of it. The sum is divided by that share.

    Raises:
        ValueError: too few people (one; up to three where there are cross pairs).
    """
    n_people = len(clusters.people)
    kept = kept_share(n_people, crossed=not clusters.self_only)
    if kept <= 0:
        raise ValueError(f"{n_people} people: a standard error over people needs {fewest_people(clusters)}")
    residuals = np.asarray(values, dtype=np.float64) - np.mean(values)
    crossed = clusters.first != clusters.second
    by_person = np.bincount(clusters.first, residuals, n_people)
    by_person += np.bincount(clusters.second, np.where(crossed, residuals, 0.0), n_people)
    total = float(by_person @ by_person)
    if not crossed.any():
        return math.sqrt(total / kept) / len(residuals)
    # Two pairs of the same two people share both of them and were counted twice.
    low, high = np.minimum(clusters.first, clusters.second), np.maximum(clusters.first, clusters.second)
    _, inverse = np.unique((low * n_people + high)[crossed], return_inverse=True)
    couples = np.bincount(inverse, residuals[crossed])
    twice = float(couples @ couples)
    # By chance the sum over sharing pairs may come out below what couples alone, were they independent, would give.
    return math.sqrt(max((total - twice) / kept, twice)) / len(residuals)


def kept_share(n_people: int, *, crossed: bool) -> float:
    """Return which share of the true variance the sum over residuals keeps, 0 where it says nothing."""
    g = n_people
    if crossed:
        return (g - 2) * (g - 3) / (g * (g - 1)) if g > 3 else 0.0
    return (g - 1) / g if g > 1 else 0.0


def t_half_width(values: Floats, clusters: Clusters, *, level: float) -> float:
    """Return half the width of the t interval of the mean of ``values``.

    Degrees of freedom are one with the fewest people that an interval needs and one more with each person: G-1 with
    self pairs, G-3 with cross pairs, whose residuals lose that much more (:func:`standard_error`).

    For levels so near 1 that resamples cannot tell them: all comparisons of 16 methods together ask for the share
    0.0002 on either side, and 2,000 draws hold nothing there but their smallest, which lies far too near the centre.

    Raises:
        ValueError: too few people.
    """
    return t_factor(clusters, level=level) * standard_error(values, clusters)


def t_factor(clusters: Clusters, *, level: float) -> float:
    """Return how many standard errors half a t interval is wide (:func:`t_half_width`)."""
    return float(stdtrit(1 + len(clusters.people) - fewest_people(clusters), (1 + level) / 2))


class DifferenceErrors:
    """:func:`standard_error` of the differences of every two of many columns over the same pairs, row by row.

    Sums over people and over couples are made once for each column: the sums of a difference are their differences.
    """

    def __init__(self, columns: Floats, clusters: Clusters) -> None:
        n_people = len(clusters.people)
        self._kept = kept_share(n_people, crossed=not clusters.self_only)
        self._count = len(columns)
        crossed = clusters.first != clusters.second
        low, high = np.minimum(clusters.first, clusters.second), np.maximum(clusters.first, clusters.second)
        _, couple = np.unique((low * n_people + high)[crossed], return_inverse=True)
        residuals = columns - columns.mean(axis=0)
        self._people = np.stack(
            [
                np.bincount(clusters.first, column, n_people)
                + np.bincount(clusters.second, np.where(crossed, column, 0.0), n_people)
                for column in residuals.T
            ]
        )
        self._couples = np.stack([np.bincount(couple, column[crossed]) for column in residuals.T])

    def between(self, index: int) -> Floats:
        """Return the standard errors of column ``index`` minus each later column, float64 (later,)."""
        people = self._people[index + 1 :] - self._people[index]
        couples = self._couples[index + 1 :] - self._couples[index]
        total, twice = (people**2).sum(axis=1), (couples**2).sum(axis=1)
        return np.sqrt(np.maximum((total - twice) / self._kept, twice)) / self._count


def fewest_people(clusters: Clusters) -> int:
    """Return how many people an interval needs: two, or four where pairs mix people."""
    return 2 if clusters.self_only else 4


def can_resample(clusters: Clusters) -> bool:
    """Whether there are people enough for an interval."""
    return len(clusters.people) >= fewest_people(clusters)


def expanded_levels(level: float, n_clusters: int) -> tuple[float, float]:
    """Return the bootstrap quantiles to read, widened for few clusters.

    A percentile interval of few clusters is too narrow, by the factor between normal and t quantiles and by
    sqrt((G-1)/G); reading further out repairs both (Hesterberg 2015, "What Teachers Should Know About the
    Bootstrap", The American Statistician 69(4), "expanded percentile interval").
    """
    t = stdtrit(n_clusters - 1, (1 + level) / 2)
    low = float(ndtr(-math.sqrt(n_clusters / (n_clusters - 1)) * t))
    return low, 1.0 - low


def interval_of_draws(means: Floats, values: Floats, clusters: Clusters, *, level: float = 0.95) -> Interval:
    """Turn resampled means of ``values`` into their interval; apart, so that many methods can share their draws.

    Args:
        means: float64 (draws,), as :func:`bootstrap_means` gives them.
        values: float64 (N,), what was resampled.
        clusters: the identities of the same N pairs; people enough for an interval.
        level: of the interval.
    """
    low, high = np.quantile(means, expanded_levels(level, len(clusters.people)))
    if not clusters.self_only:
        # Products of counts take the noise of single pairs three times: shrink to the variance that does not.
        spread = float(means.std())
        wanted = standard_error(values, clusters)
        shrink = wanted / spread if spread > 0 else 1.0
        centre = float(values.mean())
        low, high = centre + shrink * (low - centre), centre + shrink * (high - centre)
    return Interval(low=float(low), high=float(high), level=level, kind=KIND)


def mean_interval(
    values: Floats, clusters: Clusters, *, level: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> Interval | None:
    """Return the interval of the mean of ``values``, clustered on both identities of every pair.

    ``None`` where fewer than two people, or four in cross pairs, carry the values: they say nothing about others. A
    constant gives an interval of width zero.

    Raises:
        ValueError: a value is not finite, or the lengths differ.
    """
    columns = np.asarray(values, dtype=np.float64)[:, None]
    return mean_intervals(columns, clusters, level=level, draws=draws, seed=seed)[0]


def mean_intervals(
    columns: Floats, clusters: Clusters, *, level: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> list[Interval | None]:
    """Return :func:`mean_interval` of every column of float64 (N, K); the draws are made once for all.

    Raises:
        ValueError: a value is not finite, or the lengths differ.
    """
    if columns.ndim != 2 or len(columns) != len(clusters):
        raise ValueError(f"{columns.shape} values for {len(clusters)} pairs")
    if not np.isfinite(columns).all():
        raise ValueError("an interval needs finite values; fill failures at the metric's floor first")
    if len(columns) == 0 or not can_resample(clusters):
        return [None] * columns.shape[1]
    means = bootstrap_means(columns, clusters, draws=draws, seed=seed)
    return [
        interval_of_draws(drawn, column, clusters, level=level)
        for drawn, column in zip(means.T, columns.T, strict=True)
    ]
