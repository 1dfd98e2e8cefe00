"""Which landmarks can be seen: a rigid fit of the mean face to 3D landmarks, and how far each surface turns away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dgbench.core.face import Landmarks
from dgbench.networks.canonical import MEAN_FACE

#: The mean face in image axes: x right, y down, z away from the viewer, centred; arbitrary unit.
CANONICAL: Tensor = torch.from_numpy((MEAN_FACE * [1, -1, -1] - (MEAN_FACE * [1, -1, -1]).mean(0)).astype(np.float32))

# Centre (in the mean face's own axes) and radii in centimetres of the ellipsoid whose normals stand for the
# skin's: wide as the jaw, tall as the face, deep as the head in front of its turning point. Ours.
_CENTRE = np.array([0.0, -2.0, 0.0])
_RADII = np.array([7.0, 12.0, 10.5])
_SOFTNESS = 0.2


def _normals() -> Tensor:
    outward = (MEAN_FACE - _CENTRE) / _RADII**2
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    return torch.from_numpy((outward * [1, -1, -1]).astype(np.float32))


NORMALS: Tensor = _normals()


def fit_similarity(points: Tensor, onto: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Fit ``points ≈ scale · onto · rotationᵀ + shift`` by least squares (Umeyama 1991), for a batch.

    Args:
        points: (B, N, 3).
        onto: (N, 3), centred.

    Returns:
        rotation (B, 3, 3), scale (B,), shift (B, 3).
    """
    shift = points.mean(dim=1)
    centred = points - shift[:, None]
    u, singular, vt = torch.linalg.svd(centred.transpose(1, 2) @ onto)
    sign = torch.ones_like(singular)
    sign[:, 2] = torch.sign(torch.linalg.det(u) * torch.linalg.det(vt))
    rotation = (u * sign[:, None]) @ vt
    return rotation, (singular * sign).sum(dim=1) / onto.square().sum(), shift


@dataclass(frozen=True)
class HeadFrame:
    """A rigid head pose: rotation (B, 3, 3), size in image sides (B,), position (B, 3)."""

    rotation: Tensor
    size: Tensor
    position: Tensor

    def inward(self, points: Tensor) -> Tensor:
        """Image shares (B, 68, 3) → the head's own frame, in head sizes."""
        return (points - self.position[:, None]) @ self.rotation / self.size[:, None, None]

    def outward(self, points: Tensor) -> Tensor:
        """The head's own frame → image shares."""
        return points @ self.rotation.transpose(1, 2) * self.size[:, None, None] + self.position[:, None]

    def repeated(self) -> HeadFrame:
        """Return the frame for a batch that is this one twice, one after the other."""
        return HeadFrame(*(torch.cat([part, part]) for part in (self.rotation, self.size, self.position)))


@torch.no_grad()
def head_frame(points: Tensor) -> HeadFrame:
    """Fit the mean face to landmarks (B, 68, 3); the fit is a constant to what is trained with it."""
    canonical = CANONICAL.to(points)
    rotation, scale, position = fit_similarity(points, canonical)
    return HeadFrame(rotation, (scale * canonical.square().sum().sqrt()).clamp_min(1e-6), position)


def frontalised(points: Tensor) -> tuple[Tensor, Tensor]:
    """Turn faces to the front: the shape without head pose.

    Args:
        points: (B, 68, 3) shares of the image side.

    Returns:
        (B, 68, 3) in units of the mean face's size, and (B,) the log of its size in image sides.
    """
    frame = head_frame(points)
    return frame.inward(points), frame.size.log()


def estimated_visibility(points: Tensor) -> Tensor:
    """Estimate visibilities from 3D landmarks alone: v = clip(0.5 + cos θ / 0.2, 0, 1), θ from skin to camera.

    Args:
        points: (B, 68, 3) shares of the image side. Where z is zero throughout, only 2D is known and every
            landmark counts as seen.

    Returns:
        (B, 68) in [0, 1].
    """
    flat = points[..., 2].abs().amax(dim=1) < 1e-6
    rotation, _, _ = fit_similarity(points, CANONICAL.to(points))
    towards_camera = -(NORMALS.to(points) @ rotation.transpose(1, 2))[..., 2]
    seen = (0.5 + towards_camera / _SOFTNESS).clamp(0, 1)
    return seen.masked_fill(flat[:, None], 1.0)


def with_visibility(landmarks: Landmarks) -> Landmarks:
    """Fill in visibility where a detector gives depth but calls every point seen; others come back as they are."""
    if landmarks.visibility.min() < 1 or not np.abs(landmarks.points[:, 2]).max() > 0:
        return landmarks
    points = torch.from_numpy(landmarks.points)[None]
    seen = estimated_visibility(points)[0].numpy()
    return Landmarks(points=landmarks.points, visibility=seen, origin=landmarks.origin)
