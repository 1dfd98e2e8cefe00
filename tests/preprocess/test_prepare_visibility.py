from __future__ import annotations

import numpy as np
import pytest

from dgbench.core.face import Landmarks, Pose
from dgbench.networks.canonical import MEAN_FACE
from dgbench.preprocess.visibility import visibility_from_pose, with_visibility

# iBUG: 0 is the image-left end of the jaw, 16 the image-right one; 36 and 45 are the outer eye corners, 30 the nose.


def test_the_side_that_turns_away_is_hidden() -> None:
    frontal = visibility_from_pose(Pose(0, 0, 0))
    assert frontal.min() > 0.5
    right = visibility_from_pose(Pose(60, 0, 0))  # nose to image-right: the image-right cheek goes out of sight
    assert right[16] == 0 and right[0] == 1 and right[30] == 1
    left = visibility_from_pose(Pose(-60, 0, 0))
    assert left[0] == 0 and left[16] == 1
    profile = visibility_from_pose(Pose(90, 0, 0))
    assert profile[45] < 0.5 < profile[36]
    assert 20 < profile.sum() < 50


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 20), (60, 25), (-60, 25), (80, -20)])
def test_yaw_and_pitch_together_turn_the_head_as_everywhere(yaw: float, pitch: float) -> None:
    pose = Pose(yaw, pitch, 0)
    normals = MEAN_FACE * (1, 0.25, 1)
    turned = (pose.rotation() @ (normals / np.linalg.norm(normals, axis=1, keepdims=True)).T)[2]
    wanted = np.clip((98 - np.degrees(np.arccos(np.clip(turned, -1, 1)))) / 16, 0, 1)
    np.testing.assert_allclose(visibility_from_pose(pose), wanted, atol=1e-6)
    np.testing.assert_array_equal(visibility_from_pose(pose), visibility_from_pose(Pose(yaw, pitch, 30)))


def test_networks_that_tell_visibility_are_believed() -> None:
    points = np.zeros((68, 3), np.float32)
    told = Landmarks(points, np.linspace(0, 1, 68).astype(np.float32), "x")
    assert with_visibility(told, Pose(80, 0, 0)) is told
    untold = Landmarks(points, np.ones(68, np.float32), "x")
    assert with_visibility(untold, None) is untold
    assert with_visibility(untold, Pose(80, 0, 0)).visibility.min() == 0
