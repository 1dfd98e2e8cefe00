"""Eye transfer and landmark vectors."""

from __future__ import annotations

import numpy as np
import torch

from dgbench.core.face import Landmarks
from dgbench.models.dg.config import IdsgConfig
from dgbench.models.dg.eyes import transfer_eyes
from dgbench.models.dg.landmark_vector import encoder_input, points_of, shape_vector, stack


def eyes(width: float, opening: float) -> torch.Tensor:
    points = torch.zeros(1, 68, 2)
    for corner, first in ((0.2, 36), (0.6, 42)):
        points[0, first, 0], points[0, first + 3, 0] = corner, corner + width
        for upper, lower, share in ((first + 1, first + 5, 0.3), (first + 2, first + 4, 0.7)):
            points[0, upper] = torch.tensor([corner + share * width, 0.5 - opening])
            points[0, lower] = torch.tensor([corner + share * width, 0.5])
    return points


def test_opening_is_taken_over_scaled_by_the_eye_width() -> None:
    generated, reference = eyes(0.2, 0.01), eyes(0.1, 0.05)
    before = generated.clone()
    result = transfer_eyes(generated, reference)
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        assert torch.allclose(result[0, lower, 1] - result[0, upper, 1], torch.tensor(0.1), atol=1e-6)
    unchanged = [point for point in range(68) if point not in (37, 38, 43, 44)]
    assert torch.equal(result[:, unchanged], before[:, unchanged])
    assert torch.equal(generated, before)


def test_transfer_to_itself_changes_nothing_and_no_eye_is_no_division() -> None:
    points = eyes(0.2, 0.03)
    assert torch.allclose(transfer_eyes(points, points), points, atol=1e-7)
    assert torch.isfinite(transfer_eyes(points, torch.zeros_like(points))).all()


def test_vectors_interleave_and_put_visibility_last() -> None:
    raw = np.arange(68 * 3, dtype=np.float32).reshape(68, 3)
    landmarks = Landmarks(points=raw, visibility=np.linspace(0, 1, 68).astype(np.float32), origin="truth")
    points, visibility = stack([landmarks], 64)
    assert points.shape == (1, 68, 3) and abs(float(points[0, :, 2].mean())) < 1e-6
    flat, deep = IdsgConfig(coordinates="xy", visibility=False), IdsgConfig()
    assert torch.allclose(shape_vector(points, flat)[0, :4] * 64, torch.tensor([0.0, 1.0, 3.0, 4.0]))
    assert encoder_input(points, visibility, flat).shape == (1, 136)
    joined = encoder_input(points, visibility, deep)
    assert joined.shape == (1, 272) and torch.equal(joined[:, 204:], visibility)
    assert torch.equal(points_of(shape_vector(points, deep), deep), points)
