"""Frozen networks that know photographs, for the losses: 3DDFA_V2's landmark branch and ArcFace's residual networks.

Both are read from their authors' files of tensors; neither is among the judges.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dgbench.core.errors import UsageError
from dgbench.io.weights import find_weight
from dgbench.networks.align import ARCFACE_TEMPLATE
from dgbench.networks.embedded.identity_nets import align_batch, sample
from dgbench.networks.torch_file import read_tensors

#: 3DDFA_V2's small regressor (Guo et al. 2020), MIT.
LANDMARK_FILE = "mb05_120x120.pth"
#: A backbone of insightface's arcface_torch, of any depth.
IDENTITY_FILE = "arcface_backbone.pth"
_VIEW = 120
#: Block → stride of its depthwise convolution.
_STRIDES = {
    "dw2_1": 1, "dw2_2": 2, "dw3_1": 1, "dw3_2": 2, "dw4_1": 1, "dw4_2": 2, "dw5_1": 1, "dw5_2": 1, "dw5_3": 1,
    "dw5_4": 1, "dw5_5": 1, "dw5_6": 2, "dw6": 1,
}  # fmt: skip
_WIDTHS = (16, 32, 64, 64, 128, 128, 256, 256, 256, 256, 256, 256, 512, 512)


class _Depthwise(nn.Module):
    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(channels_in, channels_in, 3, stride, 1, groups=channels_in, bias=False)
        self.bn_dw = nn.BatchNorm2d(channels_in)
        self.conv_sep = nn.Conv2d(channels_in, channels_out, 1, bias=False)
        self.bn_sep = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn_dw(self.conv_dw(x)))
        return F.relu(self.bn_sep(self.conv_sep(x)))


class LandmarkRegressor(nn.Module):
    """3DDFA_V2's MobileNet of half width, down to its branch of 68 points (its 3DMM branch is left out)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, _WIDTHS[0], 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(_WIDTHS[0])
        for index, (name, stride) in enumerate(_STRIDES.items()):
            self.add_module(name, _Depthwise(_WIDTHS[index], _WIDTHS[index + 1], stride))
        self.fc_lm = nn.Linear(_WIDTHS[-1], 136)

    def forward(self, crops: Tensor) -> Tensor:
        """(B, 3, 120, 120) BGR, (v - 127.5) / 128 → (B, 68, 2) in [-1, 1] of the crop, x right and y down."""
        x = F.relu(self.bn1(self.conv1(crops)))
        for name in _STRIDES:
            x = self.get_submodule(name)(x)
        return self.fc_lm(x.mean(dim=(2, 3))).view(-1, 2, 68).transpose(1, 2)


