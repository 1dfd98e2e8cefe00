"""What is known of the face in one image: landmarks, visibility, pose; and the failure that says it is not known."""

from __future__ import annotations

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
class Failure:
    """Why one pair or image could not be generated or measured; counted by ``kind``, never dropped.

    Kinds in use: ``missing``, ``unreadable``, ``wrong-size``, ``no-face``, ``timeout``, ``crashed``, ``error``,
    ``not-finite``, ``out-of-memory``.
    """

    kind: str
    message: str
