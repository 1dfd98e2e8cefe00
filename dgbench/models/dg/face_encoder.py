"""The frozen face encoder E_f: one interface over several encoders whose features are concatenated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from dgbench.core.errors import UsageError
from dgbench.core.face import Image, Landmarks
from dgbench.models.dg.config import DgConfig, FaceEncoderName
from dgbench.models.dg.encoder_contract import FaceEncoder
from dgbench.models.dg.landmark_vector import stack
from dgbench.models.dg.visibility import frontalised


class Geometry(FaceEncoder):
    """The source's own 3D landmarks with the head turned to the front, and the face's size; ours."""

    dimension = 68 * 3 + 1
    needs_landmarks: ClassVar[bool] = True

    def encode(self, images: Sequence[Image], landmarks: Sequence[Landmarks | None]) -> NDArray[np.float32]:
        """See :meth:`FaceEncoder.encode`."""
        if not images:
            return np.zeros((0, self.dimension), np.float32)
        points = torch.cat(
            [stack([_present(one)], image.shape[0])[0] for image, one in zip(images, landmarks, strict=True)]
        )
        shape, log_size = frontalised(points)
        return torch.cat([shape.flatten(1), log_size[:, None]], dim=1).numpy()


class Thumbnail(FaceEncoder):
    """The source at 12 × 12 pixels, in [0, 1]; ours, the plainest of all."""

    SIDE = 12
    dimension = SIDE * SIDE * 3

    def encode(self, images: Sequence[Image], landmarks: Sequence[Landmarks | None]) -> NDArray[np.float32]:
        """See :meth:`FaceEncoder.encode`."""
        import cv2

        rows = np.zeros((len(images), self.dimension), np.float32)
        for row, image in zip(rows, images, strict=True):
            row[:] = cv2.resize(image, (self.SIDE, self.SIDE), interpolation=cv2.INTER_AREA).ravel()
        rows /= 255
        return rows


class RandomProjection(FaceEncoder):
    """Fixed random projections of the thumbnail: a stand-in of any length where no network is at hand."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._thumbnail = Thumbnail()
        draw = np.random.default_rng(20220619)
        self._matrix = draw.normal(size=(Thumbnail.dimension, dimension)).astype(np.float32)

    def encode(self, images: Sequence[Image], landmarks: Sequence[Landmarks | None]) -> NDArray[np.float32]:
        """See :meth:`FaceEncoder.encode`."""
        features = np.zeros((len(images), self.dimension), np.float32)
        for row, image in zip(features, images, strict=True):
            thumbnail = self._thumbnail.encode([image], [None])[0] - np.float32(0.5)
            row[:] = thumbnail @ self._matrix / np.float32(Thumbnail.dimension**0.5)
        return features


class Joined(FaceEncoder):
    """Several encoders, their features one after the other."""

    def __init__(self, members: Sequence[FaceEncoder]) -> None:
        self.members = tuple(members)
        self.dimension = sum(member.dimension for member in members)
        self.asks_landmarks = any(member.needs_landmarks for member in members)

    def encode(self, images: Sequence[Image], landmarks: Sequence[Landmarks | None]) -> NDArray[np.float32]:
        """See :meth:`FaceEncoder.encode`."""
        return np.concatenate([member.encode(images, landmarks) for member in self.members], axis=1)


def _present(landmarks: Landmarks | None) -> Landmarks:
    if landmarks is None:
        raise UsageError("this model's face encoder needs the source's landmarks; prepare the data with landmarks")
    return landmarks


Factory = Callable[[DgConfig, Path | None], FaceEncoder]


def _vgg(config: DgConfig, weights: Path | None) -> FaceEncoder:
    from dgbench.models.dg.vgg_face import VggFaceEncoder

    return VggFaceEncoder(weights, normalisation=config.vgg_normalisation)


def _arcface(config: DgConfig, weights: Path | None) -> FaceEncoder:
    from dgbench.models.dg.identity_encoders import ArcFaceEncoder

    return ArcFaceEncoder(weights)


def _embedded(config: DgConfig, weights: Path | None) -> FaceEncoder:
    from dgbench.models.dg.identity_encoders import EmbeddedEncoder

    return EmbeddedEncoder()


_FACTORIES: dict[FaceEncoderName, Factory] = {
    "vgg-face": _vgg,
    "arcface": _arcface,
    "embedded": _embedded,
    "geometry": lambda config, weights: Geometry(),
    "thumbnail": lambda config, weights: Thumbnail(),
}


def feature_dim(names: Sequence[FaceEncoderName]) -> int:
    """Return the length of the joined features; ``random`` has no length of its own and counts 0."""
    known = {"vgg-face": 4096, "arcface": 512, "embedded": 128, "geometry": 205, "thumbnail": 432, "random": 0}
    return sum(known[name] for name in names)


def build_face_encoder(config: DgConfig, *, weights: Path | None = None) -> Joined:
    """Build the face encoders that a model was trained with.

    Raises:
        MissingError: weights of a network are not here. UsageError: the features' length is not the model's.
    """
    names = config.idsg.face_encoders
    rest = config.idsg.feature_dim - feature_dim(names)
    members = [
        RandomProjection(rest) if name == "random" else _FACTORIES[name](config, weights)
        for name in names
        if name != "random" or rest > 0
    ]
    joined = Joined(members)
    if joined.dimension != config.idsg.feature_dim:
        raise UsageError(
            f"face encoders {', '.join(names)} give {joined.dimension} features, "
            f"the model takes {config.idsg.feature_dim}; set idsg.feature_dim or idsg.face_encoders"
        )
    return joined
