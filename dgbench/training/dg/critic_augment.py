"""What discriminators see, changed at random, real and generated pictures alike, as much as overfitting asks."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

#: Largest shift as a share of the side, and of brightness, contrast and saturation.
_SHIFT, _LIGHT, _CONTRAST, _COLOUR = 0.125, 0.15, 0.25, 0.5
#: Images that take the probability from 0 to 1 while the aim is overshot all the time.
_SPAN = 100_000


@dataclass(frozen=True)
class CriticChange:
    """One drawn change for each sample of a batch.

    Attributes:
        flip: bool (B,): mirrored.
        shift: int64 (B, 2) pixels right and down; zeros come in.
        light, contrast, colour: (B,); 0, 1 and 1 change nothing.
    """

    flip: Tensor
    shift: Tensor
    light: Tensor
    contrast: Tensor
    colour: Tensor

    @classmethod
    def draw(cls, batch: int, *, size: int, probability: float, seed: int) -> CriticChange:
        """Draw the change of ``batch`` samples of side ``size``; each kind befalls a sample with ``probability``."""
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.rand(5, batch, generator=generator) < probability
        spread = torch.rand(5, batch, generator=generator) * 2 - 1
        reach = round(size * _SHIFT)
        return cls(
            flip=chosen[0] & (spread[0] > 0),
            shift=(torch.stack([spread[1], spread[0]], 1) * reach).round().long() * chosen[1, :, None],
            light=spread[2] * _LIGHT * chosen[2],
            contrast=1 + spread[3] * _CONTRAST * chosen[3],
            colour=1 + spread[4] * _COLOUR * chosen[4],
        )

    def to(self, device: torch.device) -> CriticChange:
        """Return the change on ``device``."""
        return CriticChange(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))

    def __call__(self, images: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Change (B, 3, S, S) images and, where they move, their maps alike; differentiable in the images."""
        light, contrast, colour = (v.view(-1, 1, 1, 1) for v in (self.light, self.contrast, self.colour))
        grey = images.mean(dim=1, keepdim=True)
        images = grey + (images - grey) * colour
        images = (images - 0.5) * contrast + 0.5 + light
        both = torch.cat([images, maps.to(images.dtype)], dim=1)
        both = torch.where(self.flip.view(-1, 1, 1, 1), both.flip(3), both)
        both = self._shifted(both)
        return both[:, :3], both[:, 3:]

    def _shifted(self, both: Tensor) -> Tensor:
        height, width = both.shape[2:]
        rows = torch.arange(height, device=both.device)[None] - self.shift[:, 1:]
        columns = torch.arange(width, device=both.device)[None] - self.shift[:, :1]
        sample = torch.arange(len(both), device=both.device)[:, None, None]
        moved = both.permute(0, 2, 3, 1)[
            sample, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None]
        ]
        inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None]
        return (moved * inside[..., None]).permute(0, 3, 1, 2)


def next_probability(probability: float, *, mean_sign: float, aim: float, images: int) -> float:
    """Return the probability after ``images`` real images whose logits' signs have the mean ``mean_sign``.

    It grows while discriminators are surer of real images than ``aim`` (Karras et al. 2020, r_t), else falls; 0 to 0.8.
    """
    step = images / _SPAN
    return min(0.8, max(0.0, probability + (step if mean_sign > aim else -step)))
