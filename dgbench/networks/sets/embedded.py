"""The embedded set: this project's own small networks, shipped in the package; nothing to download."""

from __future__ import annotations

from pathlib import Path

from dgbench.networks.embedded.judges import (
    EmbeddedDetector,
    EmbeddedFeatures,
    EmbeddedIdentity,
    EmbeddedLandmarks,
)
from dgbench.networks.embedded.store import load_features, load_identity, load_landmarks
from dgbench.networks.judges import Judges
from dgbench.networks.pose import LandmarkPose


def load(weights: Path | None, roles: frozenset[str], threads: int) -> Judges:
    """Load the embedded networks as far as ``roles`` needs them; ``weights`` is of no use here.

    The identity judge is ``identity-measure``; ``identity-train`` is left to training losses.
    """
    network, sha256 = load_landmarks()
    landmarks = EmbeddedLandmarks(sha256)
    identity = None
    if "identity" in roles:
        measure, identity_sha256 = load_identity("identity-measure")
        identity = EmbeddedIdentity(measure, "identity-measure", identity_sha256)
    return Judges(
        "embedded",
        detector=EmbeddedDetector(network, sha256),
        identity=identity,
        landmarks=landmarks if roles & {"landmarks", "pose"} else None,
        pose=LandmarkPose(landmarks.network) if "pose" in roles else None,
        features=EmbeddedFeatures(*load_features()) if "features" in roles else None,
    )
