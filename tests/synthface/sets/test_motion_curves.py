"""Motion: smooth in time, within what necks and lids can do, blinking, and a function of its seed alone."""

from __future__ import annotations

import numpy as np
import pytest

from dgbench.synthface.head.expressions import RAFD_EXPRESSIONS, expression_of
from dgbench.synthface.person.person import person
from dgbench.synthface.sets.motion import FPS, talking_motion

SEEDS = range(12)


def test_equal_seeds_give_equal_motion_and_others_do_not():
    one, same, other = talking_motion(80, seed=5), talking_motion(80, seed=5), talking_motion(80, seed=6)
    assert np.array_equal(one.yaw, same.yaw) and one.weights(40) == same.weights(40)
    assert not np.array_equal(one.yaw, other.yaw)


@pytest.mark.parametrize("frames", [1, 2, 7, 64, 500])
def test_any_length_gives_that_many_finite_frames(frames: int):
    motion = talking_motion(frames, seed=1)
    assert len(motion) == frames and motion.gaze.shape == (frames, 2)
    for curve in (motion.yaw, motion.pitch, motion.roll, motion.gaze, *motion.expression.values()):
        assert len(curve) == frames and np.isfinite(curve).all()


def test_angles_and_weights_stay_where_renders_are_possible():
    for seed in SEEDS:
        motion = talking_motion(400, seed=seed)
        assert np.abs(motion.yaw).max() <= 60 and np.abs(motion.pitch).max() <= 40 and np.abs(motion.roll).max() <= 30
        assert all(curve.min() >= 0 and curve.max() <= 1 for curve in motion.expression.values())


def test_heads_have_no_jumps():
    for seed in SEEDS:
        motion = talking_motion(400, seed=seed)
        # 90 degrees a second on the way, nearly twice that in the middle of a turn, and some drift.
        assert np.abs(np.diff(motion.yaw)).max() < 200 / FPS
        # A turn starts and ends gently; only the limit of the neck may stop a drift short.
        assert np.abs(np.diff(motion.yaw, 2)).max() < 3.5
        assert np.abs(np.diff(motion.pitch)).max() < 3 and np.abs(np.diff(motion.roll)).max() < 2


def test_people_turn_talk_and_blink():
    motions = [talking_motion(500, seed=seed) for seed in SEEDS]
    assert np.mean([np.ptp(motion.yaw) for motion in motions]) > 40
    assert np.mean([motion.expression["jawOpen"].max() for motion in motions]) > 0.3
    for motion in motions:
        shut = motion.expression["eyeBlink_L"] > 0.9
        blinks = int(np.sum(np.diff(shut.astype(int)) == 1))
        assert 2 <= blinks <= 20  # in 20 seconds
        assert shut.mean() < 0.2


def test_the_jaw_moves_at_the_pace_of_syllables():
    rates = []
    for seed in SEEDS:
        jaw = talking_motion(1000, seed=seed).expression["jawOpen"]
        power = np.abs(np.fft.rfft(jaw - jaw.mean())) ** 2
        rate = np.fft.rfftfreq(1000, 1 / FPS)
        band = rate > 1.5
        rates.append(float(rate[band][power[band].argmax()]))
    assert 2.5 < np.median(rates) < 6.5


def test_weights_name_shapes_that_a_head_has_and_leave_out_those_at_rest():
    known = {name for expression in RAFD_EXPRESSIONS for name in expression_of(person(1), expression)}
    motion = talking_motion(200, seed=3)
    extra = {"eyeBlink_L", "eyeBlink_R", "mouthPucker"}
    assert set(motion.expression) <= known | extra
    assert all(weight > 0 for frame in range(0, 200, 20) for weight in motion.weights(frame).values())
