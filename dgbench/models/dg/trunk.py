"""The convolutional trunk shared by the style encoder and the discriminators: stem, halving blocks, one wide conv."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional as F

from dgbench.models.dg.blocks import SLOPE, ResBlk, SelfAttention
from dgbench.models.dg.config import DgConfig

_ATTENTION_AFTER = 4


class Trunk(nn.Module):
    """Image → one vector: 3×3 stem, blocks without normalisation that halve down to 4 pixels, one valid conv.

    ``size`` below ``config.size`` (the half-scale discriminator) keeps the number of blocks and shrinks the last
    convolution, as the released code does.
    """

    def __init__(self, config: DgConfig, *, channels_in: int, size: int | None = None) -> None:
        super().__init__()
        blocks = int(math.log2(config.size)) - 2
        channels = config.base_channels
        self.stem = nn.Conv2d(channels_in, channels, 3, padding=1)
        self.blocks = nn.ModuleList()
        self.attention_at = _ATTENTION_AFTER if config.rfg.self_attention else -1
        self.attention: SelfAttention | None = None
        for index in range(blocks):
            wider = min(channels * 2, config.rfg.max_channels)
            self.blocks.append(ResBlk(channels, wider, normalise=False, halve=True))
            channels = wider
            if index + 1 == self.attention_at:
                self.attention = SelfAttention(channels)
        self.width = channels
        self.final = nn.Conv2d(channels, channels, (size or config.size) >> blocks)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(B, channels_in, S, S) → ((B, width, 1, 1) after the last activation, the output of every block)."""
        x = self.stem(x)
        levels: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            levels.append(x)
            if self.attention is not None and index + 1 == self.attention_at:
                x = self.attention(x)
        x = self.final(F.leaky_relu(x, SLOPE))
        return F.leaky_relu(x, SLOPE), levels
