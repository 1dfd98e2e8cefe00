from __future__ import annotations

import numpy as np
import pytest
from skimage.transform import SimilarityTransform

from dgbench.networks.align import (
    ARCFACE_TEMPLATE,
    apply,
    central_square,
    five_points,
    invert,
    similarity,
    warp,
)


@pytest.mark.parametrize("seed", range(5))
def test_similarity_recovers_rotation_scale_and_shift(seed: int) -> None:
    rng = np.random.default_rng(seed)
    angle, scale, shift = rng.uniform(-3, 3), rng.uniform(0.1, 9), rng.normal(0, 50, 2)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = rng.normal(0, 10, (5, 2))
    matrix = similarity(points, points @ turn.T + shift)
    np.testing.assert_allclose(matrix, np.column_stack([turn, shift]), atol=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_similarity_equals_skimage_on_noisy_points(seed: int) -> None:
    points = ARCFACE_TEMPLATE * 2 + np.random.default_rng(seed).normal(0, 12, (5, 2))
    theirs = SimilarityTransform.from_estimate(points, ARCFACE_TEMPLATE)
    np.testing.assert_allclose(similarity(points, ARCFACE_TEMPLATE), theirs.params[:2], atol=1e-6)


def test_a_mirrored_face_is_never_reflected() -> None:
    mirrored = ARCFACE_TEMPLATE * [-1, 1]
    assert np.linalg.det(similarity(mirrored, ARCFACE_TEMPLATE)[:, :2]) > 0


@pytest.mark.parametrize("points", [np.zeros((5, 2)), np.full((5, 2), np.nan)])
def test_points_without_a_similarity_are_refused(points: np.ndarray) -> None:
    with pytest.raises(ValueError, match="no similarity"):
        similarity(points, ARCFACE_TEMPLATE)


def test_invert_undoes_apply() -> None:
    matrix = np.array([[1.5, -0.4, 7], [0.4, 1.5, -3]])
    points = np.random.default_rng(0).normal(0, 10, (7, 2))
    np.testing.assert_allclose(apply(invert(matrix), apply(matrix, points)), points)


def test_five_points_of_68() -> None:
    points = np.random.default_rng(0).normal(0, 10, (68, 3))
    five = five_points(points)
    np.testing.assert_allclose(five[0], points[36:42, :2].mean(0), rtol=1e-5)
    np.testing.assert_allclose(five[2:], points[[30, 48, 54], :2], rtol=1e-5)
    with pytest.raises(ValueError, match="5 or 68"):
        five_points(points[:10])


def test_central_square_keeps_the_middle() -> None:
    image = np.zeros((60, 100, 3), np.uint8)
    image[:, 20:80] = 200
    square = warp(image, central_square(image, size=112), size=112)
    assert (square[1:-1, 1:-1] == 200).all()
