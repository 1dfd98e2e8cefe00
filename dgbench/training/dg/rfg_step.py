"""One optimisation step of the face generator: discriminators, then G_f with E_s, sharing one forward."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from dgbench.models.dg import losses_rfg as losses
from dgbench.models.dg.model import Critics, DgModel
from dgbench.training.dg.batches import RfgBatch
from dgbench.training.dg.config import RfgTraining
from dgbench.training.dg.frozen import FrozenNetworks


@dataclass(frozen=True)
class Drawn:
    """One forward of the face generator.

    Attributes:
        points, visibility: the landmarks that were drawn.
        maps: (B, 3, S, S) their maps.
        style: (B, style_dim).
        images: (B, 3, S, S) generated.
    """

    points: Tensor
    visibility: Tensor
    maps: Tensor
    style: Tensor
    images: Tensor


def draw_faces(
    model: DgModel,
    shape: DgModel,
    batch: RfgBatch,
    *,
    generated: Tensor,
    layout: torch.memory_format,
    noise: torch.Generator | None = None,
) -> Drawn:
    """Generate the batch's faces.

    Args:
        model: the model in training.
        shape: whose shape generator makes landmarks (the averaged one), without gradient.
        batch: the batch.
        generated: bool (B,), rows whose landmarks come from the shape generator; cross rows without a true
            target always do, the others else use the target's own landmarks.
        layout: memory layout of the image tensors.
        noise: of the noise variant.
    """
    with torch.no_grad():
        made = shape.target_landmarks(batch.points, batch.visibility, batch.features)
        use = (generated | ~batch.has_target)[:, None, None]
        width = min(made.shape[2], batch.target_points.shape[2])
        points = torch.where(use, made[..., :width], batch.target_points[..., :width])
        maps = model.rasteriser(points, batch.visibility).contiguous(memory_format=layout)
    style = model.style_code(batch.source.contiguous(memory_format=layout), batch.features)
    return Drawn(points, batch.visibility, maps, style, model.face(maps, style, noise))


def discriminators_loss(
    critics: Critics,
    model: DgModel,
    batch: RfgBatch,
    drawn: Drawn,
    *,
    weights: RfgTraining,
    with_r1: bool,
    layout: torch.memory_format,
    full_precision: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> dict[str, Tensor]:
    """Terms of the discriminators: real images with their own maps against generated ones, and R1 when it is due.

    R1's second derivative is taken in full precision whatever the run's.
    """
    with torch.no_grad():
        maps = model.rasteriser(batch.real_points, batch.real_visibility).contiguous(memory_format=layout)
    real = batch.real.contiguous(memory_format=layout)
    judged = critics.face(real, maps)[0]
    made = critics.face(drawn.images.detach(), drawn.maps)[0]
    terms = {"d_adversarial": losses.adversarial_of_discriminators(judged, made)}
    if with_r1 and weights.r1 > 0 and not critics.face.joint:  # the released pair of two scales has none
        with full_precision():
            leaf = real.detach().float().requires_grad_()
            penalty = losses.r1_of_discriminators(critics.face(leaf, maps)[0], leaf)
        terms["d_r1"] = weights.r1 * weights.r1_every * penalty
    return terms


def generator_loss(
    model: DgModel,
    critics: Critics,
    batch: RfgBatch,
    drawn: Drawn,
    *,
    weights: RfgTraining,
    frozen: FrozenNetworks,
    adversarial: bool,
    layout: torch.memory_format,
) -> dict[str, Tensor]:
    """Terms of G_f and E_s, weighted; those that need a target count for rows that have one."""
    has, images = batch.has_target, drawn.images
    terms: dict[str, Tensor] = {}
    target = batch.target.contiguous(memory_format=layout)
    if adversarial and weights.adversarial > 0:
        logits, levels = critics.face(images, drawn.maps)
        terms["adversarial"] = weights.adversarial * losses.adversarial(logits)
        if weights.feature_matching > 0:
            with torch.no_grad():
                real = critics.face(target, drawn.maps)[1]
            terms["feature_matching"] = weights.feature_matching * losses.feature_matching(levels, real, has)
    if weights.attribute > 0:
        terms["attribute"] = weights.attribute * losses.attribute(images, target, has)
    if frozen.perceptual is not None and weights.identity > 0:
        with torch.no_grad():
            wanted = frozen.perceptual.layers(target, batch.target_points)
        found = frozen.perceptual.layers(images, drawn.points)
        terms["identity"] = weights.identity * losses.identity(found, wanted, has)
    if frozen.perceptual is not None and weights.identity_cosine > 0:
        with torch.no_grad():
            source = frozen.perceptual.embedding(batch.source, batch.source_points)
        embedded = frozen.perceptual.embedding(images, drawn.points)
        terms["identity_cosine"] = weights.identity_cosine * losses.identity_cosine(embedded, source)
    if weights.style > 0 and not model.config.rfg.id_embed:
        again = model.style_code(images, batch.features)
        terms["style"] = weights.style * losses.style_consistency(again, drawn.style, detach=weights.detach_style)
    if frozen.landmarks is not None and weights.landmark > 0:
        points = frozen.landmarks(images)[..., :2]
        terms["landmark"] = weights.landmark * losses.landmark(points, drawn.points[..., :2], drawn.visibility)
    return terms
