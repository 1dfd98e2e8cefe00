"""The landmarks role: iBUG 68 in three dimensions; MediaPipe's mesh (open) and face-alignment (standard)."""

from __future__ import annotations

import contextlib
import importlib
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import JudgeNetwork
from dgbench.core.digests import digest, sha256_file
from dgbench.core.errors import MissingError
from dgbench.core.face import Image, Landmarks
from dgbench.networks.align import apply, invert, warp
from dgbench.networks.detector import Detection
from dgbench.networks.ibug import mesh_to_ibug
from dgbench.networks.sessions import OnnxNetwork
from dgbench.networks.torch_file import read_tensors


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


class _GivenBoxes:
    """Stands where face-alignment keeps its detector: the boxes are SCRFD's, found elsewhere.

    ``reference_scale`` is the sum of a box's sides for which the crop has 200 px; face-alignment has one for each
    detector, 165 for SCRFD, RetinaFace and YuNet and 195 for boxes of unknown origin, which are wider.
    """

    reference_scale = 165


class FaceAlignment3D(LandmarkNetwork):
    """face-alignment 1.5's 3D-FAN-4 with its depth network (Bulat & Tzimiropoulos 2017), run by its own code.

    The box comes from the set's own detector, SCRFD, and is cropped as face-alignment crops its own SCRFD's; no flipped
    second pass. Its loader would unpickle the depth file
    without limits, so both files are read here as tensors alone and handed on. It gives no visibility: every
    point has 1.
    """

    FILES = ("3DFAN4-7835d9f11d.pth.tar", "depth-2a464da4ea.pth.tar")

    def __init__(self, paths: tuple[Path, Path]) -> None:
        try:
            import face_alignment
        except ImportError as error:
            message = f"face-alignment does not import ({error}); pip install 'face-alignment>=1.5,<1.6'"
            raise MissingError(message) from error
        with _hub_of_plain_tensors(dict(zip(self.FILES, paths, strict=True))):
            self._net: Any = face_alignment.FaceAlignment(
                face_alignment.LandmarksType.THREE_D,
                device="cpu",
                flip_input=False,
                face_detector="folder",
                compile=False,
            )
        self._net.face_detector = _GivenBoxes()
        sha256 = digest([sha256_file(path) for path in paths])
        name = f"face-alignment-3d@{_GivenBoxes.reference_scale}"
        self.network = JudgeNetwork(role="landmarks", name=name, sha256=sha256)

    def find(self, image: Image, face: Detection) -> Landmarks:
        """See :meth:`LandmarkNetwork.find`."""
        (points,) = self._net.get_landmarks_from_image(image, detected_faces=[face.box.tolist()])
        points = np.asarray(points, dtype=np.float32)
        points[:, 2] -= points[:, 2].mean(dtype=np.float64)
        return Landmarks(points, np.ones(68, dtype=np.float32), self.network.name)


@contextlib.contextmanager
def _hub_of_plain_tensors(weights: dict[str, Path]) -> Iterator[None]:
    """Let torch.hub find ``weights``, read and saved again as tensors alone, in a folder that lives this long."""
    import torch

    # Training state in these files holds numpy scalars beside the tensors; they are data, and nothing else is let in.
    scalar = importlib.import_module("numpy._core.multiarray").scalar
    harmless = [(scalar, "numpy.core.multiarray.scalar"), scalar, np.dtype, np.dtypes.Float64DType]
    before = torch.hub.get_dir()
    with tempfile.TemporaryDirectory(prefix="dgbench-hub-") as temp:
        folder = Path(temp) / "checkpoints"
        folder.mkdir()
        for name, path in weights.items():
            state = read_tensors(path, harmless=harmless)
            torch.save({"state_dict": state["state_dict"]} if "state_dict" in state else state, folder / name)
        torch.hub.set_dir(temp)
        try:
            yield
        finally:
            torch.hub.set_dir(before)
