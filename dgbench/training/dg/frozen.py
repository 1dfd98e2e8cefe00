"""The frozen, differentiable networks that the face generator's losses ask: activations, embeddings, landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from dgbench.training.dg.config import TrainConfig

#: iBUG points whose means are the five points that align a face: eyes, nose tip, mouth corners.
_FIVE = ((36, 42), (42, 48), (30, 31), (48, 49), (54, 55))


class Perceptual(Protocol):
    """What the identity loss asks of a network."""

    def layers(self, images: Tensor, points: Tensor) -> list[Tensor]:
        """Activations on (B, 3, S, S) images in [0, 1] whose landmarks are (B, 68, ≥2) shares of the side."""

    def embedding(self, images: Tensor, points: Tensor) -> Tensor:
        """Embedding (B, D) of the same."""


class LandmarkFinder(Protocol):
    """What the landmark loss asks of a network."""

    def __call__(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) in [0, 1] → (B, 68, 2 or 3) shares of the side, differentiable."""


@dataclass(frozen=True)
class FrozenNetworks:
    """The frozen networks of one run; a ``None`` drops its losses."""

    perceptual: Perceptual | None = None
    landmarks: LandmarkFinder | None = None


def five_of(points: Tensor) -> Tensor:
    """(B, 68, ≥2) → (B, 5, 2): eye centres, nose tip, mouth corners."""
    return torch.stack([points[:, first:last, :2].mean(dim=1) for first, last in _FIVE], dim=1)


class VggPerceptual:
    """VGG-Face on the whole image: its five first-in-block activations, as the released code compares them, and fc7."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network

    def layers(self, images: Tensor, points: Tensor) -> list[Tensor]:
        """See :class:`Perceptual`."""
        found: list[Tensor] = self._network.to(images.device).layers(images)  # type: ignore[operator]
        return found

    def embedding(self, images: Tensor, points: Tensor) -> Tensor:
        """See :class:`Perceptual`."""
        embedded: Tensor = self._network.to(images.device)(images)
        return embedded


class EmbeddedPerceptual:
    """The embedded ``identity-train`` network on the face aligned by the landmarks asked for; it never judges."""

    _TAPS = (0, 1, 3, 4, 7)

    def __init__(self, network: nn.Module) -> None:
        self._network = network

    def layers(self, images: Tensor, points: Tensor) -> list[Tensor]:
        """See :class:`Perceptual`; whole-frame activations too, so that hair and backdrop count."""
        body = self._body(images)
        found = []
        for x in (self._crop(images, points) * 2 - 1, images * 2 - 1):
            for index, layer in enumerate(body):
                x = layer(x)
                if index in self._TAPS:
                    found.append(x)
                if index == max(self._TAPS):
                    break
        return found

    def embedding(self, images: Tensor, points: Tensor) -> Tensor:
        """See :class:`Perceptual`."""
        embedded: Tensor = self._network.to(images.device)(self._crop(images, points))
        return embedded

    def _body(self, images: Tensor) -> nn.Sequential:
        body: nn.Sequential = self._network.to(images.device).body  # type: ignore[assignment]
        return body

    def _crop(self, images: Tensor, points: Tensor) -> Tensor:
        from dgbench.networks.embedded.identity_nets import align_batch

        return align_batch(images, five_of(points).float() * images.shape[-1])


class EmbeddedFinder:
    """The embedded ``landmarks-train`` network; it never judges."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network

    def __call__(self, images: Tensor) -> Tensor:
        """See :class:`LandmarkFinder`."""
        points: Tensor = self._network.to(images.device)(images).points
        return points


def load_frozen(config: TrainConfig, *, weights: Path | None = None) -> FrozenNetworks:
    """Load what the configuration names.

    Raises:
        MissingError: weights are not here; the message says how to get them.
    """
    perceptual: Perceptual | None = None
    landmarks: LandmarkFinder | None = None
    if config.perceptual == "vgg-face":
        from dgbench.models.dg.vgg_face import load_vgg_face

        perceptual = VggPerceptual(load_vgg_face(weights, normalisation="imagenet"))
    elif config.perceptual == "embedded":
        from dgbench.networks.embedded.store import load_identity

        perceptual = EmbeddedPerceptual(load_identity("identity-train")[0])
    if config.landmark_network == "embedded":
        from dgbench.networks.embedded.store import load_landmarks

        landmarks = EmbeddedFinder(load_landmarks("landmarks-train")[0])
    return FrozenNetworks(perceptual=perceptual, landmarks=landmarks)
