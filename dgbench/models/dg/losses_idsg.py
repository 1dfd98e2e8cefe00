"""The losses of the identity-specific shape generator, each by the paper's name; distances in image sides."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

#: Parts of the face (iBUG ranges, last excluded) and the margin m_P of their visible local shape, summed over points.
PARTS: dict[str, tuple[int, int, float]] = {
    "contour": (0, 17, 0.2),
    "brows": (17, 27, 0.01),
    "nose": (27, 36, 0.01),
    "eyes": (36, 48, 0.01),
    "mouth": (48, 68, 0.01),
}
_TINY = 1e-12


def point_distance(p: Tensor, q: Tensor) -> Tensor:
    """Euclidean distance of corresponding points, with a finite gradient (zero) where they coincide.

    Args:
        p: (B, 68, D).
        q: (B, 68, D).

    Returns:
        (B, 68).
    """
    return ((p - q).square().sum(dim=2) + _TINY).sqrt() - _TINY**0.5


def generator_adversarial(logits: Tensor) -> Tensor:
    """Non-saturating loss of a generator: −log σ(D(generated)), mean over the batch."""
    return F.softplus(-logits).mean()


def discriminator_adversarial(real: Tensor, generated: Tensor) -> Tensor:
    """Loss of a discriminator: −log σ(D(real)) − log(1 − σ(D(generated))), each a mean over the batch."""
    return F.softplus(-real).mean() + F.softplus(generated).mean()


def r1(logits: Tensor, inputs: Tensor) -> Tensor:
    """R1 penalty ½ E‖∇ D(x)‖² on real samples (Mescheder et al. 2018, eq. 9).

    Args:
        logits: (B,) that depend on ``inputs``.
        inputs: (B, …) with ``requires_grad``.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), inputs, create_graph=True)
    return 0.5 * gradient.square().flatten(1).sum(dim=1).mean()


def localization(generated: Tensor, truth: Tensor, present: Tensor | None = None) -> Tensor:
    """Sum over the 68 points of the mean distance to the true landmarks.

    Args:
        generated: (B, 68, D).
        truth: (B, 68, D); any value where absent.
        present: bool (B,), which samples have a truth; ``None`` = all. Absent ones add nothing; the mean stays
            over the whole batch, so that shards of a batch average to the batch.
    """
    distance = point_distance(generated, truth).sum(dim=1)
    return (distance if present is None else distance.where(present, 0.0)).mean()


def action(code: Tensor, code_of_generated: Tensor, *, detach: bool = True) -> Tensor:
    """Mean absolute difference of action codes: the generated face must show the reference's action.

    ``detach`` keeps the reference's code fixed; without it (as released) both codes may shrink to meet.
    """
    return F.l1_loss(code_of_generated, code.detach() if detach else code)


def subject_class(scores: Tensor, identity: Tensor) -> Tensor:
    """Cross-entropy of the classifier's scores (B, K) with the identities (B,) int64."""
    return F.cross_entropy(scores, identity)


def visible_local_shape(
    self_shape: Tensor,
    cross_shape: Tensor,
    reference: Tensor,
    visibility: Tensor | None = None,
    *,
    form: Literal["hinge", "absolute"] = "hinge",
) -> Tensor:
    """Keep another person's shape at least a margin farther from the reference than the person's own.

    With D_P(p, q) the distance summed over part P, hidden points left out and the sum scaled back to the full
    number of points: Σ_P E[max(0, m_P + D_P(self, reference) − D_P(cross, reference))]. ``absolute`` is the
    released form Σ_P |m_P + E[D_P(self, …)] − E[D_P(cross, …)]|, which pins the difference and not bounds it.

    Args:
        self_shape: (B, 68, D) generated from the reference's own person.
        cross_shape: (B, 68, D) generated from another person.
        reference: (B, 68, D).
        visibility: (B, 68) in [0, 1] of the reference; ``None`` = all seen.
        form: ``hinge`` per sample, or ``absolute`` over the batch.
    """
    weight = torch.ones_like(reference[..., 0]) if visibility is None else visibility
    near, far = point_distance(self_shape, reference) * weight, point_distance(cross_shape, reference) * weight
    total = reference.new_zeros(())
    for first, last, margin in PARTS.values():
        part = slice(first, last)
        scale = (last - first) / weight[:, part].sum(dim=1).clamp_min(1.0)
        nearer, farther = near[:, part].sum(dim=1) * scale, far[:, part].sum(dim=1) * scale
        if form == "hinge":
            seen = (weight[:, part].sum(dim=1) > 0).to(near)  # a part wholly hidden says nothing
            total = total + (F.relu(margin + nearer - farther) * seen).mean()
        else:
            total = total + (margin + nearer.mean() - farther.mean()).abs()
    return total