class PhotographFinder:
    """Landmarks of a photograph, differentiable, from a crop about where they are wanted."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network

    def __call__(self, images: Tensor, points: Tensor) -> Tensor:
        """Return (B, 68, 2) shares of the side of (B, 3, S, S) images in [0, 1].

        The crop is 3DDFA's: a square about the wanted points' box, as wide as the box's diagonal.
        """
        with torch.autocast(images.device.type, enabled=False):
            size = images.shape[-1]
            low, high = (points[..., :2].detach().float().amin(1), points[..., :2].detach().float().amax(1))
            centre = (low + high) / 2
            side = (high - low).amax(dim=1, keepdim=True) * math.sqrt(2)
            scale = (side * size / _VIEW)[..., None] * torch.eye(2, device=images.device)
            shift = (centre - side / 2) * size
            crops = sample(images.float(), torch.cat([scale, shift[..., None]], dim=2), size=_VIEW)
            found = self._network.to(images.device)((crops.flip(1) * 255 - 127.5) / 128)
            result: Tensor = centre[:, None] + found / 2 * side[:, None]
        return result


class _Residual(nn.Module):
    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.prelu = nn.PReLU(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels_out)
        self.downsample: nn.Module | None = None
        if stride != 1:
            shortcut = nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(channels_out))

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x)))))
        along: Tensor = x if self.downsample is None else self.downsample(x)
        result: Tensor = self.bn3(inner) + along
        return result


class ArcFaceResNet(nn.Module):
    """The improved residual network of ArcFace (Deng et al. 2019), as insightface's arcface_torch names it.

    Args:
        depths: residual blocks of the four layers; (3, 4, 14, 3) is R50.
        width: channels of the first layer.
        code: length of the embedding.
    """

    def __init__(self, depths: tuple[int, ...], *, width: int = 64, code: int = 512) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1, self.prelu = nn.BatchNorm2d(width), nn.PReLU(width)
        channels = width
        for index, depth in enumerate(depths):
            wide = width * 2**index
            blocks = [_Residual(channels if n == 0 else wide, wide, 2 if n == 0 else 1) for n in range(depth)]
            self.add_module(f"layer{index + 1}", nn.Sequential(*blocks))
            channels = wide
        self.bn2 = nn.BatchNorm2d(channels)
        self.fc = nn.Linear(channels * 49, code)
        self.features = nn.BatchNorm1d(code)

    def forward(self, crops: Tensor) -> Tensor:
        """(B, 3, 112, 112) RGB in [0, 1], aligned to the ArcFace template → (B, code)."""
        x = self.prelu(self.bn1(self.conv1(crops * 2 - 1)))
        for index in range(1, 5):
            x = self.get_submodule(f"layer{index}")(x)
        code: Tensor = self.features(self.fc(self.bn2(x).flatten(1)))
        return code


class AlignedIdentity:
    """Embeddings of the face aligned to the ArcFace template by its landmarks."""

    _SIDE = 112

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._template = torch.tensor(ARCFACE_TEMPLATE, dtype=torch.float32)

    def embedding(self, images: Tensor, points: Tensor) -> Tensor:
        """See :class:`dgbench.training.dg.frozen.Embedder`; unit vectors."""
        from dgbench.training.dg.frozen import five_of

        five = five_of(points).float() * images.shape[-1]
        crops = align_batch(images, five, template=self._template, size=self._SIDE)
        return F.normalize(self._network.to(images.device)(crops), dim=1)


def load_landmark_regressor(weights: Path | None) -> LandmarkRegressor:
    """Load ``mb05_120x120.pth``, frozen.

    Raises:
        MissingError: the file is not here. UsageError: it is another file.
    """
    path = find_weight(LANDMARK_FILE, folder=weights)
    state = _tensors(path)
    network = LandmarkRegressor()
    wanted = {name: tensor for name, tensor in state.items() if not name.startswith("fc_param.")}
    return _filled(network, wanted, path=path, what="3DDFA_V2's regressor")


def load_arcface(weights: Path | None) -> ArcFaceResNet:
    """Load ``arcface_backbone.pth``: an arcface_torch backbone of any depth, frozen.

    Raises:
        MissingError: the file is not here. UsageError: it is another file.
    """
    path = find_weight(IDENTITY_FILE, folder=weights)
    state = _tensors(path)
    blocks = [{int(m[2]) for name in state if (m := re.match(rf"(layer{n})\.(\d+)\.", name))} for n in range(1, 5)]
    if not all(blocks) or "fc.weight" not in state or "conv1.weight" not in state:
        raise UsageError(f"{path}: not a backbone of arcface_torch (conv1, layer1 to layer4, fc, features)")
    depths = tuple(len(found) for found in blocks)
    network = ArcFaceResNet(depths, width=len(state["conv1.weight"]), code=len(state["fc.weight"]))
    return _filled(network, state, path=path, what="a backbone of arcface_torch")


def _tensors(path: Path) -> dict[str, Tensor]:
    held: Any = read_tensors(path)
    if isinstance(held, dict) and isinstance(held.get("state_dict"), dict):
        held = held["state_dict"]
    if not isinstance(held, dict) or not all(isinstance(value, Tensor) for value in held.values()):
        raise UsageError(f"{path}: holds something else than a table of tensors")
    return {str(name).removeprefix("module."): value for name, value in held.items()}


def _filled(network: Any, state: dict[str, Tensor], *, path: Path, what: str) -> Any:
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise UsageError(f"{path}: not {what}; give the authors' file") from error
    return network.requires_grad_(False).eval()
