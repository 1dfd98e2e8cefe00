"""A set of judges: every frozen network of one set behind one call that observes images."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import JUDGE_SETS, JudgeNetwork, JudgeSet
from dgbench.core.errors import UsageError, did_you_mean
from dgbench.core.face import FaceObservation, Image, Landmarks, Pose
from dgbench.networks.detector import Detection, Detector
from dgbench.networks.features import FeatureNetwork
from dgbench.networks.identity import Alignment, IdentityNetwork
from dgbench.networks.landmarks import LandmarkNetwork
from dgbench.networks.pose import PoseNetwork

ROLES: tuple[str, ...] = ("detector", "identity", "landmarks", "pose", "features")


class Judges:
    """One set of frozen networks. Built by :func:`load_judges`."""

    def __init__(
        self,
        name: JudgeSet,
        *,
        detector: Detector | None = None,
        identity: IdentityNetwork | None = None,
        landmarks: LandmarkNetwork | None = None,
        pose: PoseNetwork | None = None,
        features: FeatureNetwork | None = None,
    ) -> None:
        self.name = name
        self._detector, self._identity, self._landmarks = detector, identity, landmarks
        self._pose, self._features = pose, features
        parts = (detector, identity, landmarks, pose, features)
        self.networks: tuple[JudgeNetwork, ...] = tuple(part.network for part in parts if part is not None)

    def with_features(self, features: FeatureNetwork) -> Judges:
        """Return the same judges with another feature space."""
        return Judges(
            self.name,
            detector=self._detector,
            identity=self._identity,
            landmarks=self._landmarks,
            pose=self._pose,
            features=features,
        )

    @property
    def features_name(self) -> str:
        """``fid`` or ``fd[<judge>]``: what a Fréchet distance over :meth:`features` may be called."""
        if self._features is None:
            raise UsageError(f"the judges '{self.name}' were loaded without the role 'features'")
        return self._features.name

    def observe(
        self,
        images: Sequence[Image],
        *,
        fallback: Sequence[NDArray[np.floating] | None] | None = None,
        roles: Collection[str] | None = None,
    ) -> list[FaceObservation]:
        """Return what the judges see in each image, in order; the same for any batch size.

        Args:
            images: uint8 HWC RGB of any size.
            fallback: per image 5 or 68 points (x, y, …) that align the face for the identity network where the
                detector finds none, e.g. those of the reference.
            roles: a subset of detector, identity, landmarks, pose; by default all that were loaded.

        Raises:
            UsageError: a role that was not loaded, or an array that is not such an image.
        """
        wanted = self._wanted(roles)
        points = fallback if fallback is not None else [None] * len(images)
        if len(points) != len(images):
            raise UsageError(f"observe: {len(images)} images but {len(points)} fallbacks; give one per image")
        for image in images:
            _check(image)
        faces = self._detector.detect(images) if self._detector is not None else [None] * len(images)
        return [self._see(*item, wanted) for item in zip(images, faces, points, strict=True)]

    def features(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32 (N, D) feature vectors of whole images for set metrics.

        Raises:
            UsageError: the role ``features`` was not loaded, or an array is not an image.
        """
        if self._features is None:
            raise UsageError(f"the judges '{self.name}' were loaded without the role 'features'")
        for image in images:
            _check(image)
        return self._features.features(images)

    def _wanted(self, roles: Collection[str] | None) -> set[str]:
        have = {network.role for network in self.networks}
        if roles is None:
            return have - {"features"}
        missing = sorted(set(roles) - have)
        if missing:
            raise UsageError(f"the judges '{self.name}' were loaded without: {', '.join(missing)}")
        return set(roles)

    def _see(
        self, image: Image, face: Detection | None, fallback: NDArray[np.floating] | None, wanted: set[str]
    ) -> FaceObservation:
        embedding: NDArray[np.float32] | None = None
        alignment: Alignment = "none"
        if self._identity is not None and "identity" in wanted:
            aligned, alignment = self._identity.align(image, face.points if face else None, fallback)
            embedding = self._identity.embed([aligned])[0]
        landmarks: Landmarks | None = None
        pose: Pose | None = None
        if face is not None:
            reads = self._pose is not None and "pose" in wanted and self._pose.needs_landmarks
            if self._landmarks is not None and ("landmarks" in wanted or reads):
                landmarks = self._landmarks.find(image, face)
            if self._pose is not None and "pose" in wanted:
                pose = self._pose.measure(image, face, landmarks)
        return FaceObservation(
            detected=face is not None,
            score=face.score if face else 0.0,
            points5=face.points if face else None,
            alignment=alignment,
            embedding=embedding,
            landmarks=landmarks if "landmarks" in wanted else None,
            pose=pose,
        )


def load_judges(
    name: JudgeSet, *, weights: Path | None = None, roles: Collection[str] | None = None, threads: int = 1
) -> Judges:
    """Load the judges of one set.

    Args:
        name: ``embedded``, ``open`` or ``standard``.
        weights: folder with weight files; else ``DGBENCH_WEIGHTS`` and the libraries' caches.
        roles: which of :data:`ROLES` to load; all by default. ``identity``, ``landmarks``, ``pose`` and
            ``features`` bring the detector that they need.
        threads: threads per network; changes the speed and not the numbers.

    Raises:
        UsageError: no such set or role, or a weight file of another content.
        MissingError: a weight file or package is not here; the message says how to get it.
    """
    if name not in JUDGE_SETS:
        raise UsageError(
            f"--judges {name}: no such set; the sets are {', '.join(JUDGE_SETS)}.{did_you_mean(name, list(JUDGE_SETS))}"
        )
    unknown = sorted(set(roles or ()) - set(ROLES))
    if unknown:
        raise UsageError(f"judges have no role {', '.join(unknown)}; the roles are {', '.join(ROLES)}")
    wanted = frozenset(ROLES if roles is None else roles)
    # Each set brings its own packages (onnxruntime, insightface, torch); only the chosen one is imported.
    load: Callable[[Path | None, frozenset[str], int], Judges]
    load = importlib.import_module(f"dgbench.networks.sets.{name}").load
    return load(weights, wanted, threads)


def _check(image: Image) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < 8:
        raise UsageError(
            f"judges observe uint8 RGB images of at least 8×8 px, got {image.dtype} of shape {image.shape}"
        )
