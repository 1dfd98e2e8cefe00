"""Landmarks as the shape networks see them: coordinates as shares of the image side, interleaved, with visibility."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dgbench.core.face import Landmarks
from dgbench.models.dg.config import IdsgConfig


def stack(landmarks: Sequence[Landmarks], size: int) -> tuple[Tensor, Tensor]:
    """Stack landmarks of images of ``size`` pixels.

    Returns:
        float32 (B, 68, 3) points, x and y as shares of the side in [0, 1] inside the image, z as a share with
        mean zero; float32 (B, 68) visibility in [0, 1].
    """
    points = np.stack([one.points for one in landmarks]).astype(np.float32) / size
    points[..., 2] -= points[..., 2].mean(axis=1, keepdims=True)
    visibility = np.stack([one.visibility for one in landmarks]).astype(np.float32)
    return torch.from_numpy(points), torch.from_numpy(visibility)


def shape_vector(points: Tensor, config: IdsgConfig) -> Tensor:
    """(B, 68, 3) shares → the vector (B, shape_dim) that R_l draws and D_l, C_l judge: x0, y0, [z0,] x1, …"""
    return points[..., : len(config.coordinates)].flatten(1)


def encoder_input(points: Tensor, visibility: Tensor, config: IdsgConfig) -> Tensor:
    """(B, 68, 3) shares and (B, 68) visibility → E_l's input (B, input_dim): shape vector, then visibilities."""
    vector = shape_vector(points, config)
    return torch.cat([vector, visibility], dim=1) if config.visibility else vector


def points_of(vector: Tensor, config: IdsgConfig) -> Tensor:
    """(B, shape_dim) → (B, 68, 2 or 3) shares of the image side."""
    return vector.view(-1, 68, len(config.coordinates))
