"""Where the source's landmarks go: the source's own three-dimensional shape in the reference's pose."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Shape = NDArray[np.float64]

#: Points that a face keeps rigid: the bridge and foot of the nose, and the corners of the eyes.
_RIGID = np.array([27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45])
#: Parts that carry expression: each brow, each eye, the mouth.
_PARTS = (np.arange(17, 22), np.arange(22, 27), np.arange(36, 42), np.arange(42, 48), np.arange(48, 68))


def similarity(source: Shape, wanted: Shape) -> tuple[float, Shape, Shape]:
    """Return scale, (3, 3) rotation and (3,) shift of least squares that bring ``source`` to ``wanted`` (Umeyama 1991).

    Args:
        source: (N, 3) points.
        wanted: (N, 3) points.
    """
    middle, goal = source.mean(axis=0), wanted.mean(axis=0)
    left, singular, right = np.linalg.svd((wanted - goal).T @ (source - middle))
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right)) or 1.0])
    rotation: Shape = (left * signs) @ right
    scale = float((singular * signs).sum() / max(((source - middle) ** 2).sum(), 1e-12))
    return scale, rotation, goal - scale * rotation @ middle


def posed_shape(source: Shape, reference: Shape) -> Shape:
    """Return (68, 3) points: the source's shape in the reference's pose, with the reference's expression.

    The rigid points give the pose. Brows, lids and mouth take the reference's form about the part's own centre, at the
    source's scale, so that proportions stay the source's and openings become the reference's.

    Args:
        source: (68, 3) iBUG landmarks of the source, x right, y down, z away from the viewer.
        reference: (68, 3) of the reference.
    """
    scale, rotation, shift = similarity(source[_RIGID], reference[_RIGID])
    shape: Shape = scale * source @ rotation.T + shift
    for part in _PARTS:
        form = reference[part] - reference[part].mean(axis=0)
        shape[part] = shape[part].mean(axis=0) + form * (_extent(shape[part]) / max(_extent(form), 1e-9))
    return shape


def _extent(points: Shape) -> float:
    return float(np.linalg.norm(points.max(axis=0) - points.min(axis=0)))
