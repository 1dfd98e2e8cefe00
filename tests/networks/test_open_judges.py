from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dgbench.core.errors import MissingError, UsageError
from dgbench.core.face import FaceObservation
from dgbench.networks.detector import Detection, main_face, suppress
from dgbench.networks.judges import Judges, load_judges
from dgbench.synthface.sets.mini import MiniStore


@pytest.fixture(scope="module")
def judges(assets: Path) -> Judges:
    return load_judges("open", weights=assets / "nets")


@pytest.fixture(scope="module")
def seen(judges: Judges, photographs: dict[str, np.ndarray]) -> dict[str, FaceObservation]:
    return dict(zip(photographs, judges.observe(list(photographs.values())), strict=True))


def _same(first: FaceObservation, second: FaceObservation) -> None:
    assert (first.detected, first.score, first.alignment, first.pose) == (
        second.detected,
        second.score,
        second.alignment,
        second.pose,
    )
    assert first.embedding is not None and second.embedding is not None
    np.testing.assert_array_equal(first.embedding, second.embedding)
    assert first.landmarks is not None and second.landmarks is not None
    np.testing.assert_array_equal(first.landmarks.points, second.landmarks.points)


def test_every_photograph_is_detected_and_pupils_lie_where_hands_placed_them(
    assets: Path, judges: Judges, photographs: dict[str, np.ndarray], seen: dict[str, FaceObservation]
) -> None:
    assert all(item.detected and item.score > 0.9 for item in seen.values())
    for name in [name for name in photographs if name.endswith("_03")]:
        placed = np.loadtxt(assets / "frll" / "neutral_front" / f"{name}_pts189.csv", delimiter=",", skiprows=1)
        pupils = placed[:2, -2:] / 2
        five, found = seen[name].points5, seen[name].landmarks
        assert five is not None and found is not None
        apart = np.linalg.norm(pupils[1] - pupils[0])
        assert np.linalg.norm(five[:2] - pupils, axis=1).max() < 0.15 * apart
        centres = np.stack([found.points[36:42, :2].mean(0), found.points[42:48, :2].mean(0)])
        assert np.linalg.norm(centres - pupils, axis=1).max() < 0.13 * apart


def test_same_people_are_alike_and_others_are_not(seen: dict[str, FaceObservation]) -> None:
    neutral = np.stack([item.embedding for name, item in seen.items() if name.endswith("_03")])
    smiling = np.stack([item.embedding for name, item in seen.items() if name.endswith("_08")])
    similar = neutral @ smiling.T
    others = similar[~np.eye(len(similar), dtype=bool)]
    np.testing.assert_allclose(np.linalg.norm(neutral, axis=1), 1, atol=1e-6)
    assert np.diag(similar).mean() > 0.88
    assert abs(others.mean()) < 0.1 and others.max() < 0.5 < np.diag(similar).min()


def test_colours_in_the_wrong_order_are_noticed(judges: Judges, photographs: dict[str, np.ndarray]) -> None:
    name = next(iter(photographs))
    plain, swapped = judges.observe([photographs[name], np.ascontiguousarray(photographs[name][..., ::-1])])
    assert float(plain.embedding @ swapped.embedding) < 0.95


def test_any_batch_gives_the_same_numbers(
    judges: Judges, photographs: dict[str, np.ndarray], seen: dict[str, FaceObservation]
) -> None:
    for name in list(photographs)[:3]:
        _same(judges.observe([photographs[name]])[0], seen[name])
    pair = list(photographs.values())[:2]
    np.testing.assert_array_equal(judges.features(pair)[1], judges.features(pair[1:])[0])


def test_signs_of_the_pose(judges: Judges, photographs: dict[str, np.ndarray]) -> None:
    for name in list(photographs)[:4]:
        image = photographs[name]
        turned = cv2.warpAffine(image, cv2.getRotationMatrix2D((127.5, 127.5), -20, 1), (256, 256))
        plain, mirrored, clockwise = judges.observe([image, np.ascontiguousarray(image[:, ::-1]), turned])
        assert plain.pose and mirrored.pose and clockwise.pose
        assert abs(plain.pose.yaw + mirrored.pose.yaw) < 4 and abs(plain.pose.roll + mirrored.pose.roll) < 4
        assert clockwise.pose.roll - plain.pose.roll == pytest.approx(20, abs=6)


