"""From drawn row numbers to tensors: landmarks and features for the shape generator, images too for the face's."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from dgbench.core.digests import seed_of
from dgbench.training.dg.augment import cast_colours, draw_casts, draw_similarities, move_images, move_points
from dgbench.training.dg.draws import Draw
from dgbench.training.dg.frames import FrameBank


@dataclass(frozen=True)
class IdsgBatch:
    """One batch of the shape generator, rows as in :class:`~dgbench.training.dg.draws.Draw`.

    Attributes:
        points, visibility: (B, 68, 3), (B, 68) of the reference, l_2.
        own, other: (B, D) features of I_1 (the reference's person) and I_3 (another).
        person, other_person: int64 (B,).
        truth: (B, 68, 3) true landmarks of the cross pair, l_4; anything where absent.
        has_truth: bool (B,).
    """

    points: Tensor
    visibility: Tensor
    own: Tensor
    other: Tensor
    person: Tensor
    other_person: Tensor
    truth: Tensor
    has_truth: Tensor


@dataclass(frozen=True)
class RfgBatch:
    """One batch of the face generator.

    Attributes:
        source: (B, 3, S, S) images that give the style.
        source_points: (B, 68, 3) their landmarks.
        source_rows: int64 (B,) their rows of the bank.
        features: (B, D) their features.
        points, visibility: (B, 68, 3), (B, 68) of the reference.
        target: (B, 3, S, S) true target; anything where absent.
        target_points: (B, 68, 3) its landmarks; the reference's where absent.
        has_target: bool (B,).
        real, real_points, real_visibility: a real image with its own landmarks, for the discriminators.
        cross: bool (B,): whether the row is a cross pair.
    """

    source: Tensor
    source_points: Tensor
    source_rows: Tensor
    features: Tensor
    points: Tensor
    visibility: Tensor
    target: Tensor
    target_points: Tensor
    has_target: Tensor
    real: Tensor
    real_points: Tensor
    real_visibility: Tensor
    cross: Tensor


Batch = TypeVar("Batch", IdsgBatch, RfgBatch)


def to_device(batch: Batch, device: torch.device) -> Batch:
    """Return the batch with every tensor on ``device``."""
    return type(batch)(**{f.name: getattr(batch, f.name).to(device, non_blocking=True) for f in fields(batch)})


def idsg_batch(bank: FrameBank, features: Tensor, draw: Draw, *, augment: float, seed: int, part: slice) -> IdsgBatch:
    """Build the part ``part`` of the batch that ``draw`` names; augmentation moves reference and truth together."""
    moves = draw_similarities(len(draw.reference), share=augment, seed=seed)[part]
    reference, own, other, truth = (
        torch.from_numpy(rows[part]) for rows in (draw.reference, draw.own, draw.other, draw.truth)
    )
    subject = torch.from_numpy(bank.subject)
    return IdsgBatch(
        points=move_points(bank.points[reference], moves),
        visibility=bank.visibility[reference],
        own=features[own],
        other=features[other],
        person=subject[reference],
        other_person=subject[other],
        truth=move_points(bank.points[truth.clamp_min(0)], moves),
        has_truth=truth >= 0,
    )


def rfg_batch(
    bank: FrameBank,
    features: Tensor,
    draw: Draw,
    *,
    cross_share: float,
    cross_truth: bool = True,
    augment: float,
    augment_colour: float = 0.0,
    seed: int,
    part: slice,
) -> RfgBatch:
    """Build the part ``part``; each row is a cross pair with probability ``cross_share``, else a self pair.

    Reference and target are moved by one similarity, the source by another; source and target share one colour cast.
    Without ``cross_truth`` cross pairs are taken to have no true target, as in data that hold none.
    """
    size = len(draw.reference)
    cross = np.random.default_rng(seed_of("cross", seed)).random(size) < cross_share
    source = np.where(cross, draw.other, draw.own)[part]
    reference = draw.reference[part]
    target = np.where(cross, draw.truth if cross_truth else -1, draw.reference)[part]
    moves = draw_similarities(size, share=augment, seed=seed)[part]
    source_moves = draw_similarities(size, share=augment, seed=seed + 1)[part]
    has_target = target >= 0
    shown = np.where(has_target, target, reference)
    casts = draw_casts(size, share=augment_colour, seed=seed)[part]
    image = cast_colours(move_images(bank.images(shown), moves), casts)
    shown_points = move_points(bank.points[torch.from_numpy(shown)], moves)
    return RfgBatch(
        source=cast_colours(move_images(bank.images(source), source_moves), casts),
        source_points=move_points(bank.points[torch.from_numpy(source)], source_moves),
        source_rows=torch.from_numpy(source),
        features=features[torch.from_numpy(source)],
        points=move_points(bank.points[torch.from_numpy(reference)], moves),
        visibility=bank.visibility[torch.from_numpy(reference)],
        target=image,
        target_points=shown_points,
        has_target=torch.from_numpy(has_target),
        real=image,
        real_points=shown_points,
        real_visibility=bank.visibility[torch.from_numpy(shown)],
        cross=torch.from_numpy(cross[part]),
    )
