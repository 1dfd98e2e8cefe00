"""Alignment of a face to a template by five points: least-squares similarity and the warp that applies it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Image

#: The five-point template of ArcFace at 112 px (Deng et al. 2019; values of the InsightFace project): eye at
#: image-left, eye at image-right, nose tip, mouth corner at image-left, mouth corner at image-right; (x, y).
ARCFACE_TEMPLATE: NDArray[np.float64] = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
ARCFACE_SIZE = 112


def similarity(points: NDArray[np.floating], template: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the 2×3 similarity that moves ``points`` onto ``template`` with least squared error.

    Rotation, one scale and translation, no reflection (Umeyama 1991, eq. 40–42).

    Args:
        points: (N, 2) points in the image, N ≥ 2.
        template: (N, 2) where they should go.

    Raises:
        ValueError: the points coincide or are not finite, so no similarity exists.
    """
    source = np.asarray(points, dtype=np.float64)
    target = np.asarray(template, dtype=np.float64)
    if source.shape != target.shape or source.ndim != 2 or source.shape[1] != 2:
        raise ValueError(f"similarity needs two (N, 2) arrays of one shape, got {source.shape} and {target.shape}")
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    source_centred, target_centred = source - source_mean, target - target_mean
    variance = (source_centred**2).sum() / len(source)
    if not np.isfinite(variance) or variance <= 1e-12:
        raise ValueError("the points coincide or are not finite; no similarity can be fitted")
    u, singular, vt = np.linalg.svd(target_centred.T @ source_centred / len(source))
    sign = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt)) or 1.0])
    rotation = (u * sign) @ vt
    scale = float((singular * sign).sum() / variance)
    matrix = np.empty((2, 3))
    matrix[:, :2] = scale * rotation
    matrix[:, 2] = target_mean - matrix[:, :2] @ source_mean
    return matrix


def warp(image: Image, matrix: NDArray[np.floating], *, size: int) -> Image:
    """Return the size × size image that the 2×3 ``matrix`` maps ``image`` to (bilinear, black outside)."""
    import cv2

    return np.asarray(cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderValue=(0, 0, 0)))


def arcface_crop(image: Image, points: NDArray[np.floating], *, side: int, margin: float = 1.0) -> Image:
    """Return the (side, side) crop whose middle 1 / ``margin`` is ArcFace's, shrunk by area first where it is large.

    Args:
        image: uint8 RGB.
        points: (5, 2) or (68, ≥2), pixels, left upper corner of the image at 0.
        side: of the crop, margin included.
        margin: 1 gives ArcFace's own framing.

    Raises:
        ValueError: the points coincide or are not finite.
    """
    import cv2

    inner = side / margin
    # Pixel centres are at 0 in the template and in cv2.
    template = (ARCFACE_TEMPLATE + 0.5) * inner / ARCFACE_SIZE + (side - inner) / 2 - 0.5
    five = five_points(points).astype(np.float64) - 0.5
    matrix = similarity(five, template)
    zoom = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if zoom < 0.7:
        size = [max(8, round(length * zoom * 1.4)) for length in image.shape[1::-1]]
        ratio = np.array(size) / image.shape[1::-1]
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
        matrix = similarity((five + 0.5) * ratio - 0.5, template)
    return warp(image, matrix, size=side)


def apply(matrix: NDArray[np.floating], points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return (N, 2) ``points`` moved by the 2×3 ``matrix``."""
    moved: NDArray[np.float64] = np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return moved


def invert(matrix: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the 2×3 matrix that undoes the 2×3 ``matrix``."""
    inverse = np.linalg.inv(matrix[:, :2])
    return np.hstack([inverse, -inverse @ matrix[:, 2:]])


def five_points(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the five alignment points of (5, ≥2) or (68, ≥2) landmarks as float32 (5, 2).

    From iBUG 68: the mean of each eye's six points, the nose tip (30) and the mouth corners (48, 54).

    Raises:
        ValueError: neither 5 nor 68 points.
    """
    xy = np.asarray(points, dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1] < 2 or xy.shape[0] not in (5, 68):
        raise ValueError(f"alignment needs 5 or 68 points with x and y, got an array of shape {xy.shape}")
    xy = xy[:, :2]
    if len(xy) == 5:
        return xy.astype(np.float32)
    return np.stack([xy[36:42].mean(axis=0), xy[42:48].mean(axis=0), xy[30], xy[48], xy[54]]).astype(np.float32)


def central_square(image: Image, *, size: int) -> NDArray[np.float64]:
    """Return the 2×3 matrix of the fixed-box fallback: the central square of the image, scaled to ``size``."""
    height, width = image.shape[:2]
    side = min(height, width)
    scale = size / side
    # Pixel centres: the middle of the square goes to the middle of the output.
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    offset = (size - 1) / 2 - scale * middle
    return np.array([[scale, 0.0, offset[0]], [0.0, scale, offset[1]]])
