"""CSIM, pose, landmark, expression and detection metrics against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import FakeJudges
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from dgbench.core.companions import COMPANIONS, PARTS
from dgbench.core.errors import UsageError
from dgbench.core.face import FaceObservation, Failure, Landmarks, Pose
from dgbench.core.pair import Pair
from dgbench.metrics.contract import PairView
from dgbench.metrics.csim import cosine
from dgbench.metrics.expression import MOVING, STABLE, expression_error, similarity
from dgbench.metrics.pose import angle_error, geodesic
from dgbench.metrics.registry import METRICS, make_metric, metric_class, metric_names, with_companions

CROSS = Pair(
    pair_id="p", relation="cross", source="a", reference="b", target="c", source_identity="1", reference_identity="2"
)
NO_TARGET = CROSS.model_copy(update={"target": None})
FACE = np.random.default_rng(1).uniform(20, 80, (68, 3)).astype(np.float32)
OWN_NETWORK = {"lpips", "paper/csim-ir50", "paper/fid-stargan2", "expression_coefficients"}
IMAGE = np.zeros((128, 128, 3), dtype=np.uint8)


AHEAD = Pose(0, 0, 0)


def seen(*, detected=True, embedding=(1.0, 0.0), points=FACE, pose=AHEAD, alignment="detector"):
    return FaceObservation(
        detected=detected,
        score=0.9,
        points5=None,
        alignment=alignment,
        embedding=None if embedding is None else np.array(embedding, dtype=np.float32),
        landmarks=None if points is None else Landmarks(points, np.ones(68, np.float32), "fake"),
        pose=pose,
    )


def score(name: str, *, pair=CROSS, image=IMAGE, **views):
    names = {f"seen_{role}": view for role, view in views.items()}
    return make_metric(name, FakeJudges()).score(PairView(pair, generated=image, **names))


def kind(result) -> str:
    assert isinstance(result, Failure)
    return result.kind


def test_csim_compares_the_named_images():
    views = {
        "generated": seen(embedding=(1, 0)),
        "source": seen(embedding=(0.6, 0.8)),
        "target": seen(embedding=(0, 1)),
        "reference": seen(embedding=(-1, 0)),
    }
    assert score("csim", **views) == pytest.approx(0.6)
    assert score("csim_target", **views) == pytest.approx(0.0)
    assert score("csim_ceiling", **views) == pytest.approx(0.8)
    assert score("csim_impostor", **views) == pytest.approx(-0.6)


def test_an_undetected_face_is_a_failure_for_csim_and_measured_by_fallback_beside_it():
    views = {"generated": seen(detected=False, alignment="fallback-points"), "source": seen()}
    assert kind(score("csim", **views)) == "no-face"
    assert score("csim_fallback", **views) == pytest.approx(1.0)


def test_csim_of_what_is_missing_or_not_finite():
    assert kind(score("csim", generated=None, source=seen())) == "missing"
    assert kind(score("csim", generated=seen(embedding=None), source=seen())) == "no-face"
    assert kind(score("csim", generated=seen(embedding=(np.nan, 0)), source=seen())) == "not-finite"
    assert kind(score("csim", generated=seen(embedding=(0, 0)), source=seen())) == "not-finite"


@given(st.lists(st.floats(-10, 10, width=32), min_size=4, max_size=4))
@settings(max_examples=50, deadline=None)
def test_cosine_is_in_range_and_ignores_length(values):
    a = np.array(values, dtype=np.float32)
    b = np.array([1, -2, 3, 0.5], dtype=np.float32)
    if np.linalg.norm(a) > 1e-3:
        assert -1 <= cosine(a, b) <= 1
        assert cosine(a, b) == pytest.approx(cosine(4 * a, b), abs=1e-6)
        assert cosine(a, a) == pytest.approx(1.0, abs=1e-12)


def test_no_value_that_can_be_measured_is_below_the_floor():
    """Failing never pays: a failed pair scores no better than the worst measured one."""
    judges = FakeJudges()
    worst = {
        "csim": score("csim", generated=seen(embedding=(1, 0)), source=seen(embedding=(-1, 0))),
        "pose": score("pose", generated=seen(pose=Pose(180, 0, 0)), reference=seen()),
        "pose_yaw": score("pose_yaw", generated=seen(pose=Pose(180, 0, 0)), reference=seen()),
        "landmark_nme": score("landmark_nme", generated=seen(points=FACE + 9000), target=seen()),
        "akd": score("akd", generated=seen(points=FACE + 9000), target=seen()),
        "expression": score(
            "expression",
            generated=seen(points=FACE * np.where(np.isin(np.arange(68), MOVING), 99, 1)[:, None]),
            target=seen(),
        ),
        "detection": score("detection", generated=seen(detected=False)),
    }
    for name, value in worst.items():
        assert value == pytest.approx(make_metric(name, judges).card.floor, abs=1e-6), name


poses = st.builds(Pose, st.floats(-90, 90), st.floats(-60, 60), st.floats(-60, 60))


@given(poses, poses)
@settings(max_examples=60, deadline=None)
def test_geodesic_is_scipys_rotation_angle(first, second):
    def scipy_rotation(pose: Pose) -> Rotation:
        # Our roll turns clockwise as seen and our pitch lifts the nose: both against the right-hand rule.
        return Rotation.from_euler("ZYX", [-pose.roll, pose.yaw, -pose.pitch], degrees=True)

    assert first.rotation() == pytest.approx(scipy_rotation(first).as_matrix(), abs=1e-12)
    expected = np.degrees((scipy_rotation(first) * scipy_rotation(second).inv()).magnitude())
    assert geodesic(first, second) == pytest.approx(expected, abs=1e-6)
    assert geodesic(first, second) == pytest.approx(geodesic(second, first), abs=1e-9)
    assert geodesic(first, first) == pytest.approx(0.0, abs=1e-9)


def test_at_a_profile_pitch_and_roll_that_turn_about_one_axis_are_one_angle():
    """Angles alone are ill defined there; composed in another order, equal heads would seem 14 degrees apart."""
    assert geodesic(Pose(90, 7, 0), Pose(90, 0, 7)) == pytest.approx(14, abs=1e-6)
    assert geodesic(Pose(90, 7, 0), Pose(90, 0, -7)) == pytest.approx(0, abs=1e-6)


def test_pose_errors_by_hand():
    views = {"generated": seen(pose=Pose(30, 5, -3)), "reference": seen(pose=Pose(-15, 5, 0))}
    assert score("pose_yaw", **views) == pytest.approx(45)
    assert score("pose_pitch", **views) == 0
    assert score("pose_roll", **views) == pytest.approx(3)
    assert angle_error(179, -179) == pytest.approx(2)
    only_yaw = {"generated": seen(pose=Pose(30, 0, 0)), "reference": seen(pose=Pose(-15, 0, 0))}
    assert score("pose", **only_yaw) == pytest.approx(45)


def test_pose_of_what_is_not_there():
    assert kind(score("pose", generated=seen(detected=False), reference=seen())) == "no-face"
    assert kind(score("pose", generated=seen(pose=None), reference=seen())) == "no-face"
    assert kind(score("pose", generated=seen(pose=Pose(np.nan, 0, 0)), reference=seen())) == "not-finite"
    assert kind(score("pose", generated=None, reference=seen())) == "missing"


def test_landmark_errors_by_hand():
    moved = FACE + np.array([3.0, 4.0, 50.0], dtype=np.float32)  # depth does not count
    sides = np.ptp(FACE[:, :2].astype(np.float64), axis=0)
    views = {"generated": seen(points=moved), "target": seen(), "reference": seen(points=FACE + 30)}
    assert score("landmark_nme", **views) == pytest.approx(5 / np.sqrt(sides.prod()), rel=1e-5)
    # FOMM: mean of |dx| and |dy|, not the distance, scaled from 128 px to 256.
    assert score("akd", **views) == pytest.approx(3.5 * 2, rel=1e-5)
    # Without a target the reference is the truth.
    assert score("akd", pair=NO_TARGET, **views) == pytest.approx((27 + 26) / 2 * 2, rel=1e-5)


def test_landmarks_of_what_is_not_there():
    for name in ("landmark_nme", "akd", "expression"):
        assert kind(score(name, generated=seen(detected=False), target=seen())) == "no-face"
        assert kind(score(name, generated=seen(points=None), target=seen())) == "no-face"
        assert kind(score(name, generated=seen(), target=seen(points=None))) == "no-face"
        assert kind(score(name, generated=seen(points=FACE * np.nan), target=seen())) == "not-finite"
        assert kind(score(name, generated=seen(), target=None)) == "missing"
    same = np.ones_like(FACE)
    assert kind(score("landmark_nme", generated=seen(), target=seen(points=same))) == "not-finite"
    assert kind(score("expression", generated=seen(points=same), target=seen())) == "not-finite"


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_expression_ignores_head_motion_and_sees_the_mouth(seed):
    rng = np.random.default_rng(seed)
    turn = Rotation.random(rng=rng).as_matrix()
    moved = rng.uniform(0.5, 2) * FACE.astype(np.float64) @ turn.T + rng.normal(size=3) * 50
    assert expression_error(moved, FACE.astype(np.float64)) == pytest.approx(0, abs=1e-6)
    opened = FACE.astype(np.float64).copy()
    opened[48:68, 1] += 5
    eyes = np.linalg.norm(FACE[36].astype(np.float64) - FACE[45])
    assert expression_error(opened, FACE.astype(np.float64)) == pytest.approx(5 * 20 / len(MOVING) / eyes, rel=1e-9)


def test_expression_falls_back_to_2d_where_one_side_has_no_depth():
    flat = FACE.astype(np.float64).copy()
    flat[:, 2] = 0
    assert expression_error(FACE.astype(np.float64), flat) == pytest.approx(0, abs=1e-9)


def test_similarity_never_mirrors():
    points = np.random.default_rng(0).normal(size=(13, 3))
    turn, scale, _ = similarity(points, points * [-1, 1, 1])
    assert np.linalg.det(turn) == pytest.approx(1)
    assert scale > 0
    assert not set(STABLE) & set(MOVING)


def test_names_and_cards():
    judges = FakeJudges()
    digests = set()
    for name in metric_names():
        if name.endswith("]") or name in {"fid", "kid"} | OWN_NETWORK:
            continue
        card = make_metric(name, judges).card
        assert card.name == name
        assert (card.floor is None) == (card.level == "set")
        assert card.digest == make_metric(name, judges).card.digest
        digests.add(card.digest)
    assert len(digests) == len(metric_names()) - 4 - len(OWN_NETWORK)
    with pytest.raises(UsageError, match="Did you mean 'ssim'"):
        make_metric("sim")
    with pytest.raises(UsageError, match="needs judges"):
        make_metric("csim")


def test_fid_is_the_official_inceptions_name_alone():
    judges = FakeJudges()
    with pytest.raises(UsageError, match="official Inception"):
        make_metric("fid", judges)
    with pytest.raises(UsageError, match="official Inception"):
        make_metric("kid", judges)
    with pytest.raises(UsageError, match=r"fd\[fake\]"):
        make_metric("fd[other]", judges)
    assert make_metric("fd[fake]", judges).card.name == "fd[fake]"
    judges.features_name = "fid"
    assert make_metric("fid", judges).card.title == "FID"


def test_companions_stand_after_what_they_explain_and_once():
    names = with_companions(["ssim", "csim", "csim_target", "fd[fake]"])
    assert names == (
        "ssim", "csim", "csim_target", "fd[fake]", "paper/ssim-range2", "csim_fallback", "csim_ceiling",
        "csim_impostor", "kd[fake]",
    )  # fmt: skip
    assert with_companions(names) == names
    for name in names:
        make_metric(name, FakeJudges())
    said = {name: metric_class(name).companions for name in METRICS.names() if name not in metric_class(name).parts}
    assert {name: others for name, others in said.items() if others} == COMPANIONS
    assert {name: metric_class(name).parts for name in PARTS} == PARTS


def test_a_card_changes_with_the_network():
    class Other(FakeJudges):
        networks = tuple(n.model_copy(update={"sha256": "1" * 64}) for n in FakeJudges.networks)

    for name in ("csim", "pose", "akd", "detection", "fd[fake]"):
        assert make_metric(name, FakeJudges()).card.digest != make_metric(name, Other()).card.digest
    assert make_metric("ssim", FakeJudges()).card.digest == make_metric("ssim", Other()).card.digest
