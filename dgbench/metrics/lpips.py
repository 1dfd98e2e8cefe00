"""LPIPS: distance in weighted AlexNet features, where the user gives the two networks' weights in one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dgbench.core.card import JudgeNetwork, MetricCard
from dgbench.core.digests import sha256_file
from dgbench.core.errors import UsageError
from dgbench.core.face import Failure, Image
from dgbench.io.weights import find_weight
from dgbench.metrics.contract import Judges, PairMetric, PairView
from dgbench.metrics.pixels import compared_images

#: torchvision's ``alexnet`` tensors (features.*) and LPIPS 0.1's linear layers (lin*.model.1.weight), one file.
FILE = "lpips-alexnet.safetensors"
#: Position in torchvision's ``features`` → (stride, padding, whether a 3x3 stride-2 max pool stands before it).
LAYERS: dict[int, tuple[int, int, bool]] = {
    0: (4, 2, False),
    3: (1, 2, True),
    6: (1, 1, True),
    8: (1, 1, False),
    10: (1, 1, False),
}
SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
CAP = 1.0


def load(weights: Path | None) -> Lpips:
    """Load the metric with its weights from a folder.

    Raises:
        MissingError: the file is not here. UsageError: a tensor is missing in it.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = find_weight(FILE, folder=weights)
    try:
        state = load_file(path)
    except SafetensorError as error:
        raise UsageError(f"{path}: is not a safetensors file ({error})") from error
    needed = [f"features.{i}.{kind}" for i in LAYERS for kind in ("weight", "bias")]
    needed += [f"lin{number}.model.1.weight" for number in range(len(LAYERS))]
    missing = [name for name in needed if name not in state]
    if missing:
        raise UsageError(
            f"{path}: lacks {missing[0]}; it must hold AlexNet's features.* and LPIPS's lin*.model.1.weight"
        )
    return Lpips(state, sha256_file(path))


def card(sha256: str) -> MetricCard:
    """Return the card with the weights' digest."""
    return MetricCard(
        name="lpips",
        version=1,
        title="LPIPS (AlexNet)",
        definition=(
            "Zhang et al. 2018: features after each ReLU of AlexNet's five convolutions, normalised over channels; "
            "squared differences weighted by the learned linear layers, averaged over positions, summed over layers. "
            "RGB on [-1, 1], at the image's own size. A value above 1 is read as 1."
        ),
        direction="lower",
        level="pair",
        floor=CAP,
        failure_rule="a pair without a generated image of the target's size scores 1",
        needs_target=True,
        judges=(JudgeNetwork(role="perceptual", name="lpips-alexnet", sha256=sha256),),
        parameters={"cap": CAP, "version": "0.1"},
    )


class Lpips(PairMetric):
    """LPIPS of generated and target."""

    valid_range = (0.0, CAP)
    images = frozenset({"target"})
    smallest_side = 63

    @classmethod
    def card_by(cls, name: str, networks: Sequence[JudgeNetwork]) -> MetricCard:
        """Return the card without the digest of the network, which is not loaded for it."""
        return card("")

    @classmethod
    def make(cls, name: str, judges: Judges | None, *, weights: Path | None = None) -> Lpips:
        """Load the metric with its network."""
        return load(weights)

    def __init__(self, state: dict[str, Any], sha256: str) -> None:
        super().__init__(card(sha256))
        self._state = state

    def score(self, view: PairView) -> float | Failure:
        """Return the distance of the pair, in 0..1."""
        images = compared_images(view)
        if isinstance(images, Failure):
            return images
        if min(images[0].shape[:2]) < self.smallest_side:
            least = f"AlexNet needs at least {self.smallest_side} px a side"
            return Failure("wrong-size", f"{least}, got {images[0].shape[:2]}")
        return min(self.distance(*images), CAP)

    def distance(self, first: Image, second: Image) -> float:
        """Return the LPIPS distance, not capped, of two uint8 HWC RGB images of one shape."""
        import torch
        from torch.nn import functional

        shift, scale = (torch.tensor(values).view(1, 3, 1, 1) for values in (SHIFT, SCALE))
        stack = torch.from_numpy(np.stack([first, second])).permute(0, 3, 1, 2).float()
        value = (stack / 127.5 - 1 - shift) / scale
        total = 0.0
        with torch.inference_mode():
            for number, (position, (stride, padding, pooled)) in enumerate(LAYERS.items()):
                if pooled:
                    value = functional.max_pool2d(value, 3, 2)
                weight, bias = (self._state[f"features.{position}.{kind}"] for kind in ("weight", "bias"))
                value = functional.relu(functional.conv2d(value, weight, bias, stride=stride, padding=padding))
                unit = value / (value.pow(2).sum(dim=1, keepdim=True).sqrt() + 1e-10)
                squared = (unit[:1] - unit[1:]).pow(2)
                weighted = functional.conv2d(squared, self._state[f"lin{number}.model.1.weight"])
                total += float(weighted.double().mean())
        return total
