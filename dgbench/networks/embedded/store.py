"""Load and save the embedded networks' weights: safetensors in half precision, shipped inside the package."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import TypeVar

from torch import nn

from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import MissingError, UsageError
from dgbench.io.atomic import write_bytes
from dgbench.networks.embedded.feature_net import FeatureNet
from dgbench.networks.embedded.identity_nets import IdentityMeasure, IdentityName, IdentityTrain, identity_network
from dgbench.networks.embedded.landmark_net import LandmarkName, LandmarkNet

Network = TypeVar("Network", bound=nn.Module)
NAMES: tuple[str, ...] = ("identity-train", "identity-measure-2", "landmarks-train", "landmarks", "features")


def weight_bytes(name: str, *, folder: Path | None = None) -> bytes:
    """Return the weight file ``<name>.safetensors`` of the package, or of ``folder``.

    Raises:
        MissingError: the file is not there.
    """
    if folder is not None:
        path = folder / f"{name}.safetensors"
        if path.is_file():
            return path.read_bytes()
    else:
        resource = files("dgbench.networks").joinpath("weights", f"{name}.safetensors")
        if resource.is_file():
            with as_file(resource) as path:
                return path.read_bytes()
    place = folder if folder is not None else "the package"
    raise MissingError(
        f"{name}.safetensors is not in {place}; install dgbench again, or train it: "
        "python -m dgbench.training.judges.train --out FOLDER"
    )


def fill(network: Network, data: bytes, *, name: str) -> Network:
    """Put weights into ``network``, frozen and in evaluation mode.

    Raises:
        UsageError: the bytes are not safetensors, or are those of another network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(data)
    except SafetensorError as error:
        raise UsageError(f"{name}.safetensors is damaged ({error}); install dgbench again") from error
    wide = {key: value.float() if value.is_floating_point() else value for key, value in tensors.items()}
    try:
        network.load_state_dict(wide)
    except RuntimeError as error:
        raise UsageError(f"{name}.safetensors holds another network's weights; install dgbench again") from error
    return network.requires_grad_(False).eval()


def save(network: nn.Module, path: Path, *, metadata: dict[str, str]) -> None:
    """Write a network's weights, matrices in half precision, atomically; equal weights give equal bytes."""
    from safetensors.torch import save as pack

    state = network.state_dict()
    # Counters of batches seen belong to training.
    kept = {key: value for key, value in sorted(state.items()) if not key.endswith("num_batches_tracked")}
    # Vectors (the batch norms' moments among them) are few and keep their precision.
    packed = {key: (value.half() if value.ndim > 1 else value.float()).contiguous() for key, value in kept.items()}
    write_bytes(path, pack(packed, metadata=metadata))


def load_identity(name: IdentityName, *, folder: Path | None = None) -> tuple[IdentityMeasure | IdentityTrain, str]:
    """Return the identity network ``identity-train`` or ``identity-measure-2`` and its file's sha256."""
    data = weight_bytes(name, folder=folder)
    return fill(identity_network(name), data, name=name), sha256_bytes(data)


def load_landmarks(name: LandmarkName = "landmarks", *, folder: Path | None = None) -> tuple[LandmarkNet, str]:
    """Return the landmark network that judges, or ``landmarks-train`` for losses, and its file's sha256.

    Gradients flow through it to the image.
    """
    data = weight_bytes(name, folder=folder)
    return fill(LandmarkNet(name), data, name=name), sha256_bytes(data)


def load_features(*, folder: Path | None = None) -> tuple[FeatureNet, str]:
    """Return the feature network and its file's sha256."""
    data = weight_bytes("features", folder=folder)
    return fill(FeatureNet(), data, name="features"), sha256_bytes(data)
