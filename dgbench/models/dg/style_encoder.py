"""The style encoder E_s: source image → style code; or, in one variant, face features → style code."""

from __future__ import annotations

from torch import Tensor, nn

from dgbench.models.dg.blocks import SLOPE
from dgbench.models.dg.config import DgConfig
from dgbench.models.dg.trunk import Trunk


class StyleEncoder(nn.Module):
    """Source image → style code s_s."""

    def __init__(self, config: DgConfig) -> None:
        super().__init__()
        self.trunk = Trunk(config, channels_in=3)
        self.fc = nn.Linear(self.trunk.width, config.rfg.style_dim)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) RGB in [0, 1] → (B, style_dim)."""
        vector, _ = self.trunk(images)
        return self.fc(vector.flatten(1))


class FeatureStyle(nn.Module):
    """The ``id_embed`` variant: features of the frozen face encoder → style code."""

    def __init__(self, config: DgConfig) -> None:
        super().__init__()
        style_dim = config.rfg.style_dim
        self.layers = nn.Sequential(
            nn.Linear(config.rfg.id_embed_dim, style_dim), nn.LeakyReLU(SLOPE), nn.Linear(style_dim, style_dim)
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, id_embed_dim) → (B, style_dim)."""
        return self.layers(features)
