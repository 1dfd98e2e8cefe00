"""The landmarks role: iBUG 68 in three dimensions; MediaPipe's mesh (open) and face-alignment (standard)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import JudgeNetwork
from dgbench.core.face import Image, Landmarks
from dgbench.networks.align import apply, invert, warp
from dgbench.networks.detector import Detection
from dgbench.networks.ibug import mesh_to_ibug
from dgbench.networks.sessions import OnnxNetwork


class LandmarkNetwork(ABC):
    """Finds the 68 points of a detected face."""

    network: JudgeNetwork

    @abstractmethod
    def find(self, image: Image, face: Detection) -> Landmarks:
        """Return the landmarks of ``face`` in pixels of ``image``."""


class MediaPipeMesh(LandmarkNetwork):
    """MediaPipe's face mesh (Kartynnik et al. 2019), mapped to iBUG 68 by :data:`~dgbench.networks.ibug`.

    Input: a square of 1.5 × the longer side of the box, rotated so that the line of the eyes is level, 192 px,
    RGB 0..1. Known limits: it compresses yaw beyond about 40° and its own score does not flag bad fits, so no
    score is used. It says nothing of visibility: every point is given 1.
    """

    FILE = "mediapipe_face_landmark_468.onnx"
    SIZE = 192
    ENLARGE = 1.5

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self._net = OnnxNetwork(path, threads=threads)
        self.network = JudgeNetwork(role="landmarks", name="mediapipe-468-as-68", sha256=self._net.sha256)

    def find(self, image: Image, face: Detection) -> Landmarks:
        """See :meth:`LandmarkNetwork.find`."""
        matrix = level_crop(face, enlarge=self.ENLARGE, size=self.SIZE)
        crop = warp(image, matrix, size=self.SIZE).astype(np.float32) / np.float32(255)
        mesh = self._net.run(crop.transpose(2, 0, 1)[None])[0].reshape(468, 3).astype(np.float64)
        scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
        placed = np.column_stack([apply(invert(matrix), mesh[:, :2]), mesh[:, 2] / scale])
        return Landmarks(mesh_to_ibug(placed), np.ones(68, dtype=np.float32), self.network.name)


def level_crop(face: Detection, *, enlarge: float, size: int) -> NDArray[np.float64]:
    """Return the 2×3 matrix of a square crop about a face, turned so that the line of its eyes is level."""
    centre = (face.box[:2].astype(np.float64) + face.box[2:]) / 2
    side = enlarge * float(max(face.box[2] - face.box[0], face.box[3] - face.box[1]))
    across = face.points[1].astype(np.float64) - face.points[0]
    # A profile's eyes nearly coincide and their line is noise: only then is the crop left upright.
    angle = float(np.arctan2(across[1], across[0])) if np.hypot(*across) > 0.1 * side / enlarge else 0.0
    scale = size / max(side, 1e-6)
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    matrix = np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0]])
    matrix[:, 2] = size / 2 - matrix[:, :2] @ centre
    return matrix
