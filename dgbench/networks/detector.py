"""The detector role: where the face is and its five points; YuNet (open), SCRFD (standard)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import JudgeNetwork
from dgbench.core.digests import sha256_file
from dgbench.core.errors import MissingError, UsageError
from dgbench.core.face import Image, Landmarks
from dgbench.networks.sessions import OnnxNetwork, open_session


@dataclass(frozen=True)
class Detection:
    """One face.

    Attributes:
        score: confidence in [0, 1].
        box: float32 (4,) left, top, right, bottom in pixels of the image; may reach outside it.
        points: float32 (5, 2) in the order of the ArcFace template.
        landmarks: the 68 points, where the detector is a landmark network and has them already.
    """

    score: float
    box: NDArray[np.float32]
    points: NDArray[np.float32]
    landmarks: Landmarks | None = None


class Detector(ABC):
    """Finds faces; ``threshold`` is the lowest score that counts as a face and is part of the network's name."""

    network: JudgeNetwork
    threshold: float

    @abstractmethod
    def detect_all(self, image: Image) -> list[Detection]:
        """Return every face at or above the threshold, overlapping ones merged, best score first."""

    def detect(self, images: Sequence[Image]) -> list[Detection | None]:
        """Return the main face of each image (:func:`main_face`), or None where there is none."""
        return [main_face(self.detect_all(image), image.shape[:2]) for image in images]


def main_face(detections: Sequence[Detection], shape: tuple[int, ...]) -> Detection | None:
    """Return the face that an image is about: the highest score × relative size × nearness to the centre.

    Relative size is the square root of the box's area over the image's shorter side; nearness is
    1 / (1 + distance of the box's centre from the image's centre / half the image's shorter side). A tie goes to
    the first.
    """
    height, width = shape[0], shape[1]
    side = float(min(height, width))

    def rank(face: Detection) -> float:
        left, top, right, bottom = (float(value) for value in face.box)
        size = np.sqrt(max(right - left, 0.0) * max(bottom - top, 0.0)) / side
        distance = np.hypot((left + right) / 2 - width / 2, (top + bottom) / 2 - height / 2) / (side / 2)
        return float(face.score * size / (1.0 + distance))

    return max(detections, key=rank, default=None)


def suppress(detections: Sequence[Detection], *, overlap: float) -> list[Detection]:
    """Return detections, best first, without those whose IoU with a better one exceeds ``overlap``."""
    kept: list[Detection] = []
    for face in sorted(detections, key=lambda item: -item.score):
        if all(_iou(face.box, other.box) <= overlap for other in kept):
            kept.append(face)
    return kept


