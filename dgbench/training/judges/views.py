"""From rendered frames to what an embedded network is trained on: random crops, mirror images, damage, non-faces."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from dgbench.networks.embedded.identity_nets import CROP, align_batch, sample
from dgbench.networks.embedded.landmark_net import VIEW
from dgbench.networks.ibug import MIRROR
from dgbench.training.judges.data import FRAME, Faces


@dataclass(frozen=True)
class Views:
    """A batch.

    Attributes:
        images: float32 (B, 3, 64, 64) in 0..1.
        points: float32 (B, 68, 3); x, y in 0..1 of the view, z in the same unit.
        visibility: float32 (B, 68).
        face: float32 (B,), 1 where there is a face.
        pose: float32 (B, 3), degrees, in the view (its roll and mirroring included).
        person: int64 (B,), row of the person in the sorted list of people.
        damage: float32 (B,), 0 where the view is clean, to 1.
    """

    images: Tensor
    points: Tensor
    visibility: Tensor
    face: Tensor
    pose: Tensor
    person: Tensor
    damage: Tensor


class ViewMaker:
    """Turns rows of :class:`Faces` into batches; every random choice comes from the generator given per batch."""

    def __init__(self, faces: Faces) -> None:
        self.faces = faces
        self.people = np.unique(faces.person)
        self._rows = np.searchsorted(self.people, faces.person)

    def frames(self, rows: np.ndarray, generator: torch.Generator, *, non_faces: float = 0.15) -> Views:
        """Return whole-head views with random framing; a share ``non_faces`` of them holds no face."""
        images, points, visibility, pose = self._take(rows, generator)
        low, high = points[..., :2].amin(1), points[..., :2].amax(1)
        box = (high - low).amax(1)
        count = len(rows)
        side = box * _uniform(count, 1.2, 2.1, generator)
        centre = (low + high) / 2 + (torch.rand(count, 2, generator=generator) - 0.5) * (0.45 * side - 0.2 * box)[
            :, None
        ]
        angle = torch.randn(count, generator=generator) * math.radians(6)
        matrices = _views(centre, side, angle)
        views = sample(images, matrices, size=VIEW)
        moved = _into_view(points, matrices, side)
        pose = pose.clone()
        # Turning the crop counter-clockwise turns what is seen in it clockwise.
        pose[:, 2] += -torch.rad2deg(angle)
        views, damage = damaged(views, generator)
        face = torch.ones(count)
        absent = torch.rand(count, generator=generator) < non_faces
        for index in torch.nonzero(absent)[:, 0].tolist():
            views[index] = _non_face(views[index], images[index], generator)
            face[index] = 0.0
        return Views(views, moved, visibility, face, pose, torch.from_numpy(self._rows[rows]), damage)

    def aligned(self, rows: np.ndarray, generator: torch.Generator) -> Views:
        """Return identity crops, aligned by the true points with the error that a landmark network makes."""
        images, points, visibility, pose = self._take(rows, generator)
        five = five_of(points)
        box = (points[..., :2].amax(1) - points[..., :2].amin(1)).amax(1)
        noise = torch.randn(five.shape, generator=generator) * (0.015 * box)[:, None, None]
        shift = torch.randn(len(rows), 1, 2, generator=generator) * (0.012 * box)[:, None, None]
        crops, damage = damaged(align_batch(images, five + noise + shift), generator)
        # Clothes are not identity: half of the crops lose a strip at the bottom.
        for index in torch.nonzero(torch.rand(len(rows), generator=generator) < 0.5)[:, 0].tolist():
            strip = int(torch.randint(2, 15, (1,), generator=generator))
            crops[index, :, -strip:] = torch.rand(3, 1, 1, generator=generator)
        face = torch.ones(len(rows))
        return Views(crops, points / FRAME, visibility, face, pose, torch.from_numpy(self._rows[rows]), damage)

    def _take(self, rows: np.ndarray, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        images = torch.from_numpy(self.faces.images[rows]).permute(0, 3, 1, 2).float() / 255.0
        points, visibility = torch.from_numpy(self.faces.points[rows]), torch.from_numpy(self.faces.visibility[rows])
        pose = torch.from_numpy(self.faces.pose[rows])
        flip = torch.rand(len(rows), generator=generator) < 0.5
        mirror = list(MIRROR)
        mirrored = points[:, mirror] * torch.tensor([-1.0, 1.0, 1.0]) + torch.tensor([float(FRAME), 0.0, 0.0])
        images = torch.where(flip[:, None, None, None], images.flip(3), images)
        points = torch.where(flip[:, None, None], mirrored, points)
        visibility = torch.where(flip[:, None], visibility[:, mirror], visibility)
        pose = torch.where(flip[:, None], pose * torch.tensor([-1.0, 1.0, -1.0]), pose)
        return images, points, visibility, pose


def five_of(points: Tensor) -> Tensor:
    """Return (B, 5, 2) alignment points of (B, 68, ≥2) landmarks, as :func:`dgbench.networks.align.five_points`."""
    xy = points[..., :2]
    eyes = (xy[:, 36:42].mean(1), xy[:, 42:48].mean(1))
    return torch.stack([*eyes, xy[:, 30], xy[:, 48], xy[:, 54]], dim=1)


def damaged(images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return views with random exposure, tint, blur, noise and a covered patch, and how much was done (B,)."""
    count = len(images)
    gain = _uniform(count, 0.75, 1.25, generator)[:, None] * (1 + 0.05 * torch.randn(count, 3, generator=generator))
    bias = 0.05 * torch.randn(count, 1, generator=generator)
    images = images * gain[:, :, None, None] + bias[:, :, None, None]
    blurred = _blurred(images, 2)
    amount = (torch.rand(count, generator=generator) - 0.65).clamp(min=0) / 0.35
    images = torch.lerp(images, blurred, amount[:, None, None, None])
    level = (torch.rand(count, generator=generator) - 0.6).clamp(min=0) * 0.12
    images = images + torch.randn(images.shape, generator=generator) * level[:, None, None, None]
    side = images.shape[-1]
    covers = torch.rand(count, generator=generator) < 0.12
    for index in torch.nonzero(covers)[:, 0].tolist():
        x, y, w, h = (int(v) for v in torch.randint(4, side // 3, (4,), generator=generator))
        x, y = x * 2, y * 2
        images[index, :, y : y + h, x : x + w] = torch.rand(3, 1, 1, generator=generator)
    damage = (amount + level / 0.048 + covers.float()).clamp(max=1.0)
    return images.clamp(0, 1), damage


def _blurred(images: Tensor, factor: int) -> Tensor:
    size = images.shape[-2:]
    return interpolate(avg_pool2d(images, factor), size=size, mode="bilinear", align_corners=False)


def _non_face(view: Tensor, frame: Tensor, generator: torch.Generator) -> Tensor:
    """Return one (3, 64, 64) picture without a face, made from nothing or from what a face picture leaves over."""
    kind = int(torch.randint(8, (1,), generator=generator))
    side = view.shape[-1]
    colour = torch.rand(3, 1, 1, generator=generator)
    if kind == 0:
        flat = colour.expand_as(view) if float(torch.rand(1, generator=generator)) < 0.5 else torch.zeros_like(view)
        return flat + 0.03 * torch.randn(view.shape, generator=generator) * torch.rand(1, generator=generator)
    if kind == 1:
        return torch.rand(view.shape, generator=generator)
    if kind in (2, 3):
        cells = 2 ** int(torch.randint(1, 6, (1,), generator=generator))
        coarse = torch.rand(1, 3, cells, cells, generator=generator)
        return interpolate(coarse, (side, side), mode="bilinear", align_corners=False)[0]
    if kind == 4:
        # Tiles of the face in another order.
        tile = side // int(2 ** int(torch.randint(2, 4, (1,), generator=generator)))
        tiles = view.unfold(1, tile, tile).unfold(2, tile, tile).flatten(1, 2)
        order = torch.randperm(tiles.shape[1], generator=generator)
        rows = side // tile
        mixed = tiles[:, order].reshape(3, rows, rows, tile, tile)
        return mixed.permute(0, 1, 3, 2, 4).reshape(3, side, side)
    if kind == 5:
        # A corner of the frame: backdrop, shoulder, hair.
        x, y = (int(value) * (FRAME - 24) for value in torch.randint(0, 2, (2,), generator=generator))
        corner = frame[None, :, y : y + 24, x : x + 24]
        return interpolate(corner, (side, side), mode="bilinear", align_corners=False)[0]
    if kind == 6:
        # So blurred that nobody could say what it shows.
        coarse = avg_pool2d(view[None], 16)
        return interpolate(coarse, (side, side), mode="bilinear", align_corners=False)[0]
    # A piece of a face: a cheek, an ear, half a mouth, far too close.
    x, y = (int(value) for value in torch.randint(8, side - 20, (2,), generator=generator))
    return interpolate(view[None, :, y : y + 12, x : x + 12], (side, side), mode="bilinear", align_corners=False)[0]


def _views(centre: Tensor, side: Tensor, angle: Tensor) -> Tensor:
    """Return (B, 2, 3) maps from view pixels to frame pixels."""
    scale = side / VIEW
    cosine, sine = scale * torch.cos(angle), scale * torch.sin(angle)
    linear = torch.stack([cosine, -sine, sine, cosine], 1).reshape(-1, 2, 2)
    middle = torch.full((2,), VIEW / 2)
    return torch.cat([linear, (centre - linear @ middle)[..., None]], dim=2)


def _into_view(points: Tensor, matrices: Tensor, side: Tensor) -> Tensor:
    linear, shift = matrices[..., :2], matrices[..., 2]
    inverse = torch.linalg.inv(linear)
    moved = (points[..., :2] - shift[:, None]) @ inverse.transpose(1, 2) / VIEW
    return torch.cat([moved, points[..., 2:] / side[:, None, None]], dim=2)


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(count, generator=generator)


__all__ = ["CROP", "ViewMaker", "Views", "damaged", "five_of"]
