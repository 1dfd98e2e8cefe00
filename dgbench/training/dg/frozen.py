"""The frozen, differentiable networks that the face generator's losses ask: activations, embeddings, landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dgbench.training.dg.config import TrainConfig

#: iBUG points whose means are the five points that align a face: eyes, nose tip, mouth corners.
_FIVE = ((36, 42), (42, 48), (30, 31), (48, 49), (54, 55))


class Perceptual(Protocol):
    """What the identity loss asks of a network."""

    def layers(self, images: Tensor, points: Tensor) -> list[Tensor]:
        """Activations on (B, 3, S, S) images in [0, 1] whose landmarks are (B, 68, ≥2) shares of the side."""

    def embedding(self, images: Tensor, points: Tensor) -> Tensor:
        """Embedding (B, D) of the same."""

    def both(self, images: Tensor, points: Tensor) -> tuple[list[Tensor], Tensor]:
        """Activations and embedding from one forward."""


class Embedder(Protocol):
    """What the identity cosine asks of a network."""

    def embedding(self, images: Tensor, points: Tensor) -> Tensor:
        """Embedding (B, D) of (B, 3, S, S) images in [0, 1] with landmarks (B, 68, ≥2), shares of the side."""


class LandmarkFinder(Protocol):
    """What the landmark loss asks of a network."""

    def __call__(self, images: Tensor, points: Tensor) -> Tensor:
        """Find landmarks, differentiable in the images.

        Args:
            images: (B, 3, S, S) in [0, 1].
            points: (B, 68, ≥2) where they are wanted, for a network that looks at a crop.

        Returns:
            (B, 68, 2 or 3) shares of the side.
        """


@dataclass(frozen=True)
class FrozenNetworks:
    """The frozen networks of one run; a ``None`` drops its losses.

    Attributes:
        perceptual: of the identity loss, and of the identity cosine where ``identity`` is ``None``.
        landmarks: of the landmark loss.
        identity: of the identity cosine, where it is another network.
    """

    perceptual: Perceptual | None = None
    landmarks: LandmarkFinder | None = None
    identity: Embedder | None = None

    @property
    def embedder(self) -> Embedder | None:
        """The network of the identity cosine."""
        return self.perceptual if self.identity is None else self.identity


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

    def both(self, images: Tensor, points: Tensor) -> tuple[list[Tensor], Tensor]:
        """See :class:`Perceptual`."""
        found: tuple[list[Tensor], Tensor] = self._network.to(images.device).layers_and_code(images)  # type: ignore[operator]
        return found


class EmbeddedPerceptual:
    """The embedded ``identity-train`` network on the face aligned by the landmarks asked for; it never judges."""

    _TAPS = (0, 1, 3, 4, 7)

    def __init__(self, network: nn.Module) -> None:
        self._network = network

    def layers(self, images: Tensor, points: Tensor) -> list[Tensor]:
        """See :class:`Perceptual`; whole-frame activations too, so that hair and backdrop count."""
        body = self._body(images)
        return [*self._taps(body, self._crop(images, points))[0], *self._taps(body, images)[0]]

    def embedding(self, images: Tensor, points: Tensor) -> Tensor:
        """See :class:`Perceptual`."""
        embedded: Tensor = self._network.to(images.device)(self._crop(images, points))
        return embedded

    def both(self, images: Tensor, points: Tensor) -> tuple[list[Tensor], Tensor]:
        """See :class:`Perceptual`; the crop goes through the network once."""
        body = self._body(images)
        inner, deep = self._taps(body, self._crop(images, points))
        for layer in list(body)[max(self._TAPS) + 1 :]:
            deep = layer(deep)
        head: nn.Module = self._network.head  # type: ignore[assignment]
        return [*inner, *self._taps(body, images)[0]], F.normalize(head(deep), dim=1)

    def _taps(self, body: nn.Sequential, images: Tensor) -> tuple[list[Tensor], Tensor]:
        x, found = images * 2 - 1, []
        for index in range(max(self._TAPS) + 1):
            x = body[index](x)
            if index in self._TAPS:
                found.append(x)
        return found, x

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

    def __call__(self, images: Tensor, points: Tensor) -> Tensor:
        """See :class:`LandmarkFinder`; in full precision, for a mean over coordinates loses too much in half."""
        with torch.autocast(images.device.type, enabled=False):
            found: Tensor = self._network.to(images.device)(images.float()).points
        return found


def load_frozen(config: TrainConfig, *, weights: Path | None = None) -> FrozenNetworks:
    """Load what the configuration names.

    Raises:
        MissingError: weights are not here; the message says how to get them.
    """
    perceptual: Perceptual | None = None
    landmarks: LandmarkFinder | None = None
    identity: Embedder | None = None
    if config.perceptual == "vgg-face":
        from dgbench.models.dg.vgg_face import load_vgg_face

        perceptual = VggPerceptual(load_vgg_face(weights, normalisation=config.perceptual_normalisation))
    elif config.perceptual == "embedded":
        from dgbench.networks.embedded.store import load_identity

        perceptual = EmbeddedPerceptual(load_identity("identity-train")[0])
    if config.identity_network == "arcface" and config.rfg.identity_cosine > 0:
        from dgbench.training.dg.real_faces import AlignedIdentity, load_arcface

        identity = AlignedIdentity(load_arcface(weights))
    if config.landmark_network == "embedded":
        from dgbench.networks.embedded.store import load_landmarks

        landmarks = EmbeddedFinder(load_landmarks("landmarks-train")[0])
    elif config.landmark_network == "3ddfa":
        from dgbench.training.dg.real_faces import PhotographFinder, load_landmark_regressor

        landmarks = PhotographFinder(load_landmark_regressor(weights))
    return FrozenNetworks(perceptual=perceptual, landmarks=landmarks, identity=identity)
