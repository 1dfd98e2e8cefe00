"""The feature network of ``fd[synthface]``: what a whole image looks like, face, hair, light and backdrop alike."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from dgbench.networks.embedded.blocks import Residual, conv

VIEW = 64
DIMENSION = 192


class FeatureNet(nn.Module):
    """A small residual network over whole frames; its mean-pooled last maps are the features.

    It was trained to tell from them who is in the picture, the head's pose, the landmarks, the light, the colours
    of regions and whether the picture was damaged, so that a change of any of these moves the features. A fixed
    linear map (``calibrate``, set once after training) then brings their directions to similar spread over clean
    frames: without it the brightness of the backdrop would outweigh everything else in a Fréchet distance.
    """

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(conv(3, 24, stride=2), conv(24, 48, stride=2), Residual(48)),
            *(conv(48, 96, stride=2), Residual(96)),
            *(conv(96, DIMENSION, stride=2), nn.Conv2d(DIMENSION, DIMENSION, 3, 1, 1)),
        )
        self.calibrate = nn.Linear(DIMENSION, DIMENSION)
        self.calibrate.weight.data, self.calibrate.bias.data = torch.eye(DIMENSION), torch.zeros(DIMENSION)
        self.calibrate.requires_grad_(requires_grad=False)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, 3, H, W) RGB in 0..1 to (B, 192), shrunk to 64×64 with antialiasing where larger."""
        if images.shape[-2:] != (VIEW, VIEW):
            images = interpolate(images, (VIEW, VIEW), mode="bilinear", align_corners=False, antialias=True)
        features: Tensor = self.calibrate(self.body(images * 2 - 1).mean((2, 3)))
        return features
