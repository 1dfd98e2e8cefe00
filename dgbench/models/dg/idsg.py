"""The identity-specific shape generator: landmark encoder E_l, decoder R_l, discriminator D_l, classifier C_l."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from dgbench.models.dg.blocks import SLOPE
from dgbench.models.dg.config import IdsgConfig


class Perceptron(nn.Module):
    """``depth`` × [linear, leaky ReLU] and one linear layer: the body of all four networks."""

    def __init__(self, inputs: int, outputs: int, *, hidden: int, depth: int) -> None:
        super().__init__()
        widths = [inputs, *[hidden] * depth, outputs]
        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in itertools.pairwise(widths)])

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) → (B, outputs), no activation after the last layer."""
        for layer in self.layers[:-1]:
            x = nn.functional.leaky_relu(layer(x), SLOPE)
        return self.layers[-1](x)


class LandmarkEncoder(Perceptron):
    """E_l: landmark vector (with visibilities, in ``paper``) → action code γ."""

    def __init__(self, config: IdsgConfig) -> None:
        super().__init__(config.input_dim, config.code_dim, hidden=config.hidden, depth=config.depth)


class LandmarkDecoder(nn.Module):
    """R_l: action code and identity code → landmark vector. x, y by a sigmoid, z by half a hyperbolic tangent."""

    def __init__(self, config: IdsgConfig) -> None:
        super().__init__()
        self.dims = len(config.coordinates)
        self.body = Perceptron(
            config.code_dim + config.feature_dim,
            config.shape_dim,
            hidden=config.decoder_hidden,
            depth=config.depth,
        )

    def forward(self, code: Tensor, features: Tensor) -> Tensor:
        """(B, code_dim), (B, feature_dim) → (B, shape_dim); x, y in (0, 1), z in (-0.5, 0.5), of the image side."""
        raw = self.body(torch.cat([code, features], dim=1))
        if self.dims == 2:
            return torch.sigmoid(raw)
        points = raw.view(-1, 68, 3)
        return torch.cat([torch.sigmoid(points[..., :2]), torch.tanh(points[..., 2:]) / 2], dim=2).flatten(1)

    @torch.no_grad()
    def start_at(self, mean_shape: Tensor) -> None:
        """Set the last bias so that an untrained decoder draws ``mean_shape`` (shape_dim,); ours, saves steps."""
        points = mean_shape.view(68, self.dims)
        bias = torch.logit(points[:, :2].clamp(1e-3, 1 - 1e-3))
        if self.dims == 3:
            bias = torch.cat([bias, torch.atanh((2 * points[:, 2:]).clamp(-0.999, 0.999))], dim=1)
        last = self.body.layers[-1]
        assert isinstance(last, nn.Linear)
        last.bias.copy_(bias.flatten())


class LandmarkDiscriminator(Perceptron):
    """D_l: landmark vector → one logit, + for real. Sees no condition."""

    def __init__(self, config: IdsgConfig) -> None:
        super().__init__(config.shape_dim, 1, hidden=config.hidden, depth=config.depth)

    def forward(self, x: Tensor) -> Tensor:
        """(B, shape_dim) → (B,)."""
        return super().forward(x).squeeze(1)


class IdentityClassifier(Perceptron):
    """C_l: landmark vector → one score per training person."""

    def __init__(self, config: IdsgConfig) -> None:
        super().__init__(config.shape_dim, config.classes, hidden=config.hidden, depth=config.depth)
        self.squash = config.sigmoid_classifier

    def forward(self, x: Tensor) -> Tensor:
        """(B, shape_dim) → (B, classes): logits, or sigmoids where the released code's quirk is asked for."""
        scores = super().forward(x)
        return torch.sigmoid(scores) if self.squash else scores


class ShapeGenerator(nn.Module):
    """E_l and R_l together, with the training statistics that centre and scale the identity code."""

    feature_mean: Tensor
    feature_scale: Tensor

    def __init__(self, config: IdsgConfig) -> None:
        super().__init__()
        self.landmark_encoder = LandmarkEncoder(config)
        self.landmark_decoder = LandmarkDecoder(config)
        self.register_buffer("feature_mean", torch.zeros(config.feature_dim))
        self.register_buffer("feature_scale", torch.ones(config.feature_dim))

    def encode(self, landmarks: Tensor) -> Tensor:
        """Reference landmark input (B, input_dim) → action code γ (B, code_dim)."""
        return self.landmark_encoder(landmarks)

    def decode(self, code: Tensor, features: Tensor) -> Tensor:
        """Action code and source features (B, feature_dim) → landmark vector (B, shape_dim)."""
        return self.landmark_decoder(code, (features - self.feature_mean) * self.feature_scale)

    def forward(self, landmarks: Tensor, features: Tensor) -> Tensor:
        """Generate the source person's landmarks in the reference's pose and expression."""
        return self.decode(self.encode(landmarks), features)
