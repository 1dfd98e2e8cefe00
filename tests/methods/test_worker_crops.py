"""The methods' own crops: similarities by the authors' rules, and pasting back by the inverse."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import cv2
import numpy as np
import pytest
from toy_world import RUNTIME

from dgbench.methods.baseline_card import baselines_folder
from dgbench.methods.probe import draw_face


@pytest.fixture(scope="module")
def crops() -> ModuleType:
    sys.path.insert(0, str(RUNTIME))
    try:
        import dgbench_worker.crops as found
    finally:
        sys.path.remove(str(RUNTIME))
    return found


def worker_class(name: str, kind: str) -> type:
    """A baseline's class, without the packages of its method."""
    spec = importlib.util.spec_from_file_location(f"worker_of_{kind}", baselines_folder() / name / "worker.py")
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = before
    return getattr(module, kind)


def points_of(size: int = 256, yaw: float = 0.0) -> np.ndarray:
    return draw_face(0, yaw=yaw, size=size)[1].points[:, :2].astype(float)


def test_an_oriented_square_maps_its_middle_and_its_right_side(crops):
    matrix = crops.oriented_square((100.0, 80.0), (30.0, 40.0), 200)
    assert crops.moved(np.array([[100.0, 80.0], [130.0, 120.0], [60.0, 110.0]]), matrix) == pytest.approx(
        np.array([[100.0, 100.0], [200.0, 100.0], [100.0, 200.0]])
    )


def test_a_fitted_similarity_is_that_of_scikit_image(crops):
    transform = pytest.importorskip("skimage.transform")
    rng = np.random.default_rng(0)
    points, template = rng.normal(128, 40, (5, 2)), rng.normal(60, 20, (5, 2))
    reference = transform.SimilarityTransform()
    reference.estimate(points, template)
    np.testing.assert_allclose(crops.fitted(points, template), reference.params[:2], atol=1e-9)


def test_what_is_cropped_and_pasted_back_is_the_image_inside_and_the_source_outside(crops):
    rng = np.random.default_rng(1)
    source, reference = (
        cv2.GaussianBlur(rng.integers(0, 256, (160, 160, 3), dtype=np.uint8), (0, 0), 4) for _ in range(2)
    )
    matrix = crops.oriented_square((80.0, 70.0), (38.0, 12.0), 256)
    crop = crops.cropped(reference, matrix, 256, "reflect")
    made = crops.pasted(crop, matrix, 256, source).astype(int)
    place = crops.moved(np.stack(np.meshgrid(np.arange(160.0), np.arange(160.0)), -1).reshape(-1, 2), matrix)
    depth = np.minimum(place, 256 - place).min(axis=1).reshape(160, 160) / 256  # into the crop, as a share of its side
    inside, outside = depth > crops.FADE + 0.02, depth < -0.02
    assert inside.mean() > 0.1 and outside.mean() > 0.3
    assert np.abs(made - reference)[inside].max() <= 2
    assert np.array_equal(made[outside], source[outside])


