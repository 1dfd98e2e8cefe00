"""Smooth random fields over points in space, the same for the same generator."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgbench.synthface.render.kernels import kernel

_SIDE = 32


@kernel
def _sample(
    points: NDArray[np.float32], lattice: NDArray[np.float32], frequency: float, out: NDArray[np.float32]
) -> None:
    for i in range(points.shape[0]):
        x, y, z = points[i, 0] * frequency, points[i, 1] * frequency, points[i, 2] * frequency
        fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
        ix, iy, iz = int(fx), int(fy), int(fz)
        tx, ty, tz = x - fx, y - fy, z - fz
        tx, ty, tz = tx * tx * (3 - 2 * tx), ty * ty * (3 - 2 * ty), tz * tz * (3 - 2 * tz)
        total = 0.0
        for c in range(2):
            wz = tz if c else 1 - tz
            for b in range(2):
                wy = ty if b else 1 - ty
                for a in range(2):
                    wx = tx if a else 1 - tx
                    total += wx * wy * wz * lattice[(iz + c) & 31, (iy + b) & 31, (ix + a) & 31]
        out[i] = total


def noise(
    rng: np.random.Generator, points: NDArray[np.float32], frequency: float, octaves: int = 1
) -> NDArray[np.float32]:
    """Return noise at ``points`` (..., 3): about -1 to 1, ``frequency`` bumps a centimetre, doubled each octave."""
    flat = np.ascontiguousarray(points.reshape(-1, 3), np.float32)
    total = np.zeros(len(flat), np.float32)
    layer = np.empty(len(flat), np.float32)
    weight = 1.0
    for octave in range(octaves):
        lattice = rng.uniform(-1, 1, (_SIDE, _SIDE, _SIDE)).astype(np.float32)
        _sample(flat, lattice, frequency * 2.0**octave, layer)
        total += np.float32(weight) * layer
        weight *= 0.55
    return total.reshape(points.shape[:-1])
