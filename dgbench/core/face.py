"""What is known of the face in one image: landmarks, visibility, pose; and the failure that says it is not known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


class Pose(NamedTuple):
    """Head pose in degrees. Yaw + = nose to image-right, pitch + = nose up, roll + = clockwise as seen."""

    yaw: float
    pitch: float
    roll: float

    def rotation(self) -> NDArray[np.float64]:
        """Return the (3, 3) rotation of the head: pitch first, then yaw, then roll in the image plane.

        From the head's axes to the camera's (x right, y up, z to the viewer). So the nose's height above the horizon
        is the pitch, its bearing the yaw, and the roll turns the picture.
        """
        y, p, r = (math.radians(angle) for angle in self)
        about_x = np.array([[1, 0, 0], [0, math.cos(p), math.sin(p)], [0, -math.sin(p), math.cos(p)]])
        about_y = np.array([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
        about_z = np.array([[math.cos(r), math.sin(r), 0], [-math.sin(r), math.cos(r), 0], [0, 0, 1]])
        matrix: NDArray[np.float64] = about_z @ about_y @ about_x
        return matrix


@dataclass(frozen=True)
class Landmarks:
    """iBUG 68 landmarks of one image.

    Attributes:
        points: float32 (68, 3); x right, y down in pixels of the image, z in the same unit, + away from the
            viewer, mean zero. z is 0 throughout where only 2D is known.
        visibility: float32 (68,) in [0, 1]; 1 where the surface point is seen.
        origin: what found them: ``truth``, ``frozen``, or a network's name.
    """

    points: NDArray[np.float32]
    visibility: NDArray[np.float32]
    origin: str

    def __post_init__(self) -> None:
        if self.points.shape != (68, 3) or self.visibility.shape != (68,):
            raise ValueError(f"landmarks are (68, 3) and (68,), got {self.points.shape}, {self.visibility.shape}")


@dataclass(frozen=True)
class FaceObservation:
    """What the judges saw in one image; a field is None where its role was not asked for or found nothing.

    Attributes:
        detected: whether the detector found a face; landmarks and pose exist only then.
        score: the detector's score in [0, 1]; 0 where nothing was found.
        points5: float32 (5, 2) detected points in the order of the ArcFace template.
        alignment: how the face was brought to the identity network (``detector``, ``fallback-points``, ``fixed-box``);
            ``none`` where it was not asked.
        embedding: float32 (D,) of unit length; exists for every image, aligned by the declared fallbacks.
        landmarks: iBUG 68 in pixels of the image.
        pose: degrees, + yaw = nose to image-right, + pitch = nose up, + roll = clockwise as seen.
    """

    detected: bool
    score: float
    points5: NDArray[np.float32] | None
    alignment: str
    embedding: NDArray[np.float32] | None
    landmarks: Landmarks | None
    pose: Pose | None


@dataclass(frozen=True)
class Failure:
    """Why one pair or image could not be generated or measured; counted by ``kind``, never dropped.

    Kinds in use: ``missing``, ``unreadable``, ``wrong-size``, ``no-face``, ``timeout``, ``crashed``, ``error``,
    ``not-finite``, ``out-of-memory``.
    """

    kind: str
    message: str
