from __future__ import annotations

import numpy as np
import pytest

from dgbench.core.errors import UsageError
from dgbench.core.face import Pose
from dgbench.synthface.render.camera import FRAME, PIVOT, camera_of
from dgbench.synthface.render.scene import MULTIPIE_SHOTS, Scene, multipie_light

NOSE, TOP = np.array([0.0, 0, 1]), np.array([0.0, 1, 0])


def test_positive_yaw_points_the_nose_to_image_right():
    assert (Pose(90, 0, 0).rotation() @ NOSE) == pytest.approx([1, 0, 0], abs=1e-12)
    assert (Pose(30, 0, 0).rotation() @ NOSE)[0] == pytest.approx(0.5)


def test_positive_pitch_points_the_nose_up_at_every_yaw():
    for yaw in (-90, -30, 0, 60, 90):
        assert (Pose(yaw, 25, 0).rotation() @ NOSE)[1] == pytest.approx(np.sin(np.radians(25)))


def test_positive_roll_turns_the_picture_clockwise():
    assert (Pose(0, 0, 30).rotation() @ TOP)[0] == pytest.approx(0.5)
    turned = Pose(40, 10, 30).rotation() @ TOP
    flat = Pose(40, 10, 0).rotation() @ TOP
    angle = np.degrees(np.arctan2(turned[0], turned[1]) - np.arctan2(flat[0], flat[1]))
    assert angle == pytest.approx(30)


def test_rotations_are_proper():
    matrix = Pose(33, -21, 12).rotation()
    assert matrix @ matrix.T == pytest.approx(np.eye(3))
    assert np.linalg.det(matrix) == pytest.approx(1)


def test_the_frame_is_as_tall_as_declared_and_zoom_and_shift_do_what_they_say():
    camera = camera_of(Scene(size=200))
    ends = camera.to_pixels(np.array([[0, FRAME / 2, 0], [0, -FRAME / 2, 0.0]]))
    assert ends[:, 1] == pytest.approx([0, 200])
    assert camera_of(Scene(size=200, zoom=2)).focal == pytest.approx(2 * camera.focal)
    moved = camera_of(Scene(size=200, shift=(0.1, -0.2)))
    assert moved.to_pixels(moved.to_camera(np.array([PIVOT])))[0] == pytest.approx([120, 60])


@pytest.mark.parametrize(
    "wrong",
    [{"yaw": 91}, {"pitch": -41}, {"roll": 31}, {"size": 63}, {"size": 513}, {"zoom": 0}, {"yaw": float("nan")}],
)
def test_what_is_out_of_range_is_refused(wrong):
    with pytest.raises(UsageError):
        Scene(**wrong)


def test_multipie_has_twenty_shots_and_shot_seven_is_frontal():
    lights = [multipie_light(shot) for shot in MULTIPIE_SHOTS]
    assert lights[0] == lights[19]
    assert len(set(lights[:19])) == 19
    x, _, z = lights[7].flashes[0].direction
    assert x == pytest.approx(0, abs=1e-12) and z > 0
    assert lights[1].flashes[0].direction[0] < 0 < lights[13].flashes[0].direction[0]
    with pytest.raises(UsageError):
        multipie_light(20)
