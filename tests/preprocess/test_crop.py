"""The declared crops: where points go, what is averaged, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from dgbench.core.face import Landmarks
from dgbench.core.protocol import Frame
from dgbench.networks.align import apply
from dgbench.preprocess.crop import DG_256, EYE_MOUTH_CENTRE, EYE_MOUTH_SHARE, apply_crop, crop_landmarks, crop_matrix

FACE = np.array([[200.0, 220], [290, 224], [246, 280], [210, 320], [284, 322]])


def _frame(crop: str, size: int = 256) -> Frame:
    return Frame(size=size, crop=crop)  # type: ignore[arg-type]


def test_eye_mouth_puts_the_face_where_it_says_without_turning_it() -> None:
    matrix = crop_matrix(_frame("eye-mouth"), FACE, shape=(512, 512))
    moved = apply(matrix, FACE)
    eyes, mouth = moved[:2].mean(axis=0), moved[3:].mean(axis=0)
    assert np.hypot(*(mouth - eyes)) == pytest.approx(EYE_MOUTH_SHARE * 256)
    assert (eyes + mouth) / 2 == pytest.approx(np.array(EYE_MOUTH_CENTRE) * 256)
    assert matrix[0, 1] == matrix[1, 0] == 0


def test_eye_mouth_keeps_its_scale_when_the_eyes_come_together_as_in_a_profile() -> None:
    profile = FACE.copy()
    middle = profile[:2].mean(axis=0)
    profile[:2] = middle + (profile[:2] - middle) * 0.05
    frontal = crop_matrix(_frame("eye-mouth"), FACE, shape=(512, 512))
    assert crop_matrix(_frame("eye-mouth"), profile, shape=(512, 512)) == pytest.approx(frontal)


def test_arcface_template_maps_the_template_onto_itself_and_undoes_any_similarity() -> None:
    angle, scale = 0.3, 1.7
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = DG_256 @ turn.T + (30, -12)
    matrix = crop_matrix(_frame("arcface-template"), moved, shape=(512, 512))
    assert apply(matrix, moved) == pytest.approx(DG_256, abs=1e-6)


def test_as_stored_resizes_squares_and_refuses_to_stretch() -> None:
    assert crop_matrix(_frame("as-stored"), None, shape=(256, 256)) == pytest.approx(np.eye(2, 3))
    with pytest.raises(ValueError, match="must be square"):
        crop_matrix(_frame("as-stored"), None, shape=(480, 640))


@pytest.mark.parametrize("points", [None, np.full((5, 2), 10.0), np.full((5, 2), np.nan)])
def test_points_of_no_face_are_refused(points: np.ndarray | None) -> None:
    for crop in ("eye-mouth", "arcface-template"):
        with pytest.raises(ValueError, match=r"points|coincide|finite"):
            crop_matrix(_frame(crop), points, shape=(512, 512))


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_shrinking_averages_so_that_nothing_aliases(factor: int) -> None:
    """A one-pixel checkerboard must become flat grey, and the mean of a box must be that box's mean."""
    size = 32 * factor
    checker = ((np.indices((size, size)).sum(axis=0) % 2) * 255).astype(np.uint8)
    image = np.repeat(checker[:, :, None], 3, axis=2)
    noise = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
    matrix = crop_matrix(_frame("as-stored", 32), None, shape=(size, size))
    flat = apply_crop(image, matrix, 32).astype(int)
    assert abs(flat[2:-2, 2:-2] - 127.5).max() <= (1 if factor % 2 == 0 else 255 / factor**2)
    boxes = noise.reshape(32, factor, 32, factor, 3).mean(axis=(1, 3))
    assert abs(apply_crop(noise, matrix, 32) - boxes)[1:-1, 1:-1].max() <= 1


def test_unscaled_crop_is_exact_and_outside_is_black() -> None:
    image = np.random.default_rng(0).integers(1, 256, (40, 40, 3), dtype=np.uint8)
    shifted = apply_crop(image, np.array([[1.0, 0, 10], [0, 1, 5]]), 40)
    assert np.array_equal(shifted[5:, 10:], image[:-5, :-10])
    assert shifted[:5].max() == shifted[:, :10].max() == 0


def test_landmarks_move_with_the_image_and_z_scales() -> None:
    points = np.random.default_rng(0).normal(100, 20, (68, 3)).astype(np.float32)
    landmarks = Landmarks(points=points, visibility=np.ones(68, np.float32), origin="truth")
    matrix = np.array([[0.5, 0, 3], [0, 0.5, -7]])
    moved = crop_landmarks(landmarks, matrix).points
    assert moved[:, :2] == pytest.approx(points[:, :2] * 0.5 + (3, -7), abs=1e-4)
    assert moved[:, 2] == pytest.approx(points[:, 2] * 0.5, abs=1e-5)
