"""Augmentation drawn from the step's own seed: a similarity for image and landmarks alike, and a colour cast."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from dgbench.core.digests import seed_of

#: Largest change: scale ±10 %, rotation ±5°, shift ±5 % of the side.
_SCALE, _TURN, _SHIFT = 0.1, np.deg2rad(5.0), 0.05

#: Largest change of colour: each channel's gain, exponent, and share of colour taken or added.
_GAIN, _GAMMA, _COLOUR = 0.2, 0.3, 0.5


def draw_casts(batch: int, *, share: float, seed: int) -> Tensor:
    """Draw float32 (B, 5) colour casts: three gains, exponent, saturation; ones for samples not chosen."""
    rng = np.random.default_rng(seed_of("cast", seed))
    chosen = rng.random(batch) < share
    spread = rng.uniform(-1, 1, (batch, 5)) * np.array([_GAIN, _GAIN, _GAIN, _GAMMA, _COLOUR])
    return torch.from_numpy(np.where(chosen[:, None], np.exp(spread), 1.0).astype(np.float32))


def cast_colours(images: Tensor, casts: Tensor) -> Tensor:
    """Give (B, 3, S, S) images in [0, 1] their casts (B, 5): as another camera or lamp would show them."""
    if bool((casts == 1).all()):
        return images
    casts = casts.to(images)[:, :, None, None]
    toned = (images.clamp(0, 1) ** casts[:, 3:4]) * casts[:, :3]
    grey = toned.mean(dim=1, keepdim=True)
    return (grey + (toned - grey) * casts[:, 4:]).clamp(0, 1)


def draw_similarities(batch: int, *, share: float, seed: int) -> Tensor:
    """Draw float32 (B, 2, 3) similarities about the image's centre, in shares of the side; identity for the rest."""
    rng = np.random.default_rng(seed_of("augment", seed))
    chosen = rng.random(batch) < share
    scale = np.where(chosen, np.exp(rng.uniform(-_SCALE, _SCALE, batch)), 1.0)
    turn = np.where(chosen, rng.uniform(-_TURN, _TURN, batch), 0.0)
    shift = np.where(chosen[:, None], rng.uniform(-_SHIFT, _SHIFT, (batch, 2)), 0.0)
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    linear = np.stack([np.stack([cos, -sin], 1), np.stack([sin, cos], 1)], 1)
    offset = 0.5 + shift - linear @ np.array([0.5, 0.5])
    return torch.from_numpy(np.concatenate([linear, offset[:, :, None]], axis=2).astype(np.float32))


def move_points(points: Tensor, matrices: Tensor) -> Tensor:
    """Move (B, 68, 3) points (shares of the side) by (B, 2, 3) similarities; z is scaled alike."""
    matrices = matrices.to(points)
    xy = points[..., :2] @ matrices[:, :, :2].transpose(1, 2) + matrices[:, None, :, 2]
    scale = torch.linalg.vector_norm(matrices[:, :, 0], dim=1)
    return torch.cat([xy, points[..., 2:] * scale[:, None, None]], dim=2)


def move_images(images: Tensor, matrices: Tensor) -> Tensor:
    """Move (B, 3, S, S) images by the same similarities; the border is repeated outside. Identity copies bits."""
    still = torch.eye(2, 3)
    moved = (matrices != still).flatten(1).any(dim=1)
    if not bool(moved.any()):
        return images
    linear = torch.linalg.inv(matrices[moved][:, :, :2])
    offset = -(linear @ matrices[moved][:, :, 2:])
    # From shares of the side in [0, 1] to grid_sample's [−1, 1].
    centre = 2 * (linear @ torch.full((2, 1), 0.5) + offset) - 1
    grid = F.affine_grid(torch.cat([linear, centre], dim=2).to(images), list(images[moved].shape), align_corners=False)
    result = images.clone()
    result[moved] = F.grid_sample(images[moved], grid, padding_mode="border", align_corners=False)
    return result
