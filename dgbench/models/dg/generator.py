"""The reenacted face generator G_f: landmark map → face, with the identity entering by AdaIN alone."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dgbench.models.dg.blocks import SLOPE, AdaIN, AdainResBlk, InstanceNorm, ResBlk
from dgbench.models.dg.config import DgConfig

_MASKED_SIZES = (32, 64, 128)


class FaceGenerator(nn.Module):
    """Encoder of halving blocks down to about 16 pixels, four styled blocks there, doubling blocks back."""

    def __init__(self, config: DgConfig) -> None:
        super().__init__()
        rfg = config.rfg
        channels = config.base_channels
        levels = int(math.log2(config.size)) - 4 + int(rfg.high_pass)
        self.mask_features = rfg.mask_features
        self.stem = nn.Conv2d(3, channels, 3, padding=1)
        self.encoder = nn.ModuleList()
        rising: list[AdainResBlk] = []
        for _ in range(levels):
            wider = min(channels * 2, rfg.max_channels)
            self.encoder.append(ResBlk(channels, wider, normalise=True, halve=True))
            rising.insert(0, self._styled(wider, channels, config, doubles=True))
            channels = wider
        bottleneck = [self._styled(channels, channels, config, doubles=False) for _ in range(4)]
        self.decoder = nn.ModuleList([*bottleneck, *rising])
        self.head = self._head(config.base_channels, 3)
        self.head_style = AdaIN(config.base_channels, rfg.style_dim) if rfg.styled_head else None
        self.second_head = self._head(config.base_channels, 4) if rfg.second_head else None

    def forward(self, maps: Tensor, style: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw the face that a map shows.

        Args:
            maps: (B, 3, S, S) landmark maps.
            style: (B, style_dim) style codes of the sources.
            generator: the noise of the ``noise`` variant; unused otherwise.

        Returns:
            (B, 3, S, S) RGB in [0, 1].
        """
        x = self.stem(maps)
        for block in self.encoder:
            x = block(x)
        for block in self.decoder:
            x = block(x, style, generator)
            if self.mask_features and x.shape[2] in _MASKED_SIZES:
                x = x + F.interpolate(maps[:, :1], size=x.shape[2:], mode="bilinear")
        if self.head_style is None:
            x = self.head(x)
        else:
            _, activation, convolution = self.head
            x = convolution(activation(self.head_style(x, style)))
        # Half precision has too few steps for colours.
        return torch.sigmoid(x.float() if x.dtype in (torch.float16, torch.bfloat16) else x)

    @staticmethod
    def _styled(channels_in: int, channels_out: int, config: DgConfig, *, doubles: bool) -> AdainResBlk:
        rfg = config.rfg
        return AdainResBlk(
            channels_in,
            channels_out,
            style_dim=rfg.style_dim,
            doubles=doubles,
            noise=rfg.noise,
            add_shortcut=not rfg.high_pass,
        )

    @staticmethod
    def _head(channels: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(InstanceNorm(channels), nn.LeakyReLU(SLOPE), nn.Conv2d(channels, outputs, 1))
