"""The losses of the reenacted face generator, each by the paper's name; images in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from dgbench.models.dg.losses_idsg import discriminator_adversarial, generator_adversarial, point_distance, r1


def _mean_over_present(per_sample: Tensor, present: Tensor | None) -> Tensor:
    """Mean over the whole batch of (B,) values, absent ones adding nothing (so that shards average to it)."""
    return (per_sample if present is None else per_sample.where(present, 0.0)).mean()


def adversarial(logits: Sequence[Tensor]) -> Tensor:
    """Generator's adversarial loss, summed over the discriminators' (B,) logits."""
    return torch.stack([generator_adversarial(one) for one in logits]).sum()


def adversarial_of_discriminators(real: Sequence[Tensor], generated: Sequence[Tensor]) -> Tensor:
    """Discriminators' adversarial loss, summed over the discriminators."""
    return torch.stack([discriminator_adversarial(r, g) for r, g in zip(real, generated, strict=True)]).sum()


def r1_of_discriminators(real: Sequence[Tensor], images: Tensor) -> Tensor:
    """R1 penalty summed over the discriminators; ``images`` (B, 3, S, S) must require a gradient."""
    return torch.stack([r1(one, images) for one in real]).sum()


def attribute(
    generated: Tensor, target: Tensor, present: Tensor | None = None, *, weights: Tensor | None = None
) -> Tensor:
    """Mean absolute pixel difference to the target, over samples that have one.

    Args:
        generated: (B, 3, S, S).
        target: (B, 3, S, S); any value where absent.
        present: bool (B,); ``None`` = all.
        weights: (B, 1, S, S) of pixels; ``None`` = 1.
    """
    difference = (generated - target).abs()
    if weights is not None:
        difference = difference * weights
    return _mean_over_present(difference.flatten(1).mean(dim=1), present)


#: Landmarks of what tells faces apart: brows, nose, eyes, mouth; and how far from one a pixel still counts, in shares.
_FEATURES, _NEAR = slice(17, 68), 0.035


def feature_weights(points: Tensor, visibility: Tensor, *, size: int, focus: float) -> Tensor:
    """Return (B, 1, S, S) pixel weights: 1, and up to 1 + ``focus`` near visible brows, nose, eyes and mouth.

    Args:
        points: (B, 68, ≥2) as shares of the side.
        visibility: (B, 68) in [0, 1].
        size: S.
        focus: what is added where the face's features are.
    """
    centres = (torch.arange(size, device=points.device) + 0.5) / size
    along = torch.exp(-0.5 * ((centres - points[:, _FEATURES, :2, None]) / _NEAR) ** 2)
    near = torch.einsum("bpy,bpx,bp->byx", along[:, :, 1], along[:, :, 0], visibility[:, _FEATURES])
    return 1 + focus * near.clamp(max=1.0)[:, None]


def identity(generated: Sequence[Tensor], target: Sequence[Tensor], present: Tensor | None = None) -> Tensor:
    """Sum over the layers of a frozen face network of the mean absolute difference of its activations.

    Args:
        generated: layers (B, …) on the generated image.
        target: the same layers on the target.
        present: bool (B,); ``None`` = all.
    """
    layers = [
        _mean_over_present((g - t).abs().flatten(1).mean(dim=1), present)
        for g, t in zip(generated, target, strict=True)
    ]
    return torch.stack(layers).sum()


def identity_cosine(generated: Tensor, source: Tensor) -> Tensor:
    """1 − cosine of face embeddings (B, D): the one identity term that needs no target; over all rows."""
    return (1 - F.cosine_similarity(generated, source, dim=1)).mean()


def style_consistency(style_of_generated: Tensor, style: Tensor, *, detach: bool = True) -> Tensor:
    """Mean absolute difference of the style codes (B, style_dim) of generated and source image.

    ``detach`` holds the source's code fixed; without it (as released) both may move.
    """
    return F.l1_loss(style_of_generated, style.detach() if detach else style)


def landmark(found: Tensor, wanted: Tensor, visibility: Tensor | None = None) -> Tensor:
    """Sum over visible points of the mean distance between landmarks found in the image and those asked for.

    Args:
        found: (B, 68, D) from a differentiable landmark network.
        wanted: (B, 68, D) in the same unit.
        visibility: (B, 68) in [0, 1]; ``None`` = all seen.
    """
    distance = point_distance(found, wanted)
    return (distance if visibility is None else distance * visibility).sum(dim=1).mean()


def feature_matching(generated: Sequence[Tensor], real: Sequence[Tensor], present: Tensor | None = None) -> Tensor:
    """Sum over discriminator blocks of the mean absolute difference of activations; the real side is fixed."""
    return identity(generated, [level.detach() for level in real], present)
