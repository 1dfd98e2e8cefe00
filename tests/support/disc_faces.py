"""Judges that see a face where a green disc is: its eyes are left and right of the centre, on it; no network."""

from __future__ import annotations

import numpy as np

from dgbench.core.card import JudgeNetwork
from dgbench.core.face import Image, Landmarks, Pose
from dgbench.networks.canonical import MEAN_FACE
from dgbench.networks.detector import Detection, Detector
from dgbench.networks.landmarks import LandmarkNetwork
from dgbench.networks.pose import PoseNetwork

FIVE = np.array([[-1, -1], [1, -1], [0, 0], [-0.8, 1], [0.8, 1]], dtype=np.float32)


def face_image(
    *, width: int = 80, height: int = 60, centre: tuple[int, int] = (40, 30), radius: int = 12, half: str = ""
) -> Image:
    """A green disc on noise; ``half`` blue marks a face that is seen only in the mirror."""
    rng = np.random.default_rng(width * 7919 + centre[0] * 31 + centre[1])
    image = rng.integers(0, 60, (height, width, 3)).astype(np.uint8)
    y, x = np.mgrid[:height, :width]
    disc = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= radius**2
    if radius:
        image[disc] = (0, 255, 0)
    if half == "mirror":
        image[disc & (x > centre[0])] = (0, 255, 255)
    return image


class DiscDetector(Detector):
    network = JudgeNetwork(role="detector", name="disc", sha256="0" * 64)
    threshold = 0.5

    def detect_all(self, image: Image) -> list[Detection]:
        green = (image[..., 1] > 200) & (image[..., 0] < 100)
        y, x = np.nonzero(green)
        if len(x) < 20:
            return []
        blue_x = np.nonzero(image[..., 2] > 200)[1]
        if len(blue_x) and blue_x.mean() > x.mean():
            return []
        centre = np.array([(x.min() + x.max()) / 2, (y.min() + y.max()) / 2], np.float32)
        size = np.float32((y.max() - y.min()) / 2)
        box = np.concatenate([centre - size, centre + size])
        return [Detection(0.9, box, centre + FIVE * size / 2)]


class DiscLandmarks(LandmarkNetwork):
    network = JudgeNetwork(role="landmarks", name="disc-68", sha256="1" * 64)

    def find(self, image: Image, face: Detection) -> Landmarks:
        size = float(face.box[3] - face.box[1])
        points = (MEAN_FACE * (1, -1, 1) * size / 20).astype(np.float32)
        points[:, :2] += (face.box[:2] + face.box[2:]) / 2
        return Landmarks(points, np.ones(68, np.float32), self.network.name)


class DiscPose(PoseNetwork):
    network = JudgeNetwork(role="pose", name="disc-pose", sha256="2" * 64)
    needs_landmarks = False

    def measure(self, image: Image, face: Detection, landmarks: Landmarks | None) -> Pose | None:
        return Pose(float(face.box[0]), 0.0, 5.0)
