"""The mean face's 68 points in three dimensions, and the head pose that turns them into given landmarks."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Landmarks, Pose

# Mean over 400 SynthFace people (numbers 100000 to 100399) of the neutral head's iBUG vertices, made symmetric.
# SynthFace's head is ICT-FaceKit light, Copyright (c) 2020 USC Institute for Creative Technologies, MIT License.
#: float64 (68, 3) in centimetres: x to image-right, y up, z towards the viewer, about the head's turning point.
MEAN_FACE: NDArray[np.float64] = np.array(
    [
        (-7.40, 1.08, 2.15),
        (-7.31, -1.11, 2.42),
        (-6.97, -3.07, 3.03),
        (-6.58, -4.97, 3.67),
        (-5.74, -7.11, 4.62),
        (-4.31, -8.83, 5.84),
        (-3.05, -9.53, 7.27),
        (-1.53, -9.86, 8.78),
        (0.00, -10.16, 8.93),
        (1.53, -9.86, 8.78),
        (3.05, -9.53, 7.27),
        (4.31, -8.83, 5.84),
        (5.74, -7.11, 4.62),
        (6.58, -4.97, 3.67),
        (6.97, -3.07, 3.03),
        (7.31, -1.11, 2.42),
        (7.40, 1.08, 2.15),
        (-5.83, 2.62, 6.40),
        (-4.94, 3.40, 7.47),
        (-3.80, 3.67, 8.31),
        (-2.42, 3.61, 8.96),
        (-1.17, 3.32, 9.21),
        (1.17, 3.32, 9.21),
        (2.42, 3.61, 8.96),
        (3.80, 3.67, 8.31),
        (4.94, 3.40, 7.47),
        (5.83, 2.62, 6.40),
        (0.00, 1.14, 9.22),
        (0.00, 0.03, 10.00),
        (0.00, -0.99, 10.79),
        (0.00, -2.19, 11.56),
        (-1.26, -3.75, 9.38),
        (-0.61, -3.74, 9.93),
        (0.00, -3.81, 10.07),
        (0.61, -3.74, 9.93),
        (1.26, -3.75, 9.38),
        (-4.47, 0.84, 7.10),
        (-3.88, 1.28, 7.86),
        (-2.79, 1.34, 8.03),
        (-1.86, 0.65, 7.70),
        (-2.74, 0.49, 7.92),
        (-3.87, 0.48, 7.73),
        (1.86, 0.65, 7.70),
        (2.79, 1.34, 8.03),
        (3.88, 1.28, 7.86),
        (4.47, 0.84, 7.10),
        (3.87, 0.48, 7.73),
        (2.74, 0.49, 7.92),
        (-2.53, -6.13, 8.72),
        (-1.71, -5.38, 9.74),
        (-0.73, -5.02, 10.25),
        (0.00, -5.08, 10.36),
        (0.73, -5.02, 10.25),
        (1.71, -5.38, 9.74),
        (2.53, -6.13, 8.72),
        (1.80, -6.67, 9.42),
        (1.04, -6.92, 9.91),
        (0.00, -7.00, 10.07),
        (-1.04, -6.92, 9.91),
        (-1.80, -6.67, 9.42),
        (-2.20, -6.10, 8.65),
        (-1.00, -5.91, 9.61),
        (0.00, -5.94, 9.81),
        (1.00, -5.91, 9.61),
        (2.20, -6.10, 8.65),
        (1.07, -5.99, 9.57),
        (0.00, -6.01, 9.78),
        (-1.07, -5.99, 9.57),
    ]
)

#: Points that an expression hardly moves: upper jaw line, nose, eyes. The pose is fitted to these alone.
RIGID: tuple[int, ...] = (0, 1, 2, 3, 13, 14, 15, 16, *range(27, 48))


def rotation_of(landmarks: Landmarks) -> NDArray[np.float64]:
    """Return the 3×3 rotation from :data:`MEAN_FACE`'s axes to the camera's (x right, y up, z to the viewer).

    With depth: the rotation of the least-squares similarity (Umeyama 1991). Where every z is 0: weak perspective,
    the nearest rotation to the affine camera of least squares. Only :data:`RIGID` points count.

    Raises:
        ValueError: the points are not finite or lie on one line, so no pose exists.
    """
    index = list(RIGID)
    model = MEAN_FACE[index] - MEAN_FACE[index].mean(axis=0)
    seen = landmarks.points[index].astype(np.float64) * (1.0, -1.0, -1.0)
    seen -= seen.mean(axis=0)
    spread = np.linalg.svd(seen[:, :2], compute_uv=False) if np.isfinite(seen).all() else np.zeros(2)
    if spread[1] <= 1e-3 * max(spread[0], 1e-9):
        raise ValueError("the landmarks are not finite or lie on one line; they have no pose")
    if landmarks.points[:, 2].any():
        u, _, vt = np.linalg.svd(seen.T @ model)
        return u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt
    camera = np.linalg.lstsq(model, seen[:, :2], rcond=None)[0].T
    u, _, vt = np.linalg.svd(camera, full_matrices=False)
    rows = u @ vt
    return np.vstack([rows, np.cross(rows[0], rows[1])])


def pose_from_landmarks(landmarks: Landmarks) -> Pose:
    """Return the head pose in degrees, with R = roll · yaw · pitch as SynthFace turns its heads.

    Yaw lies in ±90°. Pitch is the nose's height above the horizon before the yaw. At a yaw of exactly ±90° pitch
    and roll turn about one axis and only their sum is known.
    """
    matrix = rotation_of(landmarks)
    yaw = math.degrees(math.asin(min(1.0, max(-1.0, -matrix[2, 0]))))
    pitch = math.degrees(math.atan2(-matrix[2, 1], matrix[2, 2]))
    roll = math.degrees(math.atan2(-matrix[1, 0], matrix[0, 0]))
    return Pose(yaw, pitch, roll)
