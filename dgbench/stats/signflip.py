"""The sign-flip test: is a paired difference larger than chance, when pairs share people."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from dgbench.stats.clusters import Clusters

FLIPS = 10_000
_ENUMERATE_UP_TO = 13
_CHUNK = 2_000

Floats = NDArray[np.float64]


def sign_flip_p(differences: Floats, clusters: Clusters, *, flips: int = FLIPS, seed: int = 0) -> float:
    """Return the two-sided p value of the mean of paired differences being zero.

    If two methods do not differ, the sign of all differences of one person is a coin toss. With self pairs the sum
    of each person's differences is flipped, exactly over all 2^G patterns up to 13 people and by ``flips`` seeded
    draws beyond. With cross pairs no grouping of pairs is independent of the others: the sums by source and the
    sums by reference are flipped on their own and added, which counts the noise of single pairs twice and so errs
    on the safe side.

    Args:
        differences: float64 (N,), method A minus method B on the same pairs, finite.
        clusters: the identities of the N pairs.
        flips: random sign patterns where they are not enumerated.
        seed: of the generator.

    Returns:
        p in (0, 1]; 1.0 where all differences are zero or nobody is there.
    """
    values = np.asarray(differences, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("a sign-flip test needs finite differences")
    n_people = len(clusters.people)
    total = abs(float(values.sum()))
    if len(values) == 0 or not values.any():
        return 1.0
    sums = np.bincount(clusters.first, values, n_people)
    if not clusters.self_only:
        sums = np.concatenate([sums, np.bincount(clusters.second, values, n_people)])
    sums = sums[sums != 0.0]
    # Rounding must not decide whether the observed pattern reaches itself.
    reach = total * (1 - 1e-12)
    if len(sums) <= _ENUMERATE_UP_TO:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(sums))))
        return float(np.mean(np.abs(signs @ sums) >= reach)) or 1.0 / len(signs)
    generator = np.random.default_rng(seed)
    hits = 0
    for start in range(0, flips, _CHUNK):
        signs = generator.integers(0, 2, size=(min(_CHUNK, flips - start), len(sums))) * 2.0 - 1.0
        hits += int((np.abs(signs @ sums) >= reach).sum())
    return (hits + 1) / (flips + 1)


def holm(p_values: list[float]) -> list[float]:
    """Return Holm's step-down adjusted p values, in the order given (Holm 1979)."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted
