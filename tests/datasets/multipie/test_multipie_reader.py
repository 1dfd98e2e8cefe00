from __future__ import annotations

from pathlib import Path

import pytest

from dgbench.core.errors import UsageError
from dgbench.core.protocol import NumberRange
from dgbench.datasets.multipie import EXPRESSIONS, YAWS, read_multipie


def _touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def _name(subject: str, session: int, recording: int, camera: str, shot: int) -> str:
    label = camera.replace("_", "")
    return (
        f"session0{session}/multiview/{subject}/{recording:02d}/{camera}/"
        f"{subject}_{session:02d}_{recording:02d}_{label}_{shot:02d}.png"
    )


def test_expression_follows_from_session_and_recording(tmp_path: Path) -> None:
    for prefix in ("", "data/", "Multi-Pie/data/"):
        _touch(tmp_path, *(prefix + _name("001", s, r, "05_1", 7) for s, r in EXPRESSIONS))
        manifest = read_multipie(tmp_path)
        found = {(row.session, row.recording): row.expression for row in manifest.frames.itertuples()}
        assert found == EXPRESSIONS
        assert found[4, 2] == "neutral" and found[4, 3] == "scream" and found[2, 2] == "surprise"
        assert manifest.found["sessions"] == 4


def test_camera_to_yaw_with_our_sign_and_elevated_ones_without(tmp_path: Path) -> None:
    cameras = [*YAWS, "08_1", "19_1"]
    _touch(tmp_path, *(_name("001", 1, 1, camera, shot) for camera in cameras for shot in (0, 7, 19)))
    frames = read_multipie(tmp_path).frames
    yaw = frames.drop_duplicates("camera").set_index("camera")["yaw_nominal"]
    assert (yaw["24_0"], yaw["05_0"], yaw["05_1"], yaw["14_0"], yaw["11_0"]) == (90, 15, 0, -15, -90)
    assert sorted(yaw.dropna()) == [float(15 * step) for step in range(-6, 7)]
    elevated = frames[frames["elevated"].astype(bool)]
    assert set(elevated["camera"]) == {"08_1", "19_1"} and elevated["yaw_nominal"].isna().all()
    assert set(frames[~frames["flash"].astype(bool)]["illumination"]) == {0, 19}


def test_every_reason_for_leaving_a_file_out_is_told(tmp_path: Path) -> None:
    _touch(
        tmp_path,
        _name("001", 1, 1, "05_1", 7),
        "session01/multiview/001/01/05_1/.001_01_01_051_07.png",
        _name("001", 1, 3, "05_1", 7),
        _name("400", 1, 1, "05_1", 7),
        _name("002", 1, 1, "77_0", 7),
        _name("002", 1, 1, "05_1", 20),
        "session02/multiview/001/01/05_1/001_01_01_051_08.png",
        "session01/multiview/001/01/05_0/001_01_01_051_09.png",
        "session01/multiview/001/01/05_1/preview.png",
        "crops/001_01_01_051_07_cropped.png",
    )
    manifest = read_multipie(tmp_path)
    assert manifest.frames["path"].tolist() == ["session01/multiview/001/01/05_1/001_01_01_051_07.png"]
    assert sum(map(len, manifest.skipped.values())) == 9
    reasons = " | ".join(manifest.skipped)
    for words in (
        "hidden",
        "no recording 03",
        "person number",
        "camera 77_0",
        "shot 20",
        "the session",
        "the camera",
        "without a Multi-PIE name",
        "second copy",
    ):
        assert words in reasons, words


def test_flat_crops_that_kept_the_name_are_read(tmp_path: Path) -> None:
    _touch(tmp_path, "001_01_01_051_06_cropped.png", "192/192_01_02_140_07_crop_128.png", "003_04_03_110_15.bmp")
    frames = read_multipie(tmp_path).frames
    assert frames["subject"].tolist() == ["001", "003", "192"]
    assert set(frames["variant"]) == {"crop"}
    assert frames["expression"].tolist() == ["neutral", "scream", "smile"]


def test_high_resolution_names_keep_a_recording_only_where_no_reading_contradicts(tmp_path: Path) -> None:
    _touch(
        tmp_path,
        "session01/highres/001/001_01_01.png",
        "session01/highres/001/001_01_02.png",
        "session03/highres/002/002_03_01.png",
        "session04/highres/003/003_04_03.png",
        "session01/highres/004/front.png",
    )
    manifest = read_multipie(tmp_path)
    recording = {row.path.rsplit("/", 1)[1]: row.recording for row in manifest.frames.itertuples()}
    assert recording["001_01_01.png"] == 1
    assert recording["003_04_03.png"] == 3
    for ambiguous in ("001_01_02.png", "002_03_01.png"):
        assert str(recording[ambiguous]) == "<NA>"
    assert sum(map(len, manifest.skipped.values())) == 1


def test_the_split_is_by_number_and_not_by_what_is_on_disk(tmp_path: Path) -> None:
    rule = NumberRange(first=1, last=200)
    _touch(tmp_path, _name("200", 1, 1, "05_1", 7), _name("201", 1, 1, "05_1", 7), _name("346", 2, 1, "05_1", 7))
    frames = read_multipie(tmp_path).frames
    assert [subject for subject in frames["subject"] if rule.matches(subject)] == ["200"]


def test_another_data_set_is_refused(tmp_path: Path) -> None:
    _touch(tmp_path, "a/1.png")
    with pytest.raises(UsageError, match="none carries a Multi-PIE name"):
        read_multipie(tmp_path)
