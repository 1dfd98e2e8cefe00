"""The RFG's discriminators: D_f judges the face, D_s whether face and landmark map agree; and the released pair."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dgbench.models.dg.config import DgConfig
from dgbench.models.dg.trunk import Trunk


class Discriminator(nn.Module):
    """Trunk and one logit; ``channels_in`` 3 sees the image (D_f), 6 sees image and map (D_s)."""

    def __init__(self, config: DgConfig, *, channels_in: int, size: int | None = None) -> None:
        super().__init__()
        self.channels_in = channels_in
        self.halve_input = size is not None and size < config.size
        self.trunk = Trunk(config, channels_in=channels_in, size=size)
        self.logit = nn.Conv2d(self.trunk.width, 1, 1)

    def forward(self, images: Tensor, maps: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Judge images.

        Args:
            images: (B, 3, S, S) in [0, 1].
            maps: (B, 3, S, S); ignored by a discriminator that sees the image alone.

        Returns:
            (B,) logits, + for real; the outputs of the blocks, for feature matching.
        """
        x = images if self.channels_in == 3 else torch.cat([images, maps], dim=1)
        if self.halve_input:
            x = F.avg_pool2d(x, 2)
        vector, levels = self.trunk(x)
        return self.logit(vector).flatten(), levels


class Discriminators(nn.Module):
    """All discriminators of one configuration, asked together.

    ``joint`` tells that their logits are added before one loss (the released two-scale pair) and not judged
    one by one.
    """

    def __init__(self, config: DgConfig) -> None:
        super().__init__()
        kind = config.rfg.discriminators
        self.joint = kind == "pix2pix"
        members: dict[str, Discriminator] = {}
        if kind == "face+shape":
            members["face"] = Discriminator(config, channels_in=3)
        members["shape"] = Discriminator(config, channels_in=6)
        if kind == "pix2pix":
            members["shape_half"] = Discriminator(config, channels_in=6, size=config.size // 2)
        self.members = nn.ModuleDict(members)

    def forward(self, images: Tensor, maps: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return the (B,) logits to be judged, and all block outputs in a fixed order."""
        logits: list[Tensor] = []
        levels: list[Tensor] = []
        for name in self.members:
            one, inner = self.members[name](images, maps)
            logits.append(one)
            levels.extend(inner)
        if self.joint:
            logits = [torch.stack(logits).sum(dim=0)]
        return logits, levels