@pytest.mark.parametrize("larger", [256, 512])
def test_a_generated_crop_of_another_size_lands_in_the_same_place(crops, larger):
    matrix = crops.oriented_square((80.0, 80.0), (40.0, 0.0), 256)
    made = np.zeros((larger, larger, 3), np.uint8)
    made[:, larger // 2 :] = 200
    frame = crops.pasted(made, matrix, 256, np.full((160, 160, 3), 50, np.uint8))
    assert (frame[60:100, 85:110] == 200).all() and (frame[60:100, 50:75] == 0).all() and (frame[:30] == 50).all()


def test_the_dual_generators_crop_puts_five_points_on_the_demos_template(crops):
    kind = worker_class("dg-official", "OfficialDualGenerator")
    template = np.array(
        [[30.2946, 51.6963], [65.5318, 51.5014], [48.0252, 71.7366], [33.5493, 92.3655], [62.7299, 92.2041]]
    )
    template = template * 2 + [31.9721, 0]
    points = np.zeros((68, 2))
    for places, goal in zip(((36, 39), (42, 45), (30,), (48,), (54,)), template, strict=True):
        points[list(places)] = goal * 0.5 + [20, -10]  # a face half as large, elsewhere
    matrix = kind("", "").square(points)
    np.testing.assert_allclose(crops.moved(points[[30, 48, 54]], matrix), template[2:], atol=1e-3)


def test_stylemasks_crop_is_ffhqs_square(crops):
    points = points_of()
    matrix = worker_class("stylemask", "StyleMask")("", "").square(points)
    eyes = (points[36:42].mean(axis=0) + points[42:48].mean(axis=0)) / 2
    mouth = (points[48] + points[54]) / 2
    # FFHQ: the middle a tenth of the way from eyes to mouth; an upright face stays upright.
    np.testing.assert_allclose(crops.moved((eyes + 0.1 * (mouth - eyes))[None], matrix)[0], [128, 128], atol=1e-6)
    assert matrix[0, 1] == pytest.approx(0, abs=1e-6) and matrix[0, 0] > 0
    side = max(2 * np.hypot(*(points[42:48].mean(0) - points[36:42].mean(0))), 1.8 * np.hypot(*(mouth - eyes)))
    assert matrix[0, 0] == pytest.approx(256 / (2 * side), rel=1e-6)


def test_hyperreenacts_crop_is_twice_the_points_extent_and_a_sixth_higher(crops):
    points = points_of(yaw=20.0)
    matrix = worker_class("hyperreenact", "HyperReenact")("", "").square(points)
    extent = int((points.max(axis=0) - points.min(axis=0)).max())
    middle = np.rint((points.min(axis=0) + points.max(axis=0)) / 2) - [0, extent // 6]
    np.testing.assert_allclose(crops.moved(middle[None], matrix)[0], [128, 128], atol=1e-6)
    assert matrix[0, 0] == pytest.approx(256 / (2 * extent)) and matrix[0, 1] == 0


def test_a_cropping_method_is_given_crops_or_with_crop_frame_the_frame(crops):
    class Seen(crops.CroppingWorker):
        method = "seen"
        size = 64

        def square(self, points):
            return crops.oriented_square(points.mean(axis=0), (40.0, 0.0), self.size)

        def reenact_crop(self, source, reference, source_points, reference_points):
            self.seen = source.shape, reference_points.mean(axis=0)
            return reference

    (source, _), (reference, marks) = draw_face(0, yaw=0, size=128), draw_face(1, yaw=18, size=128)
    from dgbench_worker.method import Task

    task = Task("p", 0)
    task.source, task.reference = source, reference
    task.source_landmarks = task.reference_landmarks = marks.points.tolist()
    own, frame = Seen("", ""), Seen("", "", chosen={"crop": "frame"})
    made = own.reenact([task])[0]
    assert own.seen[0] == (64, 64, 3) and own.seen[1] == pytest.approx([32, 32])
    assert made.shape == source.shape and np.array_equal(made[:4], source[:4]) and not np.array_equal(made, source)
    assert np.array_equal(frame.reenact([task])[0], reference) and frame.seen[0] == (128, 128, 3)


def test_pirender_scales_the_crop_on_pairs_of_two_people_alone():
    torch = pytest.importorskip("torch")
    kind = worker_class("pirender", "PIRender")
    ours, theirs = np.full(73, 2.0, np.float32), np.full(73, 4.0, np.float32)
    between, alike = (kind("", "").semantics(ours, theirs, same) for same in (False, True))
    assert between[0, -3, 0] == 2.0 and between[0, -2, 0] == 4.0
    assert torch.equal(alike, torch.full((1, 73, 27), 4.0))
    assert kind("", "", chosen={"norm_crop": "false"}).semantics(ours, theirs, False)[0, -3, 0] == 4.0
