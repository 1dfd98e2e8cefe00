"""Pose and camera: from the head's own space to pixels, with the signs that the whole project uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Pose
from dgbench.synthface.render.scene import Scene

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


def camera_of(scene: Scene) -> Camera:
    """Return the camera of a scene."""
    focal = scene.size * scene.zoom * scene.distance / FRAME
    center = (scene.size * (0.5 + scene.shift[0]), scene.size * (0.5 + scene.shift[1]))
    return Camera(Pose(scene.yaw, scene.pitch, scene.roll).rotation(), scene.distance, focal, center)
