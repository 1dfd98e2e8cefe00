from __future__ import annotations

import numpy as np
import pytest

from dgbench.core.card import JudgeNetwork
from dgbench.core.face import Landmarks, Pose
from dgbench.networks.canonical import MEAN_FACE, pose_from_landmarks
from dgbench.networks.detector import Detection
from dgbench.networks.ibug import MEDIAPIPE_TO_IBUG, MIRROR, mesh_to_ibug
from dgbench.networks.pose import LandmarkPose


def _landmarks(yaw: float, pitch: float, roll: float, *, depth: bool = True) -> Landmarks:
    turned = (MEAN_FACE @ Pose(yaw, pitch, roll).rotation().T) * [1, -1, -1] * 4.2
    turned[:, 2] -= turned[:, 2].mean()
    if not depth:
        turned[:, 2] = 0
    return Landmarks(np.add(turned, [80, 90, 0]).astype(np.float32), np.ones(68, np.float32), "truth")


@pytest.mark.parametrize("depth", [True, False])
@pytest.mark.parametrize("pitch", [-30.0, 0.0, 25.0])
@pytest.mark.parametrize("yaw", [-85.0, -40.0, 0.0, 10.0, 60.0])
def test_the_pose_that_turned_the_face_is_found(yaw: float, pitch: float, depth: bool) -> None:
    pose = pose_from_landmarks(_landmarks(yaw, pitch, -12.0, depth=depth))
    np.testing.assert_allclose(pose, (yaw, pitch, -12.0), atol=0.05)


def test_profiles_have_their_yaw() -> None:
    for yaw in (-90.0, 90.0):
        assert pose_from_landmarks(_landmarks(yaw, 0, 0)).yaw == pytest.approx(yaw, abs=0.5)


def test_an_open_mouth_does_not_turn_the_head() -> None:
    face = _landmarks(30, 5, 0)
    face.points[4:13, 1] += 9
    face.points[48:, 1] += 6
    np.testing.assert_allclose(pose_from_landmarks(face), (30, 5, 0), atol=0.05)


@pytest.mark.parametrize("points", [np.zeros((68, 3)), np.full((68, 3), np.nan), np.tile(np.arange(68)[:, None], 3)])
def test_points_without_a_pose(points: np.ndarray) -> None:
    landmarks = Landmarks(points.astype(np.float32), np.ones(68, np.float32), "x")
    with pytest.raises(ValueError, match="no pose"):
        pose_from_landmarks(landmarks)
    judge = LandmarkPose(JudgeNetwork(role="landmarks", name="x", sha256=""))
    face = Detection(1.0, np.zeros(4, np.float32), np.zeros((5, 2), np.float32))
    assert judge.measure(np.zeros((8, 8, 3), np.uint8), face, landmarks) is None


def test_mirror_is_its_own_inverse_and_fits_the_mean_face() -> None:
    mirror = list(MIRROR)
    assert [mirror[index] for index in mirror] == list(range(68))
    np.testing.assert_allclose(MEAN_FACE[mirror] * [-1, 1, 1], MEAN_FACE, atol=0.011)


def test_the_mesh_table_takes_68_different_points() -> None:
    assert len(set(MEDIAPIPE_TO_IBUG)) == 68 and max(MEDIAPIPE_TO_IBUG) < 468
    mesh = np.random.default_rng(0).normal(size=(468, 3))
    points = mesh_to_ibug(mesh)
    np.testing.assert_allclose(points[:, :2], mesh[list(MEDIAPIPE_TO_IBUG), :2], rtol=1e-6)
    assert abs(float(points[:, 2].mean())) < 1e-6
    with pytest.raises(ValueError, match="468"):
        mesh_to_ibug(mesh[:400])
