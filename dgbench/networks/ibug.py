"""From the 468 points of MediaPipe's face mesh to the 68 of iBUG: this project's own table, approximate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Chosen point by point on the published drawing of the mesh, left-right symmetric. Eyes, lips and nose wings lie
# on the same features in both schemes. The jaw (0-16) follows the mesh's outline, which iBUG's annotators did
# not, and the brows (17-26) follow the upper edge: compare those with another network's points only loosely.
_JAW = (127, 234, 93, 132, 58, 136, 149, 148, 152, 377, 378, 365, 288, 361, 323, 454, 356)
_BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
_NOSE = (168, 197, 5, 4, 98, 97, 2, 326, 327)
_EYES = (33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380)
_OUTER_LIPS = (61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91)
_INNER_LIPS = (78, 81, 13, 311, 308, 402, 14, 178)

#: iBUG index → index in MediaPipe's mesh of 468.
MEDIAPIPE_TO_IBUG: tuple[int, ...] = _JAW + _BROWS + _NOSE + _EYES + _OUTER_LIPS + _INNER_LIPS

#: iBUG index → iBUG index of the same place on the other half of the face.
MIRROR: tuple[int, ...] = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
    *(64, 63, 62, 61, 60, 67, 66, 65),
)


def mesh_to_ibug(mesh: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return float32 (68, 3) of a (468, 3) mesh; z is moved to mean zero.

    Raises:
        ValueError: not a mesh of 468 points.
    """
    if mesh.shape != (468, 3):
        raise ValueError(f"MediaPipe's mesh has shape (468, 3), got {mesh.shape}")
    points = np.asarray(mesh, dtype=np.float32)[list(MEDIAPIPE_TO_IBUG)]
    points[:, 2] -= points[:, 2].mean(dtype=np.float64)
    return points
