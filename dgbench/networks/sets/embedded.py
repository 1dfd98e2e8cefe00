"""The embedded set: this project's own small networks, shipped in the package; nothing to download."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from dgbench.networks.embedded.judges import (
    EmbeddedDetector,
    EmbeddedFeatures,
    EmbeddedIdentity,
    EmbeddedLandmarks,
)
from dgbench.networks.embedded.store import load_features, load_identity, load_landmarks
from dgbench.networks.judges import Judges
from dgbench.networks.pose import LandmarkPose

_Part = TypeVar("_Part")
#: Networks made ready in this process, by role and file: a suite of many runs exports each of them once.
_READY: dict[tuple[str, str], Any] = {}


def load(weights: Path | None, roles: frozenset[str], threads: int) -> Judges:
    """Load the embedded networks as far as ``roles`` needs them; ``weights`` is of no use here.

    The identity judge is ``identity-measure-2``; ``identity-train`` is left to training losses.
    """
    network, sha256 = load_landmarks()
    landmarks = EmbeddedLandmarks(sha256)
    identity, features = None, None
    if "identity" in roles:
        measure, of_identity = load_identity("identity-measure-2")
        identity = _once("identity", of_identity, lambda: EmbeddedIdentity(measure, "identity-measure-2", of_identity))
    if "features" in roles:
        whole, of_features = load_features()
        features = _once("features", of_features, lambda: EmbeddedFeatures(whole, of_features))
    return Judges(
        "embedded",
        detector=_once("detector", sha256, lambda: EmbeddedDetector(network, sha256)),
        identity=identity,
        landmarks=landmarks if roles & {"landmarks", "pose"} else None,
        pose=LandmarkPose(landmarks.network) if "pose" in roles else None,
        features=features,
    )


def _once(role: str, sha256: str, make: Callable[[], _Part]) -> _Part:
    if (role, sha256) not in _READY:
        _READY[role, sha256] = make()
    part: _Part = _READY[role, sha256]
    return part
