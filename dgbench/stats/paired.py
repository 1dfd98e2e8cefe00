"""Two methods on the same pairs: the difference, its interval, its p value, and how many people would settle it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from dgbench.core.record import Interval
from dgbench.stats.clusters import DRAWS, Clusters, mean_intervals, standard_error
from dgbench.stats.signflip import sign_flip_p


@dataclass(frozen=True)
class PairedDifference:
    """First method minus second method on the same pairs.

    Attributes:
        difference: mean over pairs.
        interval: clustered on both identities; ``None`` with too few people.
        p: two-sided sign-flip p value, not adjusted for other comparisons.
        n_pairs: pairs compared.
        n_people: identities they are of.
        needed_people: people that a test at the same level would need to see this difference with 80 % power;
            ``None`` where the difference is zero or too few people were seen to tell.
        detectable: the difference that the people at hand would show with 80 % power.
    """

    difference: float
    interval: Interval | None
    p: float
    n_pairs: int
    n_people: int
    needed_people: int | None
    detectable: float | None

    @property
    def told_apart(self) -> bool:
        """Whether the interval excludes zero."""
        return self.interval is not None and (self.interval.low > 0 or self.interval.high < 0)


def paired_differences(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    clusters: Clusters,
    *,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[PairedDifference]:
    """Compare two methods pair by pair, by each metric on its own; the draws of people are made once for all.

    Args:
        first: float64 (N, K) scores of the first method by K metrics, failures at the floor.
        second: float64 (N, K) of the second, in the same order of pairs.
        clusters: the identities of the N pairs.
        level: of the interval.
        draws: bootstrap resamples.
        seed: of bootstrap and sign flips.

    Raises:
        ValueError: the lengths differ, there are no pairs, or a score is not finite.
    """
    if first.shape != second.shape or len(first) == 0:
        raise ValueError(f"paired scores need the same pairs on both sides, got {first.shape} and {second.shape}")
    columns = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    intervals = mean_intervals(columns, clusters, level=level, draws=draws, seed=seed)
    return [
        _difference(column, interval, clusters, level=level, seed=seed)
        for column, interval in zip(columns.T, intervals, strict=True)
    ]


def _difference(
    differences: NDArray[np.float64], interval: Interval | None, clusters: Clusters, *, level: float, seed: int
) -> PairedDifference:
    mean = math.fsum(differences) / len(differences)
    n_people = len(clusters.people)
    error = standard_error(differences, clusters) if interval is not None else None
    return PairedDifference(
        difference=mean,
        interval=interval,
        p=sign_flip_p(differences, clusters, seed=seed),
        n_pairs=len(differences),
        n_people=n_people,
        needed_people=None if error is None else needed_people(mean, error, n_people, level=level),
        detectable=None if error is None else detectable_difference(error, level=level),
    )


def needed_people(
    difference: float, error: float, n_people: int, *, level: float = 0.95, power: float = 0.8
) -> int | None:
    """Return how many people of the same kind would show ``difference`` with the given power.

    The standard error falls with the root of the number of people (Miller 2024, "Adding Error Bars to Evals",
    section 5). ``None`` where the difference is zero: no number of people tells equals apart.
    """
    if difference == 0.0:
        return None
    ratio = detectable_difference(error, level=level, power=power) / abs(difference)
    return max(2, math.ceil(n_people * ratio * ratio))


def detectable_difference(error: float, *, level: float = 0.95, power: float = 0.8) -> float:
    """Return the difference that a test with this standard error finds with the given power."""
    return error * float(ndtri((1 + level) / 2) + ndtri(power))