def _iou(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    left, top = np.maximum(first[:2], second[:2])
    right, bottom = np.minimum(first[2:], second[2:])
    inter = max(float(right - left), 0.0) * max(float(bottom - top), 0.0)
    area = float((first[2] - first[0]) * (first[3] - first[1]) + (second[2] - second[0]) * (second[3] - second[1]))
    return inter / max(area - inter, 1e-9)


class YuNet(Detector):
    """YuNet (Wu, Peng & Yu 2023, "YuNet: a tiny millisecond-level face detector"), decoded by this project.

    Input: BGR 0..255, padded by black at right and bottom to multiples of 32. Per stride s in 8, 16, 32 and cell
    (column c, row r): score = sqrt(cls · obj), box centre = ((c, r) + d) · s, box size = exp(d) · s, point =
    ((c, r) + d) · s. An image whose shorter side is not 128..512 px is resized into that range first. Where
    nothing is found the image is tried once more inside a black border a quarter of its side wide: a face that
    fills its crop has no surround, and the network was trained on faces that have one.
    """

    FILE = "yunet_n_dynamic.onnx"
    STRIDES = (8, 16, 32)
    OVERLAP = 0.3

    def __init__(self, path: Path, *, threshold: float = 0.7, threads: int = 1) -> None:
        self._net = OnnxNetwork(path, threads=threads)
        self.threshold = threshold
        self.network = JudgeNetwork(role="detector", name=f"yunet@{threshold:g}", sha256=self._net.sha256)

    def detect_all(self, image: Image) -> list[Detection]:
        """See :meth:`Detector.detect_all`."""
        found = self._detect(image)
        if found:
            return found
        import cv2

        border = max(image.shape[:2]) // 4
        framed = cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_CONSTANT, value=(0, 0, 0))
        shift = np.float32(border)
        return [Detection(face.score, face.box - shift, face.points - shift) for face in self._detect(framed)]

    def _detect(self, image: Image) -> list[Detection]:
        import cv2

        height, width = image.shape[:2]
        scale = min(max(1.0, 128 / min(height, width)), 1024 / max(height, width))
        if min(height, width) > 512:
            scale = 512 / min(height, width)
        if scale != 1.0:
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            image = cv2.resize(
                image, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=method
            )
        rows, columns = image.shape[:2]
        padded = np.zeros((-(-rows // 32) * 32, -(-columns // 32) * 32, 3), dtype=np.float32)
        padded[:rows, :columns] = image[..., ::-1]
        outputs = dict(zip(self._net.output_names, self._net.run(padded.transpose(2, 0, 1)[None]), strict=True))
        faces = [face for stride in self.STRIDES for face in self._decode(outputs, stride, padded.shape[1])]
        back = np.float32(1.0 / scale)
        return [Detection(f.score, f.box * back, f.points * back) for f in suppress(faces, overlap=self.OVERLAP)]

    def _decode(self, outputs: dict[str, NDArray[np.float32]], stride: int, width: int) -> list[Detection]:
        confidence = outputs[f"cls_{stride}"][0, :, 0].clip(0, 1) * outputs[f"obj_{stride}"][0, :, 0].clip(0, 1)
        scores = np.sqrt(confidence)
        faces = []
        for index in np.flatnonzero(scores >= self.threshold):
            cell = np.array([index % (width // stride), index // (width // stride)], dtype=np.float32)
            box = outputs[f"bbox_{stride}"][0, index]
            centre, half = (cell + box[:2]) * stride, np.exp(box[2:]) * stride / 2
            points = (outputs[f"kps_{stride}"][0, index].reshape(5, 2) + cell) * stride
            faces.append(Detection(float(scores[index]), np.concatenate([centre - half, centre + half]), points))
        return faces


class Scrfd(Detector):
    """SCRFD (Guo et al. 2021), the detector of insightface's ``buffalo_l``, run by insightface's own code.

    Input size 640×640 with the image fitted into its upper left, whatever the image's size; insightface's
    default score threshold 0.5 and its own suppression at IoU 0.4.
    """

    FILE = "buffalo_l/det_10g.onnx"
    SIZE = (640, 640)

    def __init__(self, path: Path, *, threshold: float = 0.5, threads: int = 1) -> None:
        try:
            from insightface.model_zoo.scrfd import SCRFD
        except ImportError as error:
            raise MissingError(f"insightface does not import ({error}); pip install 'insightface>=2.1,<3'") from error
        session = open_session(path, threads=threads)
        if len(session.get_outputs()) not in (9, 15):
            raise UsageError(f"{path}: not a detector with five points; give det_10g.onnx of buffalo_l")
        # One session for every size: per-size copies would be opened with settings of insightface's own.
        self._net: Any = SCRFD(model_file=str(path), session=session, static_shape_sessions=False)
        self._net.prepare(-1, input_size=self.SIZE, det_thresh=threshold)
        self.threshold = threshold
        self.network = JudgeNetwork(role="detector", name=f"scrfd-10g@{threshold:g}", sha256=sha256_file(path))

    def detect_all(self, image: Image) -> list[Detection]:
        """See :meth:`Detector.detect_all`."""
        boxes, points = self._net.detect(np.ascontiguousarray(image[..., ::-1]))
        return [
            Detection(float(box[4]), box[:4].astype(np.float32), five.astype(np.float32))
            for box, five in zip(boxes, points, strict=True)
        ]
