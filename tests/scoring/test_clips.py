"""Temporal metrics: jitter by hand, FVD against the plain formula, and stated answers for broken clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes import FakeJudges, face_image

from dgbench.core.errors import MissingError, UsageError
from dgbench.core.face import Failure
from dgbench.metrics.clips.fvd import FILE
from dgbench.metrics.clips.jitter import jitter
from dgbench.metrics.frechet import frechet
from dgbench.scoring.clips import Clip, score_clips

CLOUD = np.random.default_rng(0).uniform(0, 100, (68, 2))
SIZE = float(np.sqrt(np.ptp(CLOUD, axis=0).prod()))
GONE = Failure("crashed", "x")


def test_smooth_motion_and_equal_motion_have_no_jitter():
    steady = [CLOUD + 3.0 * t for t in range(6)]
    shaky = [CLOUD + np.sin(5 * t) for t in range(6)]
    assert jitter(steady, [CLOUD] * 6) == pytest.approx(0, abs=1e-12)
    assert jitter(shaky, shaky) == 0


def test_one_jump_by_hand():
    frames = [CLOUD, CLOUD, CLOUD + np.array([4.0, 3.0]), CLOUD, CLOUD]
    # Second differences: 5, 10 and 5 px.
    assert jitter(frames, [CLOUD] * 5) == pytest.approx(20 / 3 / SIZE)


def test_a_lost_face_costs_its_triples_and_is_not_dropped():
    assert jitter([CLOUD, CLOUD, None, CLOUD, CLOUD, CLOUD], [CLOUD] * 6) == pytest.approx(3 / 4)
    assert jitter([CLOUD] * 4, [CLOUD, None, CLOUD, CLOUD]).kind == "no-face"


def clip(name: str, generated, real, people=("a", "a")) -> Clip:
    return Clip(name, *people, lambda: (generated, real))


def test_clips_are_scored_with_failures_at_the_cap_and_an_interval_over_people():
    def frames(start):
        return [face_image(start + n) for n in range(5)]

    clips = [clip(f"c{n}", frames(10 * n + 1), frames(10 * n + 1), (f"p{n}", f"p{n}")) for n in range(5)]
    clips.append(clip("c9", frames(90)[:2], frames(90)[:2], ("p9", "p9")))
    (value,) = score_clips(clips, judges=FakeJudges())
    assert value.measured_only == 0
    assert value.value == pytest.approx(1 / 6)
    assert value.failures == {"missing": 1}
    assert value.interval.low <= value.value <= value.interval.high
    (other,) = score_clips(clips[::-1], judges=FakeJudges())
    assert other == value
    broken = [clip("c0", [GONE] * 5, frames(1))]
    assert score_clips(broken, judges=FakeJudges())[0].value == 1.0


def video_network(path: Path) -> Path:
    """Features: the mean colour of each of 4 frames, in two halves."""
    from onnx import TensorProto, helper, save

    nodes = [
        helper.make_node("AveragePool", ["x"], ["p"], kernel_shape=[1, 16, 8], strides=[1, 16, 8]),
        helper.make_node("Flatten", ["p"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "video",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 4, 16, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 24])],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path


def test_fvd_is_the_frechet_distance_of_the_networks_features(tmp_path):
    video_network(tmp_path / FILE)
    sides = [[[face_image(100 * s + 10 * n + t, size=16) for t in range(6)] for n in range(5)] for s in (1, 2)]
    clips = [clip(f"c{n}", sides[0][n], sides[1][n]) for n in range(5)] + [
        clip("short", sides[0][0][:3], sides[1][0][:3])
    ]
    (value,) = score_clips(clips, judges=None, metrics=["fvd"], weights=tmp_path)

    def features(frames):
        stack = np.stack(frames[:4]).astype(np.float32) / 127.5 - 1
        halves = stack.reshape(4, 16, 2, 8, 3).mean(axis=(1, 3))  # frame, half, channel
        return halves.transpose(2, 0, 1).ravel()

    expected = frechet(*(np.stack([features(f) for f in side]).astype(np.float32) for side in sides[::-1]))
    assert value.value == pytest.approx(expected, rel=1e-4)
    assert value.failures == {"missing": 1}
    assert "small N: 5 clips" in value.note
    (alone,) = score_clips(clips[:1], judges=None, metrics=["fvd"], weights=tmp_path)
    assert alone.value is None


def test_a_frame_that_failed_enters_as_black(tmp_path):
    video_network(tmp_path / FILE)
    real = [[face_image(10 * n + t + 1, size=16) for t in range(4)] for n in range(4)]
    whole = [clip(f"c{n}", real[n], real[n]) for n in range(4)]
    lost = [clip(f"c{n}", [GONE, *real[n][1:]], real[n]) for n in range(4)]
    scores = [score_clips(c, judges=None, metrics=["fvd"], weights=tmp_path)[0].value for c in (whole, lost)]
    assert scores[0] == pytest.approx(0, abs=1e-6)
    assert scores[1] > 0.5


def test_wrong_use_is_said(tmp_path):
    one = clip("c", [face_image(1)] * 3, [face_image(1)] * 4)
    for clips, options, words in (
        ([], {}, "no clips"),
        ([one], {"judges": FakeJudges()}, "3 generated and 4 real"),
        ([one], {"metrics": ["shake"]}, "unknown clip metric"),
        ([one], {"judges": None}, "needs judges"),
    ):
        with pytest.raises(UsageError, match=words):
            score_clips(clips, **{"judges": FakeJudges(), **options})
    with pytest.raises(MissingError, match=r"fvd\.onnx is not here"):
        score_clips([one], judges=None, metrics=["fvd"], weights=tmp_path)
