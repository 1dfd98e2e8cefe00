"""Two identity networks of different architecture: one to train with, one to measure with."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, grid_sample, normalize

from dgbench.networks.align import ARCFACE_TEMPLATE
from dgbench.networks.embedded.blocks import InvertedResidual, Residual, conv

IdentityName = Literal["identity-train", "identity-measure-2"]

#: Side of the crop of the network to train with, and length of both embeddings.
CROP = 64
DIMENSION = 128
#: The ArcFace template shrunk about the face's centre, so that the crop also holds hair line, jaw and ears.
TEMPLATE = torch.tensor((ARCFACE_TEMPLATE - 56.0) * (0.8 * CROP / 112.0) + [32.0, 31.0], dtype=torch.float32)


def align_batch(images: Tensor, points: Tensor, *, template: Tensor = TEMPLATE, size: int = CROP) -> Tensor:
    """Return crops of ``size`` aligned to ``template`` (5, 2), differentiable with respect to images and points.

    The similarity of least squares in closed form (rotation and scale as one complex number), fitted from the
    template to the image and so in the image's pixels, then bilinear sampling at twice the resolution, averaged,
    with black outside. An image whose face is more than twice as large as the crop's should be shrunk first.

    Args:
        images: (B, 3, H, W), any range whose black is 0.
        points: (B, 5, 2) pixels, x right and y down, the image's left upper corner at 0, in the order of the
            ArcFace template.

    Returns:
        (B, 3, size, size).
    """
    template = template.to(points)
    # From crop to image, which is the direction that sampling needs.
    source, target = template - template.mean(0), points - points.mean(1, keepdim=True)
    power = (source**2).sum()
    real = (source * target).sum((1, 2)) / power
    imaginary = (source[:, 0] * target[..., 1] - source[:, 1] * target[..., 0]).sum(1) / power
    linear = torch.stack([real, -imaginary, imaginary, real], dim=1).reshape(-1, 2, 2)
    shift = points.mean(1) - linear @ template.mean(0)
    return sample(images, torch.cat([linear, shift[..., None]], dim=2), size=size)


def sample(images: Tensor, matrices: Tensor, *, size: int) -> Tensor:
    """Return (B, C, size, size) views; ``matrices`` (B, 2, 3) map the view's pixels to the image's (corners at 0)."""
    height, width = images.shape[-2:]
    steps = (torch.arange(2 * size, device=images.device, dtype=matrices.dtype) + 0.5) / 2
    rows, columns = torch.meshgrid(steps, steps, indexing="ij")
    view = torch.stack([columns, rows, torch.ones_like(rows)], dim=-1).reshape(-1, 3)
    scale = torch.tensor([2.0 / width, 2.0 / height], device=images.device, dtype=matrices.dtype)
    grid = (view @ matrices.transpose(1, 2)) * scale - 1
    grid = grid.reshape(len(images), 2 * size, 2 * size, 2).to(images.dtype)
    fine = grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return avg_pool2d(fine, 2)


class IdentityMeasure(nn.Module):
    """The network that measures: ArcFace's own framing at 80 px, fine detail beside colour, global depthwise pooling.

    Its input has six planes: the colours, and the colours less their mean over 5×5 pixels, so that a smear with the
    right hair and skin lacks what the network looks for.
    """

    CROP = 80

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(conv(6, 24, stride=2), conv(24, 48, stride=2), Residual(48)),
            *(conv(48, 96, stride=2), Residual(96), Residual(96), conv(96, 160, stride=2), Residual(160)),
            conv(160, 256, kernel=1),
        )
        self.head = nn.Sequential(
            nn.Conv2d(256, 256, 5, groups=256, bias=False),
            *(nn.BatchNorm2d(256), nn.Flatten(), nn.Linear(256, DIMENSION)),
        )

    def forward(self, crops: Tensor) -> Tensor:
        """Embed (B, 3, 80, 80) RGB in 0..1, aligned to ArcFace's template; (B, 128) of unit length."""
        detail = crops - avg_pool2d(crops, 5, 1, 2, count_include_pad=False)
        value = torch.cat([crops * 2 - 1, detail * 4], 1)
        return normalize(self.head(self.body(value)), dim=1)


class IdentityTrain(nn.Module):
    """The network to train with: inverted residuals and global depthwise pooling (Chen et al. 2018)."""

    CROP = CROP

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(conv(3, 32, stride=2), conv(32, 48, stride=2), InvertedResidual(48), InvertedResidual(48)),
            *(conv(48, 96, stride=2), InvertedResidual(96), InvertedResidual(96), InvertedResidual(96)),
            *(conv(96, 160, stride=2), InvertedResidual(160), conv(160, 256, kernel=1)),
        )
        self.head = nn.Sequential(
            nn.Conv2d(256, 256, 4, groups=256, bias=False),
            *(nn.BatchNorm2d(256), nn.Flatten(), nn.Linear(256, DIMENSION), nn.BatchNorm1d(DIMENSION)),
        )

    def forward(self, crops: Tensor) -> Tensor:
        """Embed (B, 3, 64, 64) RGB in 0..1, aligned as :func:`align_batch` does; (B, 128) of unit length."""
        return normalize(self.head(self.body(crops * 2 - 1)), dim=1)


def identity_network(name: IdentityName) -> IdentityMeasure | IdentityTrain:
    """Return the untrained network of that name."""
    return IdentityTrain() if name == "identity-train" else IdentityMeasure()