@pytest.mark.parametrize(("cell", "yaw"), [("c06", -45.0), ("c07", 45.0)])
def test_a_nose_to_image_right_is_a_positive_yaw(judges: Judges, cell: str, yaw: float) -> None:
    store = MiniStore()
    faces = [store.image(f"synthface-mini/s{person:04d}/{cell}") for person in range(129, 137)]
    found = [face.pose.yaw for face in judges.observe(faces, roles=("detector", "pose")) if face.pose]
    assert len(found) >= 6
    assert float(np.mean(found)) == pytest.approx(yaw, abs=8)


@pytest.mark.parametrize("kind", ["black", "noise", "flat"])
def test_what_is_no_face_is_not_detected_but_still_embedded(judges: Judges, kind: str) -> None:
    image = np.full((128, 128, 3), 0 if kind == "black" else 190, np.uint8)
    if kind == "noise":
        image = np.random.default_rng(0).integers(0, 256, image.shape, dtype=np.uint8)
    points = np.array([[45, 50], [83, 50], [64, 70], [48, 90], [80, 90]], np.float32)
    nothing, helped = (judges.observe([image], fallback=[given])[0] for given in (None, points))
    assert not nothing.detected and nothing.score == 0 and nothing.landmarks is None and nothing.pose is None
    assert nothing.alignment == "fixed-box" and helped.alignment == "fallback-points"
    assert nothing.embedding is not None and np.isfinite(nothing.embedding).all()


@pytest.mark.parametrize("size", [64, 96, 512])
def test_other_sizes_are_detected(judges: Judges, photographs: dict[str, np.ndarray], size: int) -> None:
    images = [cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA) for image in photographs.values()]
    found = judges.observe(images[:6], roles=["detector"])
    assert all(item.detected for item in found)
    assert all(item.embedding is None and item.alignment == "none" for item in found)


def test_a_face_that_fills_the_frame_is_found(judges: Judges, photographs: dict[str, np.ndarray]) -> None:
    for image in list(photographs.values())[:6]:
        assert judges.observe([np.ascontiguousarray(image[60:210, 58:198])], roles=["detector"])[0].detected


def test_the_main_face_is_large_and_central() -> None:
    def face(score: float, x: float, y: float, side: float) -> Detection:
        box = np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2], np.float32)
        return Detection(score, box, np.zeros((5, 2), np.float32))

    central, corner, small = face(0.8, 50, 50, 40), face(0.9, 10, 10, 40), face(0.95, 50, 50, 10)
    assert main_face([corner, small, central], (100, 100)) is central
    assert main_face([], (100, 100)) is None
    assert suppress([central, face(0.7, 51, 50, 40), corner], overlap=0.3) == [corner, central]


def test_wrong_use_is_told_apart_from_missing_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TORCH_HOME", raising=False)
    monkeypatch.setenv("DGBENCH_OFFLINE", "1")
    with pytest.raises(UsageError, match=r"no such set.*open"):
        load_judges("opem")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no role face"):
        load_judges("open", roles=["face"])
    for name, file in (("open", "yunet_n_dynamic.onnx"), ("standard", "det_10g.onnx")):
        with pytest.raises(MissingError, match=file):
            load_judges(name, weights=tmp_path)  # type: ignore[arg-type]
    with pytest.raises(MissingError, match="weights-inception-2015-12-05-6726825d"):
        load_judges("standard", weights=tmp_path, roles=["features"])


def test_arrays_that_are_no_images_are_refused(judges: Judges) -> None:
    for wrong in (np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3), np.float32), np.zeros((4, 64, 3), np.uint8)):
        with pytest.raises(UsageError, match="uint8 RGB"):
            judges.observe([wrong])
    with pytest.raises(UsageError, match="one per image"):
        judges.observe([np.zeros((64, 64, 3), np.uint8)], fallback=[])


def test_roles_that_were_not_loaded_are_refused(assets: Path) -> None:
    few = load_judges("open", weights=assets / "nets", roles=["detector"])
    assert [network.role for network in few.networks] == ["detector"]
    with pytest.raises(UsageError, match="identity"):
        few.observe([], roles=["identity"])
    with pytest.raises(UsageError, match="features"):
        few.features([])


def test_a_damaged_network_is_refused(tmp_path: Path) -> None:
    from dgbench.networks.detector import YuNet

    (tmp_path / "x.onnx").write_bytes(b"\x08\x01broken")
    with pytest.raises(UsageError, match="not a readable ONNX network"):
        YuNet(tmp_path / "x.onnx")
