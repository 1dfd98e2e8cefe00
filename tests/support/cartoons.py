"""Cartoon people: heads drawn from 3D landmarks, so that training can be tested without any data set."""

from __future__ import annotations

import cv2
import numpy as np

from dgbench.core.digests import seed_of
from dgbench.core.face import Landmarks
from dgbench.models.dg.config import DgConfig, IdsgConfig, RfgConfig
from dgbench.models.dg.visibility import CANONICAL, estimated_visibility
from dgbench.training.dg.config import IdsgTraining, Phase, RfgTraining, TrainConfig
from dgbench.training.dg.frames import TrainingRow


class Cartoons:
    """``<person>/<cell>`` → an oval in the person's colour with dark features at the person's landmarks."""

    def __init__(self, size: int = 64, missing: frozenset[str] = frozenset()) -> None:
        self.size = size
        self.missing = missing

    def points(self, key: str) -> np.ndarray:
        person, cell = key.split("/")
        rng = np.random.default_rng(seed_of("cartoon", person))
        pose = np.random.default_rng(seed_of("cell", cell))
        shape = CANONICAL.numpy() * rng.uniform(0.8, 1.2, 3)
        yaw, pitch = np.deg2rad(pose.uniform(-35, 35)), np.deg2rad(pose.uniform(-10, 10))
        turn = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
        nod = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
        points = shape @ (nod @ turn).T
        points[48:68, 1] *= 1 + 0.1 * pose.random()
        points = points * self.size / 28
        points[:, :2] += self.size / 2
        points[:, 2] -= points[:, 2].mean()
        return points.astype(np.float32)

    def image(self, key: str) -> np.ndarray:
        rng = np.random.default_rng(seed_of("colour", key.split("/")[0]))
        skin, back, ink = (
            tuple(int(v) for v in rng.integers(low, high, 3)) for low, high in ((120, 250), (20, 110), (0, 60))
        )
        canvas = np.full((self.size, self.size, 3), back, np.uint8)
        points = self.points(key)[:, :2].astype(np.int32)
        cv2.fillConvexPoly(canvas, cv2.convexHull(points), skin)
        for first, last in ((36, 42), (42, 48), (48, 60)):
            cv2.fillPoly(canvas, [points[first:last]], ink)
        for first, last in ((17, 22), (22, 27), (27, 31), (31, 36)):
            cv2.polylines(canvas, [points[first:last]], False, ink, 1)
        return canvas

    def landmarks(self, key: str) -> Landmarks | None:
        if key in self.missing:
            return None
        import torch

        points = self.points(key)
        seen = estimated_visibility(torch.from_numpy(points)[None] / self.size)[0].numpy()
        return Landmarks(points=points, visibility=seen, origin="truth")


def rows(people: int = 4, cells: int = 4, first: int = 0) -> list[TrainingRow]:
    return [
        TrainingRow(key=f"p{person:02d}/c{cell:02d}", subject=f"p{person:02d}", cell=f"c{cell:02d}")
        for person in range(first, first + people)
        for cell in range(cells)
    ]


def tiny_config(**changes: object) -> TrainConfig:
    """A model of a few thousand weights and a few steps of every phase."""
    values: dict[str, object] = {
        "model": DgConfig(
            size=64,
            idsg=IdsgConfig(
                face_encoders=("geometry",), feature_dim=205, standardise=True, hidden=32, decoder_hidden=32, depth=2
            ),
            rfg=RfgConfig(base_channels=4, max_channels=8, style_dim=8),
        ),
        "phases": (
            Phase(stage="self", network="idsg", steps=3),
            Phase(stage="self", network="rfg", steps=3),
            Phase(stage="cross", network="idsg", steps=2, lr=0.5, lr_end=0.1),
            Phase(stage="cross", network="rfg", steps=2, lr=0.5),
        ),
        "idsg": IdsgTraining(batch=8, lr=1e-3, lr_classifier=1e-3),
        "rfg": RfgTraining(batch=4, lr=1e-3, r1_every=2),
        "perceptual": "none",
        "landmark_network": "none",
        "save_every": 4,
        "log_every": 2,
        "grid_every": 2,
    }
    return TrainConfig.model_validate(values | changes)
