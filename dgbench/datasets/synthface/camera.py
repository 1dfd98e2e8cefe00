"""Pose and camera: from the head's own space to pixels, with the signs that the whole project uses."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dgbench.datasets.synthface.scene import Scene

#: The point of the head that the camera looks at and that poses turn about, centimetres in the head's space.
PIVOT = (0.0, 2.6, 1.5)
#: Height of what a camera with zoom 1 sees at the pivot's depth, centimetres.
FRAME = 29.0


@dataclass(frozen=True)
class Camera:
    """A perspective camera that looks along -z at the origin of camera space (the pivot).

    Attributes:
        rotation: (3, 3) float64, head space to camera space (x image-right, y up, z towards the viewer).
        distance: camera to pivot, centimetres.
        focal: focal length in output pixels.
        center: pixel (x, y) that the pivot falls on.
    """

    rotation: NDArray[np.float64]
    distance: float
    focal: float
    center: tuple[float, float]

    def to_camera(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Turn head-space points (N, 3) into camera space."""
        return (np.asarray(points, np.float64) - PIVOT) @ self.rotation.T

    def to_pixels(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Project camera-space points (N, 3) to pixels (N, 2); the centre of the first pixel is (0.5, 0.5)."""
        scale = self.focal / (self.distance - points[:, 2])
        return np.stack([self.center[0] + points[:, 0] * scale, self.center[1] - points[:, 1] * scale], 1)


def rotation_matrix(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """Return the rotation of a head pose in degrees: pitch first, then yaw, then roll in the image plane.

    So the nose's height above the horizon is the pitch and its bearing is the yaw, and the roll turns the picture.
    """
    y, p, r = math.radians(yaw), math.radians(pitch), math.radians(roll)
    about_x = np.array([[1, 0, 0], [0, math.cos(p), math.sin(p)], [0, -math.sin(p), math.cos(p)]])
    about_y = np.array([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
    about_z = np.array([[math.cos(r), math.sin(r), 0], [-math.sin(r), math.cos(r), 0], [0, 0, 1]])
    matrix: NDArray[np.float64] = about_z @ about_y @ about_x
    return matrix


def camera_of(scene: Scene) -> Camera:
    """Return the camera of a scene."""
    focal = scene.size * scene.zoom * scene.distance / FRAME
    center = (scene.size * (0.5 + scene.shift[0]), scene.size * (0.5 + scene.shift[1]))
    return Camera(rotation_matrix(scene.yaw, scene.pitch, scene.roll), scene.distance, focal, center)
