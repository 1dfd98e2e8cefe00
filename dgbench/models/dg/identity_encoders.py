"""Face recognition networks as face encoders: ArcFace R50, and the embedded network that is meant for training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Image, Landmarks
from dgbench.io.weights import find_weight
from dgbench.models.dg.encoder_contract import FaceEncoder


class ArcFaceEncoder(FaceEncoder):
    """ArcFace R50 on the face aligned by its landmarks (or the central square without); unit length, 512 values."""

    dimension = 512

    def __init__(self, weights: Path | None) -> None:
        from dgbench.networks.identity import ArcFaceR50

        self._network = ArcFaceR50(find_weight(ArcFaceR50.FILE, folder=weights))

    def encode(self, images: Sequence[Image], landmarks: Sequence[Landmarks | None]) -> NDArray[np.float32]:
        """See :meth:`FaceEncoder.encode`."""
        from dgbench.networks.identity import align_face

        aligned = [
            align_face(image, None, one.points[:, :2] if one is not None else None)[0]
            for image, one in zip(images, landmarks, strict=True)
        ]
        return self._network.embed(aligned) if aligned else np.zeros((0, self.dimension), np.float32)


class EmbeddedEncoder(FaceEncoder):
    """The embedded ``identity-train`` network, which never judges; unit length, 128 values."""

    dimension = 128

    def __init__(self) -> None:
        from dgbench.networks.embedded.judges import EmbeddedIdentity
        from dgbench.networks.embedded.store import load_identity

        network, sha256 = load_identity("identity-train")
        self._network = EmbeddedIdentity(network, "identity-train", sha256)

    def encode(self, images: Sequence[Image], landmarks: Sequence[Landmarks | None]) -> NDArray[np.float32]:
        """See :meth:`FaceEncoder.encode`."""
        aligned = [
            self._network.align(image, None, one.points[:, :2] if one is not None else None)[0]
            for image, one in zip(images, landmarks, strict=True)
        ]
        return self._network.embed(aligned) if aligned else np.zeros((0, self.dimension), np.float32)
