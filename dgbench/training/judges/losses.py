"""Losses of the embedded networks: the additive angular margin, and the landmark network's sum."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, linear, normalize, smooth_l1_loss

from dgbench.networks.embedded.landmark_net import LandmarkOutput
from dgbench.training.judges.views import Views


class ArcFaceLoss(nn.Module):
    """The additive angular margin loss (Deng et al. 2019, eq. 3): s · cos(θ + m) for the true person.

    Where θ + m would pass π the target is continued linearly, as the authors do, so that it stays monotone.
    """

    def __init__(self, people: int, dimension: int, *, scale: float = 32.0, margin: float = 0.35) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(people, dimension) * 0.05)
        self.scale, self.margin = scale, margin

    def forward(self, embeddings: Tensor, people: Tensor, *, margin: float | None = None) -> Tensor:
        """Return the mean loss of unit ``embeddings`` (B, D) for rows ``people`` (B,)."""
        angle = self.margin if margin is None else margin
        cosine = linear(embeddings, normalize(self.weight, dim=1)).clamp(-1 + 1e-6, 1 - 1e-6)
        true = cosine.gather(1, people[:, None])
        sine = torch.sqrt(1 - true**2)
        pushed = true * math.cos(angle) - sine * math.sin(angle)
        pushed = torch.where(true > math.cos(math.pi - angle), pushed, true - angle * math.sin(angle))
        logits = cosine.scatter(1, people[:, None], pushed.to(cosine.dtype)) * self.scale
        return cross_entropy(logits, people)


def landmark_loss(output: LandmarkOutput, views: Views) -> Tensor:
    """Return the landmark network's loss: points in units of the face box, depth, visibility, face or not.

    Only views with a face teach points. The smooth L1 changes over at 1 % of the box.
    """
    face = binary_cross_entropy_with_logits(output.face, views.face)
    real = views.face > 0.5
    points, truth = output.points[real], views.points[real]
    box = (truth[..., :2].amax(1) - truth[..., :2].amin(1)).amax(1).clamp(min=0.1)[:, None, None]
    error = smooth_l1_loss(points / box, truth / box, beta=0.01, reduction="none")
    place, depth = error[..., :2].mean(), error[..., 2].mean()
    visible = binary_cross_entropy_with_logits(output.visibility[real], views.visibility[real])
    return 20 * place + 8 * depth + 0.15 * visible + 0.5 * face
