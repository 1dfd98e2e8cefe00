"""One optimisation step of the shape generator: D_l, then C_l, then E_l with R_l, all from one forward."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dgbench.models.dg import losses_idsg as losses
from dgbench.models.dg.config import DgConfig
from dgbench.models.dg.landmark_vector import points_of, shape_vector
from dgbench.models.dg.model import Critics, DgModel
from dgbench.models.dg.visibility import HeadFrame
from dgbench.training.dg.batches import IdsgBatch
from dgbench.training.dg.config import IdsgTraining, Stage


@dataclass(frozen=True)
class Shapes:
    """What one forward of the shape generator gives: codes (B, code_dim), frame, two shapes (B, 68, 2 or 3)."""

    code: Tensor
    frame: HeadFrame | None
    own: Tensor
    cross: Tensor


def generate_shapes(model: DgModel, batch: IdsgBatch) -> Shapes:
    """Generate the self shape and the cross shape from one action code; both decoders' inputs go as one batch."""
    frame = model.shape.frame_of(batch.points)
    code = model.shape.encode(batch.points, batch.visibility, frame)
    both = model.shape.decode(
        torch.cat([code, code]),
        torch.cat([batch.own, batch.other]),
        torch.cat([batch.points, batch.points]),
        None if frame is None else frame.repeated(),
    )
    own, cross = both.chunk(2)
    return Shapes(code=code, frame=frame, own=own, cross=cross)


def discriminator_loss(
    critics: Critics, batch: IdsgBatch, shapes: Shapes, *, model: DgConfig, weights: IdsgTraining
) -> dict[str, Tensor]:
    """Terms of D_l: real reference landmarks against the generated cross shape, and R1."""
    real = shape_vector(batch.points, model.idsg).requires_grad_()
    judged = critics.landmark(real)
    terms = {
        "d_adversarial": losses.discriminator_adversarial(judged, critics.landmark(shapes.cross.detach().flatten(1)))
    }
    if weights.r1 > 0:
        terms["d_r1"] = weights.r1 * losses.r1(judged, real)
    return terms


def classifier_loss(critics: Critics, batch: IdsgBatch, *, model: DgConfig, weights: IdsgTraining) -> dict[str, Tensor]:
    """Term of C_l: real reference landmarks and their person."""
    scores = critics.identity(shape_vector(batch.points, model.idsg))
    return {"c_class": weights.subject_class * losses.subject_class(scores, batch.person)}


def generator_loss(
    model: DgModel, critics: Critics, batch: IdsgBatch, shapes: Shapes, *, weights: IdsgTraining, stage: Stage
) -> dict[str, Tensor]:
    """Terms of E_l and R_l, weighted; a term of weight 0 is not computed.

    The true landmarks of a cross pair count for the samples that have them, in the stages that ``cross_truth`` says.
    """
    config = model.config.idsg
    reference = points_of(shape_vector(batch.points, config), config)
    own, cross = shapes.own, shapes.cross
    visibility = batch.visibility if config.visibility else None
    terms: dict[str, Tensor] = {}
    if weights.adversarial > 0:
        terms["adversarial"] = weights.adversarial * losses.generator_adversarial(critics.landmark(cross.flatten(1)))
    if weights.localization > 0:
        terms["localization"] = weights.localization * losses.localization(own, reference)
    counts = stage == "cross" if weights.cross_truth == "cross" else weights.cross_truth == "always"
    if weights.localization_cross > 0 and counts:
        truth = points_of(shape_vector(batch.truth, config), config)
        found = losses.localization(cross, truth, batch.has_truth)
        terms["localization_cross"] = weights.localization_cross * found
    if weights.action > 0:
        again = model.shape.encode(cross, batch.visibility, shapes.frame)
        terms["action"] = weights.action * losses.action(shapes.code, again, detach=weights.detach_action)
    if weights.subject_class > 0:
        scores = critics.identity(cross.flatten(1))
        terms["subject_class"] = weights.subject_class * losses.subject_class(scores, batch.other_person)
    if weights.visible_local_shape > 0:
        terms["visible_local_shape"] = weights.visible_local_shape * losses.visible_local_shape(
            own, cross, reference, visibility, form=weights.vls_form
        )
    return terms
