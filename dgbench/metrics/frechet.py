"""The Fréchet distance of two sets of features, by eigenvalues or singular values, never by a matrix square root."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgbench.metrics.contract import Features
from dgbench.metrics.moments import Moments

Floats = NDArray[np.float64]


def frechet_of_moments(first: Moments, second: Moments) -> float:
    """Return |m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1 S2)^(1/2)) by the eigenvalue route, in float64.

    tr((S1 S2)^(1/2)) is the sum of the square roots of the eigenvalues of the symmetric S1^(1/2) S2 S1^(1/2)
    (Dowson and Landau 1982); both steps are symmetric eigenproblems, which cannot return complex numbers.
    Rounding below zero is cut.
    """
    s1, s2 = first.covariance(), second.covariance()
    values, vectors = np.linalg.eigh(s1)
    root = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    inner = root @ s2 @ root
    crossed = np.linalg.eigvalsh((inner + inner.T) / 2)
    trace = float(np.sqrt(np.clip(crossed, 0.0, None)).sum())
    shift = first.mean() - second.mean()
    return max(0.0, float(shift @ shift + np.trace(s1) + np.trace(s2) - 2.0 * trace))


def frechet_of_features(first: Features, second: Features) -> float:
    """Return the same distance from the features themselves, by singular values.

    With centred A (N, D) and B (M, D) the trace of the root is the sum of the singular values of A B^T over
    sqrt((N-1)(M-1)): an N x M problem, far smaller than D x D for small sets. Rows are put into one order first, so
    that the order in which images came changes no bit.

    Raises:
        ValueError: a set has fewer than two rows.
    """
    a, b = _centred(first), _centred(second)
    norm = np.sqrt(float(len(first) - 1) * float(len(second) - 1))
    trace = float(np.linalg.svd(a[1] @ b[1].T, compute_uv=False).sum()) / norm
    shift = a[0] - b[0]
    spread = float((a[1] * a[1]).sum()) / (len(first) - 1) + float((b[1] * b[1]).sum()) / (len(second) - 1)
    return max(0.0, float(shift @ shift) + spread - 2.0 * trace)


def _centred(features: Features) -> tuple[Floats, Floats]:
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"a Fréchet distance needs two images a set, got features of shape {features.shape}")
    rows = np.asarray(features)
    order = sorted(range(len(rows)), key=lambda index: rows[index].tobytes())
    values = rows[order].astype(np.float64)
    mean = values.mean(axis=0)
    return mean, values - mean


def frechet(first: Features, second: Features) -> float:
    """Return the Fréchet distance of float (N, D) and (M, D) features, by the cheaper of the two exact routes.

    Raises:
        ValueError: a set has fewer than two rows. UsageError: a feature is not finite.
    """
    dimension = first.shape[1]
    # A set no larger than the dimension has a singular covariance: its zero eigenvalues come out as rounding noise,
    # whose square roots add up. Singular values of the features have no such zeros.
    if min(len(first), len(second)) <= dimension:
        for features in (first, second):
            _check_finite(features)
        return frechet_of_features(first, second)
    return frechet_of_moments(Moments.of(first), Moments.of(second))


def _check_finite(features: Features) -> None:
    from dgbench.core.errors import UsageError

    if not np.isfinite(features).all():
        raise UsageError("a feature is not finite; look at the image it came from and at the network's weights")
