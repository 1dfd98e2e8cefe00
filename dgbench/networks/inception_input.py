"""What the official Inception sees of an image: TensorFlow 1's bilinear resize to 299 px, bit by bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgbench.core.compiled import compiled
from dgbench.core.face import Image

_Planes = NDArray[np.float32]


@compiled
def _resize(image: Image, target: _Planes) -> None:
    """Fill float32 (3, S, S) with (value - 128) / 128 of the resized image.

    Output pixel i looks at i * in / out, without half a pixel's shift and without antialiasing; first along the row,
    then down the column, all in float32 and in this order.
    """
    height, width, channels = image.shape
    size = target.shape[1]
    across, down = np.float32(width / size), np.float32(height / size)
    middle = np.float32(128)
    for row in range(size):
        y = np.float32(row) * down
        top = int(y)
        below = min(top + 1, height - 1)
        dy = y - np.float32(top)
        for column in range(size):
            x = np.float32(column) * across
            left = int(x)
            right = min(left + 1, width - 1)
            dx = x - np.float32(left)
            for channel in range(channels):
                a, b = np.float32(image[top, left, channel]), np.float32(image[top, right, channel])
                c, d = np.float32(image[below, left, channel]), np.float32(image[below, right, channel])
                upper, lower = a + (b - a) * dx, c + (d - c) * dx
                target[channel, row, column] = (upper + (lower - upper) * dy - middle) / middle


def inception_input(image: Image, size: int) -> _Planes:
    """Return float32 (1, 3, size, size) in -1..1 of a uint8 HWC RGB image of any size."""
    view = np.ascontiguousarray(image).view()
    view.flags.writeable = False  # one type for the compiler, whether or not the image may be written
    target: _Planes = np.empty((3, size, size), dtype=np.float32)
    _resize(view, target)
    return target[None]
