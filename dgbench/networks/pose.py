"""The pose role: head angles in degrees from a detected face; FSA-Net (open), or a fit to the landmarks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np

from dgbench.core.card import JudgeNetwork
from dgbench.core.digests import digest
from dgbench.core.face import Image, Landmarks, Pose
from dgbench.networks.align import warp
from dgbench.networks.canonical import pose_from_landmarks
from dgbench.networks.detector import Detection
from dgbench.networks.sessions import OnnxNetwork


class PoseNetwork(ABC):
    """Measures yaw, pitch and roll; ``needs_landmarks`` where it reads them instead of the image."""

    network: JudgeNetwork
    needs_landmarks: bool = False

    @abstractmethod
    def measure(self, image: Image, face: Detection, landmarks: Landmarks | None) -> Pose | None:
        """Return the pose of ``face``, or None where it has none."""


class FsaNet(PoseNetwork):
    """FSA-Net (Yang et al. 2019), the mean of its 1×1 and variance variants.

    Input: the box enlarged by 30 % and made square, 64 px, BGR (x − 127.5) / 128. The files give yaw + = nose to
    image-left, pitch + = nose up and roll + = clockwise as seen; yaw is turned here.
    """

    FILES = ("fsanet-1x1.onnx", "fsanet-var.onnx")
    SIZE = 64
    ENLARGE = 1.3

    def __init__(self, paths: tuple[Path, Path], *, threads: int = 1) -> None:
        self._nets = [OnnxNetwork(path, threads=threads) for path in paths]
        self.network = JudgeNetwork(role="pose", name="fsanet", sha256=digest([net.sha256 for net in self._nets]))

    def measure(self, image: Image, face: Detection, landmarks: Landmarks | None) -> Pose | None:
        """See :meth:`PoseNetwork.measure`."""
        centre = (face.box[:2].astype(np.float64) + face.box[2:]) / 2
        side = self.ENLARGE * float(max(face.box[2] - face.box[0], face.box[3] - face.box[1]))
        scale = self.SIZE / max(side, 1e-6)
        offset = (self.SIZE - 1) / 2 - scale * centre
        crop = warp(image, np.array([[scale, 0, offset[0]], [0, scale, offset[1]]]), size=self.SIZE)
        value = (crop[..., ::-1].astype(np.float32) - np.float32(127.5)) / np.float32(128)
        outputs = [net.run(value.transpose(2, 0, 1)[None])[0][0].astype(np.float64) for net in self._nets]
        yaw, pitch, roll = np.mean(outputs, axis=0)
        return Pose(yaw=-float(yaw), pitch=float(pitch), roll=float(roll))


class LandmarkPose(PoseNetwork):
    """The pose of the landmark network's points: :func:`dgbench.networks.canonical.pose_from_landmarks`."""

    needs_landmarks = True

    def __init__(self, landmarks: JudgeNetwork) -> None:
        self.network = JudgeNetwork(role="pose", name=f"{landmarks.name}-fit", sha256=landmarks.sha256)

    def measure(self, image: Image, face: Detection, landmarks: Landmarks | None) -> Pose | None:
        """See :meth:`PoseNetwork.measure`."""
        if landmarks is None:
            return None
        try:
            return pose_from_landmarks(landmarks)
        except ValueError:
            # Points on one line have no pose; the caller counts it as not measured.
            return None
