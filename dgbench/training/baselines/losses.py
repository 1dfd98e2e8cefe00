"""What a method's perceptual loss looks at where VGG-19 is not at hand, and what a record says of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dgbench.core.digests import sha256_bytes, sha256_file
from dgbench.core.errors import UsageError
from dgbench.io.atomic import write_bytes
from dgbench.io.weights import find_weight

CHOICES = ("identity-train", "pixels", "vgg19")
VGG19 = "vgg19-dcbb9e9d.pth"
#: Layers of the embedded network that are compared: half, quarter and eighth of the side.
TAPS = (0, 1, 3, 4, 7)


@dataclass(frozen=True)
class PerceptualLoss:
    """What the launcher is given as ``--perceptual``, the digest of what is behind it, and what it replaces."""

    argument: str
    sha256: str | None
    substitution: str


def perceptual_loss(name: str, *, out: Path, weights: Path | None) -> PerceptualLoss:
    """Make ready one of :data:`CHOICES`; ``identity-train`` is written into ``out`` for the launcher to read.

    Raises:
        UsageError: no such choice. MissingError: VGG-19's weights are not in the folder of weights.
    """
    if name == "identity-train":
        from dgbench.networks.embedded.store import load_identity
        from dgbench.training.baselines.perceptual import exported_network

        data = exported_network(load_identity("identity-train")[0].eval().body, taps=TAPS)
        path = out / "perceptual.npz"
        write_bytes(path, data)
        instead = "the image and five activations of dgbench's identity-train network instead of VGG-19"
        return PerceptualLoss(f"network:{path.resolve()}", sha256_bytes(data), instead)
    if name == "pixels":
        instead = "the image, its gradients and its means over 2, 4 and 8 pixels instead of VGG-19"
        return PerceptualLoss("pixels", None, instead)
    if name == "vgg19":
        path = find_weight(VGG19, folder=weights, sha256="dcbb9e9d")
        return PerceptualLoss(f"vgg19:{path.resolve()}", sha256_file(path), "")
    raise UsageError(f"--perceptual '{name}': choose one of {', '.join(CHOICES)}")
