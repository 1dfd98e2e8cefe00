"""The identity-specific shape generator: landmark encoder E_l, decoder R_l, discriminator D_l, classifier C_l."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from dgbench.models.dg.blocks import SLOPE
from dgbench.models.dg.config import IdsgConfig
from dgbench.models.dg.landmark_vector import encoder_input, points_of
from dgbench.models.dg.visibility import HeadFrame, head_frame

#: A change that R_l draws as 1, in head sizes: about what sets two people apart.
_CHANGE = 0.05
_LEAST_SPREAD = 1e-4


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
    """R_l: action code and identity code → landmark vector, or in the head's frame the change of shape.

    In the image's frame x, y go through a sigmoid, z through half a hyperbolic tangent; a change is unbounded.
    """

    def __init__(self, config: IdsgConfig) -> None:
        super().__init__()
        self.dims = len(config.coordinates)
        self.changes = config.frame == "head"
        self.body = Perceptron(
            config.code_dim + config.feature_dim,
            config.shape_dim,
            hidden=config.decoder_hidden,
            depth=config.depth,
        )

    def forward(self, code: Tensor, features: Tensor) -> Tensor:
        """(B, code_dim), (B, feature_dim) → (B, shape_dim).

        Image frame: x, y in (0, 1), z in (-0.5, 0.5), of the image side. Head frame: change in head sizes.
        """
        raw = self.body(torch.cat([code, features], dim=1))
        if self.changes:
            return raw * _CHANGE
        if self.dims == 2:
            return torch.sigmoid(raw)
        points = raw.view(-1, 68, 3)
        return torch.cat([torch.sigmoid(points[..., :2]), torch.tanh(points[..., 2:]) / 2], dim=2).flatten(1)

    @torch.no_grad()
    def start_at(self, mean_shape: Tensor) -> None:
        """Let an untrained decoder draw ``mean_shape`` (shape_dim,), or change nothing; ours, saves steps."""
        last = self.body.layers[-1]
        assert isinstance(last, nn.Linear)
        if self.changes:
            last.weight.zero_()
            last.bias.zero_()
            return
        points = mean_shape.view(68, self.dims)
        bias = torch.logit(points[:, :2].clamp(1e-3, 1 - 1e-3))
        if self.dims == 3:
            bias = torch.cat([bias, torch.atanh((2 * points[:, 2:]).clamp(-0.999, 0.999))], dim=1)
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
    """E_l and R_l together, with the training statistics that centre and scale what goes in."""

    feature_mean: Tensor
    feature_scale: Tensor
    input_mean: Tensor
    input_scale: Tensor

    def __init__(self, config: IdsgConfig) -> None:
        super().__init__()
        self.config = config
        self.landmark_encoder = LandmarkEncoder(config)
        self.landmark_decoder = LandmarkDecoder(config)
        self.register_buffer("feature_mean", torch.zeros(config.feature_dim))
        self.register_buffer("feature_scale", torch.ones(config.feature_dim))
        self.register_buffer("input_mean", torch.zeros(config.input_dim))
        self.register_buffer("input_scale", torch.ones(config.input_dim))

    @torch.no_grad()
    def standardise(self, points: Tensor, visibility: Tensor, features: Tensor) -> None:
        """Take centre and scale of both networks' inputs from training data, row by row of (N, …).

        An input that never changed there, such as a point that is always seen, is left out: the networks have learnt
        nothing of it, and scaled up by its spread it would drown all others the first time that it changes.
        """
        inputs = self._inputs(points, visibility, self.frame_of(points))
        for mean, scale, values in (
            (self.input_mean, self.input_scale, inputs),
            (self.feature_mean, self.feature_scale, features),
        ):
            mean.copy_(values.mean(dim=0))
            spread = values.std(dim=0)
            scale.copy_(torch.where(spread > _LEAST_SPREAD, 1 / spread, 0.0))

    def frame_of(self, points: Tensor) -> HeadFrame | None:
        """Return the frame that the reference landmarks (B, 68, 3) set, or ``None`` for the image's own."""
        return head_frame(points) if self.config.frame == "head" else None

    def encode(self, points: Tensor, visibility: Tensor, frame: HeadFrame | None) -> Tensor:
        """Landmarks (B, 68, 3) and visibility (B, 68) → action code γ (B, code_dim)."""
        inputs = self._inputs(points, visibility, frame)
        return self.landmark_encoder((inputs - self.input_mean) * self.input_scale)

    def decode(self, code: Tensor, features: Tensor, reference: Tensor, frame: HeadFrame | None) -> Tensor:
        """Generate the source person's landmarks in the reference's pose and expression.

        Args:
            code: (B, code_dim) of the reference.
            features: (B, feature_dim) of the source.
            reference: (B, 68, 3) the reference landmarks, the start of a change.
            frame: of the reference.

        Returns:
            (B, 68, 2 or 3) shares of the image side.
        """
        drawn = self.landmark_decoder(code, (features - self.feature_mean) * self.feature_scale)
        points = points_of(drawn, self.config)
        return points if frame is None else frame.outward(frame.inward(reference) + points)

    def _inputs(self, points: Tensor, visibility: Tensor, frame: HeadFrame | None) -> Tensor:
        return encoder_input(points if frame is None else frame.inward(points), visibility, self.config)

    def forward(self, points: Tensor, visibility: Tensor, features: Tensor) -> Tensor:
        """Encode the reference and decode with the source's features; see :meth:`decode`."""
        frame = self.frame_of(points)
        return self.decode(self.encode(points, visibility, frame), features, points, frame)
