"""The differentiable landmark network: 68 points with depth and visibility, and whether there is a face at all."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from dgbench.networks.embedded.blocks import Residual, conv

#: Side of the image that the network itself sees.
VIEW = 64
LandmarkName = Literal["landmarks", "landmarks-train"]
#: Channels at 1/2, 1/4 and 1/8 of the side: the network that measures is wider than the one to train with.
WIDTHS: dict[LandmarkName, tuple[int, int, int]] = {"landmarks": (32, 48, 96), "landmarks-train": (24, 40, 80)}
_MAP = 16
_CHANNELS = 64


class LandmarkOutput(NamedTuple):
    """What the network says of a batch.

    Attributes:
        points: (B, 68, 3); x, y in 0..1 of the image's width and height (pixel edges, not centres), z in the same
            unit with mean zero, + away from the viewer.
        visibility: (B, 68) logits.
        face: (B,) logit of there being one face that fills a good part of the image.
    """

    points: Tensor
    visibility: Tensor
    face: Tensor


class LandmarkNet(nn.Module):
    """Heat maps of 16×16 with a soft maximum for x and y (Sun et al. 2018, "Integral human pose"), a head for the rest.

    Points may lie a little outside the image: the maps' coordinates reach a quarter of a side beyond each edge.
    """

    def __init__(self, name: LandmarkName = "landmarks") -> None:
        super().__init__()
        first, near, far = WIDTHS[name]
        self.stem = nn.Sequential(conv(3, first, stride=2), conv(first, near, stride=2), Residual(near))
        self.deep = nn.Sequential(conv(near, far, stride=2), Residual(far), Residual(far))
        self.lateral = nn.Conv2d(near, _CHANNELS, 1)
        self.down = nn.Conv2d(far, _CHANNELS, 1)
        self.merge = nn.Sequential(nn.ReLU(), conv(_CHANNELS, _CHANNELS))
        self.maps = nn.Conv2d(_CHANNELS, 68, 1)
        self.summary = nn.Sequential(conv(far, 48, stride=2), nn.Flatten(), nn.Linear(48 * 16, 160), nn.ReLU())
        self.rest = nn.Linear(160 + 136, 68 + 68)
        self.face = nn.Linear(160, 1)
        cells = (torch.arange(_MAP, dtype=torch.float32) + 0.5) / _MAP * 1.5 - 0.25
        self.register_buffer("cells", cells, persistent=False)
        self.cells: Tensor

    def forward(self, images: Tensor) -> LandmarkOutput:
        """Find the landmarks.

        Args:
            images: (B, 3, H, W) RGB in 0..1, H and W from 32 up; shrunk to 64×64 with antialiasing where larger.
        """
        if images.shape[-2:] != (VIEW, VIEW):
            images = interpolate(images, (VIEW, VIEW), mode="bilinear", align_corners=False, antialias=True)
        near = self.stem(images * 2 - 1)
        far = self.deep(near)
        merged = self.merge(self.lateral(near) + interpolate(self.down(far), scale_factor=2.0, mode="nearest"))
        weights = self.maps(merged).flatten(2).softmax(2).unflatten(2, (_MAP, _MAP))
        x, y = (weights.sum(2) * self.cells).sum(2), (weights.sum(3) * self.cells).sum(2)
        summary = self.summary(far)
        rest = self.rest(torch.cat([summary, x - x.mean(1, keepdim=True), y - y.mean(1, keepdim=True)], 1))
        depth, visibility = rest.split(68, dim=1)
        depth = depth - depth.mean(1, keepdim=True)
        return LandmarkOutput(torch.stack([x, y, depth], 2), visibility, self.face(summary)[:, 0])
