"""Similarity transforms between point sets: least squares (Umeyama 1991), the base of every alignment here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

#: ArcFace's five points on 112x112: image-left eye, image-right eye, nose tip, image-left and -right mouth corner
#: (insightface python-package, face_align).
ARCFACE_112: Points = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
#: The template of the DG release on 256x256: ArcFace's 96-wide one doubled and shifted (reference code, read as facts).
DG_256: Points = np.array(
    [[92.561, 103.393], [163.036, 103.003], [128.023, 143.473], [99.071, 184.731], [157.432, 184.408]]
)


def similarity(source: NDArray, destination: NDArray) -> Points:
    """Return the 2x3 matrix of rotation, uniform scale and shift that best maps ``source`` onto ``destination``.

    Args:
        source: (N, 2) points, N >= 2, not all equal.
        destination: (N, 2) points.

    Raises:
        ValueError: fewer than two points, points that coincide, or values that are not finite.
    """
    a = np.asarray(source, dtype=np.float64)
    b = np.asarray(destination, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 2 or a.shape[0] < 2 or a.shape[1] != 2:
        raise ValueError(f"similarity needs two (N, 2) point sets with N >= 2, got {a.shape} and {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("similarity needs finite points")
    mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
    centred_a, centred_b = a - mean_a, b - mean_b
    spread = float((centred_a**2).sum())
    if spread < 1e-12:
        raise ValueError("similarity needs points that do not all coincide")
    # In two dimensions a similarity without reflection is one complex factor, found by one projection.
    real = float((centred_a * centred_b).sum()) / spread
    imaginary = float((centred_a[:, 0] * centred_b[:, 1] - centred_a[:, 1] * centred_b[:, 0]).sum()) / spread
    linear = np.array([[real, -imaginary], [imaginary, real]])
    return np.hstack([linear, (mean_b - linear @ mean_a)[:, None]])


def transform(points: NDArray, matrix: NDArray) -> Points:
    """Apply a 2x3 matrix to (N, 2) points."""
    return np.asarray(points, dtype=np.float64) @ matrix[:, :2].T + matrix[:, 2]


def five_from_68(points: NDArray) -> Points:
    """Return the five alignment points of (68, 2+) iBUG landmarks.

    An eye is the mean of its six points; nose tip 30; mouth corners 48 and 54. (DG's release takes the mean of the
    eye's two corners instead; the difference is under 1 % of the eye distance.)
    """
    p = np.asarray(points, dtype=np.float64)[:, :2]
    return np.stack([p[36:42].mean(axis=0), p[42:48].mean(axis=0), p[30], p[48], p[54]])
