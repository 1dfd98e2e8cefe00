"""The windowed sums of SSIM row by row: image-sized arrays in between would take five times as long."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgbench.core.compiled import compiled
from dgbench.core.face import Image

_Row = NDArray[np.float64]


@compiled
def _products(first: Image, second: Image, scale: float, shift: float, x: _Row, y: _Row, xx_yy: _Row, xy: _Row) -> None:
    """Bring a row of both images to the range, and put down the products that are to be smoothed."""
    for i in range(len(first)):
        a, b = first[i] * scale + shift, second[i] * scale + shift
        x[i], y[i], xx_yy[i], xy[i] = a, b, a * a + b * b, a * b


@compiled
def _start(target: _Row, row: _Row, weight: float) -> None:
    for i in range(len(target)):
        target[i] = weight * row[i]


@compiled
def _add(target: _Row, one: _Row, other: _Row, weight: float) -> None:
    # Three arrays a loop: with more the compiler gives up on vector instructions.
    for i in range(len(target)):
        target[i] += weight * (one[i] + other[i])


@compiled
def _add_similarity(
    mean_x: _Row, mean_y: _Row, xx_yy: _Row, xy: _Row, c1: float, c2: float, counted: _Row, total: _Row
) -> None:
    """Add Wang et al. 2004, eq. 13, of every pixel of a row of smoothed values that is counted (1, else 0)."""
    for i in range(len(total)):
        both, squares = mean_x[i] * mean_y[i], mean_x[i] * mean_x[i] + mean_y[i] * mean_y[i]
        numerator = (2 * both + c1) * (2 * (xy[i] - both) + c2)
        total[i] += counted[i] * (numerator / ((squares + c1) * (xx_yy[i] - squares + c2)))


@compiled
def summed_similarity(
    first: Image,
    second: Image,
    step: int,
    taps: _Row,
    scale: float,
    shift: float,
    c1: float,
    c2: float,
    counted: NDArray[np.float64],
) -> float:
    """Return the sum of SSIM over the pixels whose window lies inside and is counted.

    Args:
        first: uint8 (H, W * step), the channels of a pixel side by side.
        second: of the same shape.
        step: number of channels.
        taps: the window's taps, symmetric, an odd number.
        scale: with ``shift``, brings a grey value to the range: value * scale + shift.
        shift: see ``scale``.
        c1: constant of the luminance term.
        c2: constant of the contrast and structure term.
        counted: (rows - taps + 1, W * step - (taps - 1) * step) of 1 and 0, or one row for all.
    """
    rows, width = first.shape
    size, middle = len(taps), len(taps) // 2
    inside = width - (size - 1) * step
    wide, smooth, total = np.empty((4, width)), np.empty((4, inside)), np.zeros(inside)
    ring = np.empty((size, 4, inside))  # the last rows, smoothed along the row
    for row in range(rows):
        _products(first[row], second[row], scale, shift, wide[0], wide[1], wide[2], wide[3])
        for part in range(4):
            source, target = wide[part], ring[row % size, part]
            _start(target, source[middle * step :], taps[middle])
            for k in range(middle):
                _add(target, source[k * step :], source[(size - 1 - k) * step :], taps[k])
        if row < size - 1:
            continue
        for part in range(4):
            _start(smooth[part], ring[(row - middle) % size, part], taps[middle])
            for k in range(middle):
                oldest, newest = (row + 1 + k) % size, (row - k) % size
                _add(smooth[part], ring[oldest, part], ring[newest, part], taps[k])
        _add_similarity(
            smooth[0], smooth[1], smooth[2], smooth[3], c1, c2, counted[(row - size + 1) % len(counted)], total
        )
    return float(total.sum())
