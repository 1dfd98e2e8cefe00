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
from dgbench.training.dg.critic_augment import CriticChange
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
    changes: tuple[CriticChange, CriticChange] | None = None,
    full_precision: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> tuple[dict[str, Tensor], Tensor]:
    """Terms of the discriminators: real images with their own maps against generated ones, and R1 when it is due.

    Real and generated images go through in one batch. R1's second derivative is taken in full precision whatever the
    run's.

    Args:
        critics: the discriminators.
        model: whose rasteriser draws the real images' maps.
        batch: the batch.
        drawn: the generated images.
        weights: of the terms.
        with_r1: whether R1 is due.
        layout: memory layout of the image tensors.
        changes: what befalls the real and the generated images before they are judged.
        full_precision: context without autocast.

    Returns:
        The terms, and the mean sign of the logits on real images.
    """
    with torch.no_grad():
        real, real_maps = batch.real, model.rasteriser(batch.real_points, batch.real_visibility)
        made, made_maps = drawn.images, drawn.maps
        if changes is not None:
            real, real_maps = changes[0](real, real_maps)
            made, made_maps = changes[1](made, made_maps)
        images = torch.cat([real, made]).contiguous(memory_format=layout)
        maps = torch.cat([real_maps, made_maps]).contiguous(memory_format=layout)
    halves = [logits.chunk(2) for logits in critics.face(images, maps)[0]]
    judged = [half[0] for half in halves]
    terms = {"d_adversarial": losses.adversarial_of_discriminators(judged, [half[1] for half in halves])}
    if with_r1 and weights.r1 > 0 and not critics.face.joint:  # the released pair of two scales has none
        with full_precision():
            leaf = real.detach().float().contiguous(memory_format=layout).requires_grad_()
            again = critics.face(leaf, real_maps.float().contiguous(memory_format=layout))[0]
            terms["d_r1"] = weights.r1 * weights.r1_every * losses.r1_of_discriminators(again, leaf)
    return terms, torch.stack([one.detach().sign().mean() for one in judged]).mean()


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
    with_style: bool = True,
    source: Tensor | None = None,
    change: CriticChange | None = None,
) -> dict[str, Tensor]:
    """Terms of G_f and E_s, weighted; those that need a target count for rows that have one.

    Args:
        model: the model in training.
        critics: the discriminators, which pass gradients through.
        batch: the batch.
        drawn: the generated images.
        weights: of the terms.
        frozen: networks of the identity and landmark losses.
        adversarial: whether the discriminators are heard.
        layout: memory layout of the image tensors.
        with_style: whether the style term is due.
        source: (B, D) embeddings of the sources by the identity loss's network; ``None``: computed here.
        change: what befalls images before they are judged.
    """
    has, images = batch.has_target, drawn.images
    terms: dict[str, Tensor] = {}
    target = batch.target.contiguous(memory_format=layout)
    if adversarial and weights.adversarial > 0:
        judged, maps = (images, drawn.maps) if change is None else change(images, drawn.maps)
        maps = maps.contiguous(memory_format=layout)
        logits, levels = critics.face(judged.contiguous(memory_format=layout), maps)
        terms["adversarial"] = weights.adversarial * losses.adversarial(logits)
        if weights.feature_matching > 0:
            with torch.no_grad():
                wanted = target if change is None else change(target, drawn.maps)[0].contiguous(memory_format=layout)
                real = critics.face(wanted, maps)[1]
            terms["feature_matching"] = weights.feature_matching * losses.feature_matching(levels, real, has)
    if weights.attribute > 0:
        focus = None
        if weights.attribute_focus > 0:
            focus = losses.feature_weights(
                batch.target_points, batch.real_visibility, size=target.shape[-1], focus=weights.attribute_focus
            )
        terms["attribute"] = weights.attribute * losses.attribute(images, target, has, weights=focus)
    terms |= _identity_terms(batch, images, drawn.points, target, weights=weights, frozen=frozen, source=source)
    if weights.style > 0 and with_style and not model.config.rfg.id_embed:
        again = model.style_code(images, batch.features)
        due = weights.style * weights.style_every
        terms["style"] = due * losses.style_consistency(again, drawn.style, detach=weights.detach_style)
    if frozen.landmarks is not None and weights.landmark > 0:
        points = frozen.landmarks(images, drawn.points)[..., :2]
        terms["landmark"] = weights.landmark * losses.landmark(points, drawn.points[..., :2], drawn.visibility)
    return terms


def _identity_terms(
    batch: RfgBatch,
    images: Tensor,
    points: Tensor,
    target: Tensor,
    *,
    weights: RfgTraining,
    frozen: FrozenNetworks,
    source: Tensor | None,
) -> dict[str, Tensor]:
    terms: dict[str, Tensor] = {}
    network, embedder = frozen.perceptual, frozen.embedder
    layers, cosine = weights.identity > 0, weights.identity_cosine > 0
    found: list[Tensor] | None = None
    embedded: Tensor | None = None
    if network is not None and layers and cosine and embedder is network:
        found, embedded = network.both(images, points)
    else:
        found = network.layers(images, points) if network is not None and layers else None
        embedded = embedder.embedding(images, points) if embedder is not None and cosine else None
    if network is not None and found is not None:
        with torch.no_grad():
            wanted = network.layers(target, batch.target_points)
        terms["identity"] = weights.identity * losses.identity(found, wanted, batch.has_target)
    if embedder is not None and embedded is not None:
        if source is None:
            with torch.no_grad():
                source = embedder.embedding(batch.source, batch.source_points)
        terms["identity_cosine"] = weights.identity_cosine * losses.identity_cosine(embedded, source)
    return terms
