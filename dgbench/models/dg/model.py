"""The whole model: what inference needs in one module, what only training needs in another."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dgbench.core.digests import seed_of
from dgbench.models.dg.blocks import initialise
from dgbench.models.dg.config import DgConfig
from dgbench.models.dg.discriminators import Discriminators
from dgbench.models.dg.eyes import transfer_eyes
from dgbench.models.dg.generator import FaceGenerator
from dgbench.models.dg.idsg import IdentityClassifier, LandmarkDiscriminator, ShapeGenerator
from dgbench.models.dg.rasteriser import MapRasteriser
from dgbench.models.dg.style_encoder import FeatureStyle, StyleEncoder


class DgModel(nn.Module):
    """IDSG and RFG with the rasteriser between them: everything that reenacts."""

    def __init__(self, config: DgConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.shape = ShapeGenerator(config.idsg)
        self.face = FaceGenerator(config)
        self.style: StyleEncoder | FeatureStyle = FeatureStyle(config) if config.rfg.id_embed else StyleEncoder(config)
        self.rasteriser = MapRasteriser(config.map, config.size)
        for name in ("shape", "face", "style"):
            initialise(getattr(self, name), seed=seed_of("dg", name, seed))

    def target_landmarks(self, points: Tensor, visibility: Tensor, features: Tensor) -> Tensor:
        """Generate the source person's landmarks in the reference's pose and expression.

        Args:
            points: (B, 68, 3) reference landmarks as shares of the image side.
            visibility: (B, 68) of the reference; the target's is the same, the pose being the same.
            features: (B, feature_dim) of the source.

        Returns:
            (B, 68, 2 or 3) shares of the image side.
        """
        generated: Tensor = self.shape(points, visibility, features)
        return transfer_eyes(generated, points) if self.config.eye_transfer else generated

    def style_code(self, images: Tensor, features: Tensor) -> Tensor:
        """Style code (B, style_dim) of sources given as images (B, 3, S, S) in [0, 1] and features."""
        return self.style(features if isinstance(self.style, FeatureStyle) else images)

    def draw(
        self, landmarks: Tensor, visibility: Tensor, style: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Draw faces (B, 3, S, S) in [0, 1] from landmarks (B, 68, ≥2), visibility (B, 68) and style codes."""
        return self.face(self.rasteriser(landmarks, visibility), style, generator)


class Critics(nn.Module):
    """What only training needs: D_l, C_l, and the discriminators of the face generator.

    ``augment_probability`` is how often what the face's discriminators see is changed; training moves it.
    """

    augment_probability: Tensor

    def __init__(self, config: DgConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.landmark = LandmarkDiscriminator(config.idsg)
        self.identity = IdentityClassifier(config.idsg)
        self.face = Discriminators(config)
        self.register_buffer("augment_probability", torch.zeros((), dtype=torch.float64))
        for name in ("landmark", "identity", "face"):
            initialise(getattr(self, name), seed=seed_of("dg", "critic", name, seed))
