"""The standard set: the networks that papers use, read from a folder or downloaded on first use."""

from __future__ import annotations

from pathlib import Path

from dgbench.io.weights import obtain_weight
from dgbench.networks.detector import Scrfd
from dgbench.networks.identity import ArcFaceR50
from dgbench.networks.inception import Inception
from dgbench.networks.judges import Judges
from dgbench.networks.landmarks import FaceAlignment3D
from dgbench.networks.pose import LandmarkPose


def load(weights: Path | None, roles: frozenset[str], threads: int) -> Judges:
    """Load SCRFD, ArcFace R50, face-alignment and the official Inception as far as ``roles`` needs them."""

    def path(name: str) -> Path:
        return obtain_weight(name, folder=weights)

    # Every path is looked up before any network is loaded, so that a missing file is known at once.
    needs_face = bool(roles & {"detector", "identity", "landmarks", "pose"})
    detector_file = path(Scrfd.FILE) if needs_face else None
    identity_file = path(ArcFaceR50.FILE) if "identity" in roles else None
    fan_files = tuple(path(name) for name in FaceAlignment3D.FILES) if roles & {"landmarks", "pose"} else None
    inception_file = path(Inception.FILE) if "features" in roles else None
    landmarks = FaceAlignment3D((fan_files[0], fan_files[1])) if fan_files else None
    return Judges(
        "standard",
        detector=Scrfd(detector_file, threads=threads) if detector_file else None,
        identity=ArcFaceR50(identity_file, threads=threads) if identity_file else None,
        landmarks=landmarks,
        pose=LandmarkPose(landmarks.network) if landmarks and "pose" in roles else None,
        features=Inception(inception_file, threads=threads) if inception_file else None,
    )
