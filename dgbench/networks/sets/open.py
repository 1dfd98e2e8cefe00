"""The open set: openly licensed ONNX files for every role."""

from __future__ import annotations

from pathlib import Path

from dgbench.io.weights import find_weight
from dgbench.networks.detector import YuNet
from dgbench.networks.features import IdentityFeatures
from dgbench.networks.identity import MobileFaceNet
from dgbench.networks.judges import Judges
from dgbench.networks.landmarks import MediaPipeMesh
from dgbench.networks.pose import FsaNet


def load(weights: Path | None, roles: frozenset[str], threads: int) -> Judges:
    """Load YuNet, MobileFaceNet, MediaPipe's mesh and FSA-Net as far as ``roles`` needs them."""

    def path(name: str) -> Path:
        return find_weight(name, folder=weights)

    # Every path is looked up before any network is loaded, so that a missing file is known at once.
    files = {YuNet.FILE: path(YuNet.FILE)}
    if roles & {"identity", "features"}:
        files[MobileFaceNet.FILE] = path(MobileFaceNet.FILE)
    if "landmarks" in roles:
        files[MediaPipeMesh.FILE] = path(MediaPipeMesh.FILE)
    if "pose" in roles:
        files.update({name: path(name) for name in FsaNet.FILES})
    detector = YuNet(files[YuNet.FILE], threads=threads)
    identity = MobileFaceNet(files[MobileFaceNet.FILE], threads=threads) if MobileFaceNet.FILE in files else None
    return Judges(
        "open",
        detector=detector,
        identity=identity if "identity" in roles else None,
        landmarks=MediaPipeMesh(files[MediaPipeMesh.FILE], threads=threads) if "landmarks" in roles else None,
        pose=FsaNet((files[FsaNet.FILES[0]], files[FsaNet.FILES[1]]), threads=threads) if "pose" in roles else None,
        features=IdentityFeatures(detector, identity, dimension=128) if identity and "features" in roles else None,
    )
