"""Streaming moments of features that are exact sums, so that any split and any order give the same bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgbench.core.errors import UsageError
from dgbench.metrics.contract import Features

#: Features are read on a fixed-point grid of 2^-26, about 1.5e-8: sums of grid numbers and of their products are
#: integers, integers have no rounding, and so addition is associative. Float32 features near 1 are no finer.
FRACTION_BITS = 26
LARGEST = 256.0
_HALF_BITS = 17
# Halves are below 2^17, their products below 2^34, and 2^12 of them below 2^46: a float64 matrix product of a
# chunk is exact in whatever order the BLAS library adds it up.
_CHUNK = 4096

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Moments:
    """Sums of features and of their products over a set of images; adding is exact and so associative.

    Two instances over the same images are equal bit by bit, whatever the batches, shards or order they came in.
    """

    def __init__(self, dimension: int) -> None:
        self.count = 0
        self.dimension = dimension
        self._sum: Ints = np.zeros(dimension, dtype=np.int64)
        # Products of high with high, high with low plus low with high, and low with low halves.
        self._products = [np.zeros((dimension, dimension), dtype=np.int64) for _ in range(3)]

    @classmethod
    def of(cls, features: Features) -> Moments:
        """Return the moments of float (N, D) features."""
        moments = cls(features.shape[1])
        moments.add(features)
        return moments

    def add(self, features: Features) -> None:
        """Add the rows of float (N, D) features.

        Raises:
            UsageError: a feature is not finite or lies beyond ±256, outside the fixed-point range.
        """
        if features.ndim != 2 or features.shape[1] != self.dimension:
            raise ValueError(f"features are (N, {self.dimension}), got {features.shape}")
        for start in range(0, len(features), _CHUNK):
            self._add_chunk(np.asarray(features[start : start + _CHUNK], dtype=np.float64))

    def _add_chunk(self, rows: Floats) -> None:
        if not np.isfinite(rows).all():
            raise UsageError("a feature is not finite; look at the image it came from and at the network's weights")
        if rows.size and np.abs(rows).max() >= LARGEST:
            raise UsageError(f"a feature lies beyond ±{LARGEST:g}; moments are kept in fixed point inside that range")
        grid = np.rint(np.ldexp(rows, FRACTION_BITS)).astype(np.int64)
        high = grid >> _HALF_BITS
        low = (grid - (high << _HALF_BITS)).astype(np.float64)
        top = high.astype(np.float64)
        across = top.T @ low
        for total, part in zip(self._products, (top.T @ top, across + across.T, low.T @ low), strict=True):
            total += part.astype(np.int64)
        self._sum += grid.sum(axis=0)
        self.count += len(rows)

    def mean(self) -> Floats:
        """Return the mean, float64 (D,)."""
        if self.count == 0:
            raise ValueError("no images: there is no mean")
        return np.ldexp(self._sum.astype(np.float64), -FRACTION_BITS) / self.count

    def covariance(self) -> Floats:
        """Return the unbiased covariance (divided by N-1), float64 (D, D), symmetric.

        Raises:
            ValueError: fewer than two images.
        """
        if self.count < 2:
            raise ValueError(f"{self.count} image(s): a covariance needs two")
        top, across, low = (part.astype(np.float64) for part in self._products)
        scale = 2 * FRACTION_BITS
        products = np.ldexp(top, 2 * _HALF_BITS - scale) + np.ldexp(across, _HALF_BITS - scale) + np.ldexp(low, -scale)
        total = np.ldexp(self._sum.astype(np.float64), -FRACTION_BITS)
        return (products - np.outer(total, total) / self.count) / (self.count - 1)
