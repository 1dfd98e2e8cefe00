"""Warps by landmarks: exact where they must be, the nearest surface on top, and real poses followed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import dgbench
from dgbench.core.face import Pose
from dgbench.methods.contract import LoadContext
from dgbench.methods.probe import draw_face, probe_tasks
from dgbench.methods.registry import create
from dgbench.methods.warps.shapes import posed_shape, similarity
from dgbench.methods.warps.triangles import border_points, warp_by_points
from dgbench.networks.canonical import MEAN_FACE


def _noise(size: int = 96) -> np.ndarray:
    grid = np.random.default_rng(3).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    return cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC)


def test_points_that_stay_give_the_image_back() -> None:
    image = _noise()
    points = np.concatenate([np.random.default_rng(1).uniform(20, 75, (30, 2)), border_points(96)]).astype(np.float32)
    assert np.abs(warp_by_points(image, points, points).astype(int) - image).max() <= 1


def test_a_shift_of_all_points_is_a_shift_of_the_pixels() -> None:
    image = _noise()
    points = np.random.default_rng(1).uniform(20, 70, (40, 2)).astype(np.float32)
    moved = warp_by_points(image, points, points + np.float32([7, 4]), canvas=np.zeros_like(image))
    hull = np.zeros((96, 96), np.uint8)
    cv2.fillConvexPoly(hull, np.rint(cv2.convexHull(points)[:, 0]).astype(int), 1)
    inner = cv2.erode(hull, np.ones((5, 5), np.uint8)) > 0
    rows, columns = np.nonzero(inner)
    assert np.abs(moved[rows + 4, columns + 7].astype(int) - image[rows, columns]).max() <= 2
    assert (moved[:20] == 0).all()


def test_the_nearest_of_two_overlapping_triangles_is_seen() -> None:
    image = np.zeros((60, 60, 3), np.uint8)
    image[:, :30], image[:, 30:] = (250, 0, 0), (0, 250, 0)
    source = np.float32([[2, 2], [2, 57], [26, 30], [57, 2], [57, 57], [34, 30]])
    wanted = source.copy()
    wanted[3:, 0] -= 25  # the green half slides over the red one
    front = np.float32([0, 0, 0, -5, -5, -5])
    shown = warp_by_points(image, source, wanted, depth=front, canvas=np.zeros_like(image))
    behind = warp_by_points(image, source, wanted, depth=-front, canvas=np.zeros_like(image))
    assert shown[30, 20].argmax() == 1
    assert behind[30, 20].argmax() == 0


def test_similarity_finds_the_motion_that_was_made() -> None:
    points = np.random.default_rng(0).normal(size=(20, 3))
    rotation = Pose(30.0, -12.0, 8.0).rotation()
    scale, found, shift = similarity(points, 1.7 * points @ rotation.T + [3.0, -2.0, 1.0])
    assert scale == pytest.approx(1.7)
    assert np.allclose(found, rotation)
    assert np.allclose(shift, [3.0, -2.0, 1.0])


def test_the_posed_shape_keeps_proportions_and_takes_pose_and_mouth() -> None:
    neutral = MEAN_FACE * [1, -1, -1]
    wide = neutral * [1.2, 1.0, 1.0]  # another person: a broader face
    opened = neutral.copy()
    opened[56:59, 1] += 0.2 * np.ptp(neutral[48:68, 0])  # the lower lip goes down
    turned = opened @ Pose(40.0, 0.0, 0.0).rotation().T
    made = posed_shape(wide, turned)
    _, rotation, _ = similarity(wide[27:36], made[27:36])
    yaw = np.degrees(np.arctan2(rotation[0, 2], rotation[0, 0]))
    assert abs(yaw - 40) < 4
    back = made @ rotation
    assert np.ptp(back[:17, 0]) / np.ptp(back[27:31, 1]) == pytest.approx(
        np.ptp(wide[:17, 0]) / np.ptp(wide[27:31, 1]), rel=0.02
    )
    assert back[57, 1] - back[51, 1] > 1.15 * (wide[57, 1] - wide[51, 1])


def test_a_swapped_face_leaves_the_surroundings_of_the_reference() -> None:
    method = create("face-swap-warp")
    method.load(LoadContext(size=96))
    (task, *_) = probe_tasks(method.needs, size=96)
    (shown,) = method.reenact([task])
    assert np.array_equal(shown[:6], task.reference[:6])
    assert np.array_equal(shown[:, :6], task.reference[:, :6])
    centre = np.abs(shown[40:70, 40:56].astype(int) - draw_face(1, yaw=18.0, size=96)[0][40:70, 40:56])
    assert centre.mean() > 3


@pytest.mark.slow
def test_on_rendered_people_the_warp_follows_the_motion_and_keeps_the_person(tmp_path: Path) -> None:
    """Twenty-four pairs: nearer to the reference's pose than the source is, and far more alike than a stranger."""
    values = {}
    for name in ("landmark-warp", "landmark-warp-3d", "copy-source", "copy-reference"):
        dgbench.run("synthface-mini-cross@1", name, tmp_path / name, limit=24)
        record = dgbench.score(tmp_path / name)
        values[name] = {metric.name: metric.value for metric in record.metrics}
    for name in ("landmark-warp", "landmark-warp-3d"):
        assert values[name]["pose"] < 0.6 * values["copy-source"]["pose"]
        assert values[name]["landmark_nme"] < 0.6 * values["copy-source"]["landmark_nme"]
        assert values[name]["csim"] > values["copy-reference"]["csim"] + 0.2


@pytest.mark.slow
def test_remembering_finds_targets_that_are_inputs_of_other_pairs(tmp_path: Path) -> None:
    """On @1 every target is an input somewhere; the seeing of it is what @2 takes away."""
    dgbench.run("synthface-mini-cross@1", "memory", tmp_path / "memory")
    record = dgbench.score(tmp_path / "memory")
    assert {metric.name: metric.value for metric in record.metrics}["ssim"] > 0.7
