"""Judges that tell people by their colours: for tests that must know every number beforehand."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import cv2
import numpy as np

from dgbench.core.card import JudgeNetwork
from dgbench.core.face import FaceObservation, Image, Landmarks, Pose


class ColourJudges:
    """Judges that tell people by their colours: enough to know every number beforehand, and no network."""

    name = "embedded"
    features_name = "fd[colour]"
    networks = (JudgeNetwork(role="identity", name="colour", sha256="0" * 64),)

    def observe(
        self, images: Sequence[Image], *, fallback: object = None, roles: Collection[str] | None = None
    ) -> list[FaceObservation]:
        return [self._see(image) for image in images]

    def features(self, images: Sequence[Image]) -> np.ndarray:
        return np.stack([cv2.resize(image, (4, 4), interpolation=cv2.INTER_AREA).ravel() for image in images]).astype(
            np.float32
        )

    def _see(self, image: Image) -> FaceObservation:
        found = bool(image.std() > 2)
        colour = cv2.resize(image, (8, 8), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        colour -= colour.mean()
        points = np.zeros((68, 3), np.float32)
        points[:, 0], points[:, 1] = np.linspace(80, 180, 68), np.linspace(70, 190, 68) % 37 + 100
        return FaceObservation(
            detected=found,
            score=float(found),
            points5=points[:5, :2] if found else None,
            alignment="detector" if found else "fixed-box",
            embedding=colour / max(float(np.linalg.norm(colour)), 1e-6),
            landmarks=Landmarks(points=points, visibility=np.ones(68, np.float32), origin="t") if found else None,
            pose=Pose(0.0, 0.0, 0.0) if found else None,
        )
