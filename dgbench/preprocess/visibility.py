"""Which of the 68 points face the camera, from the head's pose: for landmark networks that do not say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Landmarks, Pose
from dgbench.networks.canonical import MEAN_FACE

#: Changes with what is computed here: stores of another version are prepared anew.
VERSION = 2
#: A point is seen while its normal is within this many degrees of the camera, and unseen that much beyond.
_GRAZING = 8.0


def visibility_from_pose(pose: Pose) -> NDArray[np.float32]:
    """Return float32 (68,) in [0, 1]: 1 where the mean face's surface, turned by the pose, faces the camera.

    The normal of a point is taken as its direction from the head's vertical axis, the head being about a cylinder
    below the brows; a point in the grazing zone of 8° about 90° gets a value between. Hair and hands are not known
    to it: this is self-occlusion by yaw and pitch alone.
    """
    normals = MEAN_FACE * np.array([1.0, 0.25, 1.0])
    normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    towards = normals @ pose.rotation()[2]  # how far along the axis to the viewer each turned normal points
    angle = np.degrees(np.arccos(np.clip(towards, -1, 1)))
    seen: NDArray[np.float32] = np.clip((90 + _GRAZING - angle) / (2 * _GRAZING), 0, 1).astype(np.float32)
    return seen


def with_visibility(landmarks: Landmarks, pose: Pose | None) -> Landmarks:
    """Return the landmarks with visibility from the pose where their network gave every point 1."""
    if pose is None or not bool((landmarks.visibility == 1).all()):
        return landmarks
    return Landmarks(landmarks.points, visibility_from_pose(pose), landmarks.origin)
