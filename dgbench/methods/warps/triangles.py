"""Moving an image by a mesh: triangles between landmarks, drawn from the farthest to the nearest."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from dgbench.core.face import Image

Points = NDArray[np.float32]


def border_points(size: int, per_side: int = 3) -> Points:
    """Return float32 (4·per_side, 2) points on the image's border, which stay where they are."""
    steps = np.arange(per_side) / per_side * (size - 1)
    low, high = np.zeros(per_side), np.full(per_side, size - 1.0)
    back = (size - 1) - steps
    sides = [(steps, low), (high, steps), (back, high), (low, back)]
    return np.concatenate([np.stack(side, axis=1) for side in sides]).astype(np.float32)


def warp_by_points(
    image: Image,
    source: Points,
    wanted: Points,
    *,
    depth: NDArray[np.float32] | None = None,
    canvas: Image | None = None,
) -> Image:
    """Return the image with its ``source`` points brought to ``wanted``, piecewise affine.

    Triangles are Delaunay's over ``source``. One that turns over shows the mesh from behind and is left out; where
    triangles overlap the nearest is seen.

    Args:
        image: uint8 (S, S, 3).
        source: float32 (N, 2) x, y in the image.
        wanted: float32 (N, 2) where each point goes.
        depth: float32 (N,) of the wanted points, + away from the viewer; all equal by default.
        canvas: uint8 (S, S, 3) seen where no triangle falls; the image itself by default.
    """
    size = image.shape[0]
    shown = (image if canvas is None else canvas).copy()
    mesh = Delaunay(source).simplices
    far = np.zeros(len(source), np.float32) if depth is None else depth
    for corners in mesh[np.argsort(-far[mesh].mean(axis=1), kind="stable")]:
        before, after = source[corners], wanted[corners]
        if _area(before) * _area(after) <= 1e-6:
            continue
        left, top = np.maximum(np.floor(after.min(axis=0)).astype(int), 0)
        right, bottom = np.minimum(np.ceil(after.max(axis=0)).astype(int) + 1, size)
        if right <= left or bottom <= top:
            continue
        corner = np.array([left, top], np.float32)
        matrix = cv2.getAffineTransform(before, after - corner)
        patch = cv2.warpAffine(
            image,
            matrix,
            (int(right - left), int(bottom - top)),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        mask = np.zeros(patch.shape[:2], np.uint8)
        cv2.fillConvexPoly(mask, np.rint((after - corner) * 16).astype(np.int32), 255, shift=4)
        shown[top:bottom, left:right][mask > 0] = patch[mask > 0]
    return shown


def _area(corners: Points) -> float:
    first, second = corners[1] - corners[0], corners[2] - corners[0]
    return float(first[0] * second[1] - first[1] * second[0])
