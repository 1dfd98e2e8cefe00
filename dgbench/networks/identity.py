"""The identity role: an aligned face to an L2-normalised embedding; MobileFaceNet (open) and ArcFace R50 (standard)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import JudgeNetwork
from dgbench.core.errors import UsageError
from dgbench.core.face import Image
from dgbench.networks.align import ARCFACE_SIZE, ARCFACE_TEMPLATE, central_square, five_points, similarity, warp
from dgbench.networks.sessions import OnnxNetwork

#: How a face was brought to the template: by its own detection, by points the caller gave, by the central square.
Alignment = Literal["detector", "fallback-points", "fixed-box", "none"]


class IdentityNetwork(ABC):
    """Embeds faces; each network says how they are aligned (:meth:`align`)."""

    network: JudgeNetwork

    @abstractmethod
    def raw(self, aligned: Image) -> NDArray[np.float32]:
        """Return the network's own output (D,) for one aligned RGB face, before normalisation."""

    def align(
        self, image: Image, detected: NDArray[np.floating] | None, fallback: NDArray[np.floating] | None
    ) -> tuple[Image, Alignment]:
        """Return the crop that :meth:`raw` takes and how it was aligned: :func:`align_face` unless said otherwise."""
        return align_face(image, detected, fallback)

    def embed(self, faces: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32 (N, D) of unit length for aligned faces; the norm is taken in float64."""
        rows = []
        for face in faces:
            vector = self.raw(face).astype(np.float64)
            rows.append((vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32))
        return np.stack(rows) if rows else np.zeros((0, 0), dtype=np.float32)


def align_face(
    image: Image, detected: NDArray[np.floating] | None, fallback: NDArray[np.floating] | None
) -> tuple[Image, Alignment]:
    """Return the face at 112 px in ArcFace's template and how it was aligned.

    Order: the image's own detected points, the caller's points (5 or
    68), the central square. Points that coincide or are not finite count as absent.
    """
    sources: tuple[tuple[NDArray[np.floating] | None, Alignment], ...] = (
        (detected, "detector"),
        (fallback, "fallback-points"),
    )
    for points, name in sources:
        if points is None:
            continue
        try:
            matrix = similarity(five_points(points), ARCFACE_TEMPLATE)
        except ValueError:
            continue
        return warp(image, matrix, size=ARCFACE_SIZE), name
    return warp(image, central_square(image, size=ARCFACE_SIZE), size=ARCFACE_SIZE), "fixed-box"


class MobileFaceNet(IdentityNetwork):
    """MobileFaceNet trained with the ArcFace loss: RGB / 255, ImageNet mean and deviation, 128 values."""

    FILE = "MobileFaceNet.onnx"
    _MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
    _STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self._net = OnnxNetwork(path, threads=threads)
        self.network = JudgeNetwork(role="identity", name="mobilefacenet", sha256=self._net.sha256)

    def raw(self, aligned: Image) -> NDArray[np.float32]:
        """See :meth:`IdentityNetwork.raw`."""
        value = (aligned.astype(np.float32) / np.float32(255) - self._MEAN) / self._STD
        return self._net.run(value.transpose(2, 0, 1)[None])[0][0]


class ArcFaceR50(IdentityNetwork):
    """ArcFace R50 of insightface's ``buffalo_l`` (``w600k_r50``): (RGB − 127.5) / 127.5, 512 values.

    The same numbers as ``insightface.model_zoo.arcface_onnx.ArcFaceONNX.get_feat`` with the same file. Its
    weights are for non-commercial research only (InsightFace's statement).
    """

    FILE = "buffalo_l/w600k_r50.onnx"

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self._net = OnnxNetwork(path, threads=threads)
        shape = self._net.input_shape
        if len(shape) != 4 or shape[2:] != [ARCFACE_SIZE, ARCFACE_SIZE]:
            raise UsageError(
                f"{path}: an ArcFace network takes 1×3×112×112, this file takes {shape}; give w600k_r50.onnx"
            )
        self.network = JudgeNetwork(role="identity", name="arcface-r50", sha256=self._net.sha256)

    def raw(self, aligned: Image) -> NDArray[np.float32]:
        """See :meth:`IdentityNetwork.raw`."""
        value = (aligned.astype(np.float32) - np.float32(127.5)) * np.float32(1 / 127.5)
        return self._net.run(value.transpose(2, 0, 1)[None])[0][0]
