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

    If two methods do not differ, the sign of a person's share in the total (:func:`person_sums`) is a coin toss, one
    coin for both roles of the person. All 2^G patterns are counted up to 13 people, ``flips`` seeded draws beyond.

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
    if len(values) == 0 or not values.any():
        return 1.0
    sums = person_sums(values, clusters)
    sums = sums[sums != 0.0]
    # Rounding must not decide whether the observed pattern reaches itself.
    reach = abs(float(sums.sum())) * (1 - 1e-12)
    if len(sums) <= _ENUMERATE_UP_TO:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(sums))))
        return float(np.mean(np.abs(signs @ sums) >= reach)) or 1.0 / len(signs)
    generator = np.random.default_rng(seed)
    hits = 0
    for start in range(0, flips, _CHUNK):
        signs = generator.integers(0, 2, size=(min(_CHUNK, flips - start), len(sums))) * 2.0 - 1.0
        hits += int((np.abs(signs @ sums) >= reach).sum())
    return (hits + 1) / (flips + 1)


def person_sums(values: Floats, clusters: Clusters) -> Floats:
    """Return every person's share in the total of ``values``, float64 (G,), such that the shares add up to it.

    A self pair belongs to its person. Of a cross pair, the mean goes by halves to its two people, but what it deviates
    from the mean goes to both in full: a person's effect is in all their pairs, and each half alone would show half of
    it. Deviations are stretched by (G-1)/(G-2), because a person's effect moves the mean too. With additive effects of
    sources and references over all couples of people, however much the two are correlated, a share is then exactly the
    person's own effect, once for each of their partners; in sparser designs the effects of the partners, and everywhere
    the noise of the pairs, come on top, which errs on the safe side.
    """
    n_people = len(clusters.people)
    crossed = clusters.first != clusters.second
    shares = np.where(crossed, 0.0, values)
    if crossed.any():
        mean = values[crossed].mean()
        stretch = (n_people - 1) / max(1, n_people - 2)
        shares[crossed] = mean / 2 + stretch * (values[crossed] - mean)
    people = np.concatenate([clusters.first, clusters.second[crossed]])
    return np.bincount(people, np.concatenate([shares, shares[crossed]]), n_people).astype(np.float64)


def holm(p_values: list[float]) -> list[float]:
    """Return Holm's step-down adjusted p values, in the order given (Holm 1979)."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted
