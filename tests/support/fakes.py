"""Judges without networks and images without files, whose answers can be worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dgbench.core.card import JudgeNetwork
from dgbench.core.face import FaceObservation, Failure, Landmarks, Pose
from dgbench.core.pair import Pair

SIZE = 32


def face_image(number: int, *, size: int = SIZE) -> np.ndarray:
    """A seeded uint8 image; number 0 is black."""
    if number == 0:
        return np.zeros((size, size, 3), dtype=np.uint8)
    return np.random.default_rng(number).integers(1, 256, (size, size, 3)).astype(np.uint8)


def points68(image: np.ndarray) -> np.ndarray:
    """Landmarks that depend on the image: a fixed cloud, moved by its first pixels."""
    cloud = np.random.default_rng(68).uniform(8, 24, (68, 3))
    return (cloud + image[0, 0].astype(np.float64) / 128).astype(np.float32)


class FakeJudges:
    """Statistics of the pixels in place of networks. An image is a face unless it is black."""

    name = "fake"
    features_name = "fd[fake]"
    networks = tuple(
        JudgeNetwork(role=role, name="fake", sha256="0" * 64)
        for role in ("detector", "identity", "landmarks", "pose", "features")
    )

    def __init__(self, *, embedding=None) -> None:
        self.observed = 0
        self.featured = 0
        self._embedding = embedding

    def observe(self, images, *, fallback=None, roles=None):
        self.observed += len(images)
        points = fallback if fallback is not None else [None] * len(images)
        return [self._see(image, p) for image, p in zip(images, points, strict=True)]

    def _see(self, image, points) -> FaceObservation:
        face = bool(image.any())
        vector = image[::4, ::4].astype(np.float64).ravel() - 100.0
        vector = vector / np.linalg.norm(vector)
        if self._embedding is not None:
            vector = self._embedding(image)
        angles = image[1, 1].astype(float) / 10
        return FaceObservation(
            detected=face,
            score=0.9 if face else 0.0,
            points5=None,
            alignment="detector" if face else "fallback-points" if points is not None else "fixed-box",
            embedding=vector.astype(np.float32),
            landmarks=Landmarks(points68(image), np.ones(68, dtype=np.float32), "fake") if face else None,
            pose=Pose(*angles) if face else None,
        )

    def features(self, images):
        self.featured += len(images)
        return np.stack([(image.reshape(-1, 3)[:5].ravel() / 64).astype(np.float32) for image in images])


@dataclass
class FakeImages:
    """Images by number: keys are ``<number>``; ``generated`` by pair_id; decodes are counted by key."""

    made: dict
    absent: frozenset = frozenset()
    size: int = SIZE

    def __post_init__(self) -> None:
        self.decoded: dict[str, int] = {}

    def _image(self, key: str) -> np.ndarray:
        self.decoded[key] = self.decoded.get(key, 0) + 1
        return face_image(int(key), size=self.size)

    def generated(self, pair: Pair):
        value = self.made[pair.pair_id]
        return value if isinstance(value, Failure | np.ndarray) else face_image(value, size=self.size)

    def source(self, pair: Pair):
        return self._image(pair.source)

    def reference(self, pair: Pair):
        return self._image(pair.reference)

    def target(self, pair: Pair):
        return None if pair.target in self.absent else self._image(pair.target)


def cross_pairs(people: int = 6, each: int = 3, *, targets: bool = True) -> list[Pair]:
    """``people`` × ``each`` cross pairs with keys 1…; targets have their own images."""
    pairs = []
    for source in range(people):
        for step in range(1, each + 1):
            reference = (source + step) % people
            pairs.append(
                Pair(
                    pair_id=f"p{source:02d}-{reference:02d}",
                    relation="cross",
                    source=str(1 + source),
                    reference=str(101 + reference),
                    target=str(201 + source * 10 + reference) if targets else None,
                    source_identity=f"s{source:02d}",
                    reference_identity=f"s{reference:02d}",
                    bin="left" if step == 1 else "right",
                )
            )
    return pairs


def made_for(pairs, *, first: int = 301) -> dict:
    """One generated image number per pair."""
    return {pair.pair_id: first + number for number, pair in enumerate(pairs)}
