"""VGG-Face (Parkhi et al. 2015): fc7 as identity features, five early layers for the identity loss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from dgbench.core.errors import UsageError
from dgbench.core.face import Image, Landmarks
from dgbench.io.weights import find_weight
from dgbench.models.dg.encoder_contract import FaceEncoder
from dgbench.networks.torch_file import read_tensors

FILE = "vgg_face_dag.pth"
_BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
#: Mean of VGG-Face's own training images on the 0..255 scale (Albanie's conversion), as shares, with unit 1/255.
_PUBLISHED = ((129.186279296875 / 255, 104.76238250732422 / 255, 93.59396362304688 / 255), (1 / 255,) * 3)

Normalisation = Literal["published", "imagenet"]


class VggFace(nn.Module):
    """VGG-16 up to fc7, named as in the common weight file; ``width`` narrows it for tests."""

    def __init__(self, *, normalisation: Normalisation, width: float = 1.0, code: int = 4096) -> None:
        super().__init__()
        self.code = code
        channels = 3
        for block, (wide, layers) in enumerate(_BLOCKS, start=1):
            for layer in range(1, layers + 1):
                outputs = max(1, int(wide * width))
                self.add_module(f"conv{block}_{layer}", nn.Conv2d(channels, outputs, 3, padding=1))
                channels = outputs
        self.fc6 = nn.Linear(channels * 49, code)
        self.fc7 = nn.Linear(code, code)
        mean, scale = _IMAGENET if normalisation == "imagenet" else _PUBLISHED
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(scale).view(1, 3, 1, 1), persistent=False)
        self.mean: Tensor
        self.scale: Tensor

    def layers(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) RGB in [0, 1] → the first activation of each of the five blocks (relu1_1 … relu5_1)."""
        return self._convolve(images)[0]

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) RGB in [0, 1] → (B, 4096): fc7 after its ReLU."""
        return self.layers_and_code(images)[1]

    def layers_and_code(self, images: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return what :meth:`layers` and :meth:`forward` give, from one pass."""
        found, last = self._convolve(images)
        pooled = F.adaptive_avg_pool2d(last, 7).flatten(1)
        return found, F.relu(self.fc7(F.relu(self.fc6(pooled))))

    def _convolve(self, images: Tensor) -> tuple[list[Tensor], Tensor]:
        x = (images - self.mean) / self.scale
        first: list[Tensor] = []
        for block, (_, layers) in enumerate(_BLOCKS, start=1):
            for layer in range(1, layers + 1):
                x = F.relu(self.get_submodule(f"conv{block}_{layer}")(x))
                if layer == 1:
                    first.append(x)
            x = F.max_pool2d(x, 2)
        return first, x


def load_vgg_face(weights: Path | None, *, normalisation: Normalisation) -> VggFace:
    """Load ``vgg_face_dag.pth`` (a flat table of tensors), frozen.

    Raises:
        MissingError: the file is not here. UsageError: it is another file.
    """
    path = find_weight(FILE, folder=weights)
    with torch.device("meta"):
        network = VggFace(normalisation=normalisation)
    state = read_tensors(path)
    try:
        wanted = {name: state[name] for name in network.state_dict()}
        network = VggFace(normalisation=normalisation)
        network.load_state_dict(wanted)
    except (RuntimeError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: not the VGG-Face weights (conv1_1 … fc7 as plain tensors)") from error
    return network.requires_grad_(False).eval()


class VggFaceEncoder(FaceEncoder):
    """fc7 of VGG-Face on the whole source image, as the released code has it."""

    dimension = 4096

    def __init__(self, weights: Path | None, *, normalisation: Normalisation) -> None:
        self._network = load_vgg_face(weights, normalisation=normalisation)

    def encode(self, images: Sequence[Image], landmarks: Sequence[Landmarks | None]) -> NDArray[np.float32]:
        """See :meth:`FaceEncoder.encode`."""
        rows = []
        for image in images:
            x = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
            with torch.inference_mode():
                rows.append(self._network(x).numpy())
        return np.concatenate(rows) if rows else np.zeros((0, self.dimension), np.float32)
