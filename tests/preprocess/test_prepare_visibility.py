from __future__ import annotations

import numpy as np

from dgbench.core.face import Landmarks, Pose
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


def test_networks_that_tell_visibility_are_believed() -> None:
    points = np.zeros((68, 3), np.float32)
    told = Landmarks(points, np.linspace(0, 1, 68).astype(np.float32), "x")
    assert with_visibility(told, Pose(80, 0, 0)) is told
    untold = Landmarks(points, np.ones(68, np.float32), "x")
    assert with_visibility(untold, None) is untold
    assert with_visibility(untold, Pose(80, 0, 0)).visibility.min() == 0
