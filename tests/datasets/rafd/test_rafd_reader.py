from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image as Pillow

from dgbench.core.errors import UsageError
from dgbench.datasets.rafd import CAMERAS, EXPRESSIONS, GAZES, N_IMAGES, WHO, rafd_name, read_rafd, yaw_of_camera


def _touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def test_the_whole_set_by_its_names(tmp_path: Path) -> None:
    names = [rafd_name(who, c, e, g) for who in WHO for c in CAMERAS for e in EXPRESSIONS for g in GAZES]
    assert len(set(names)) == N_IMAGES == 8040
    _touch(tmp_path, *names)
    manifest = read_rafd(tmp_path)
    assert manifest.found == manifest.expected == {"people": 67, "cameras": 5, "images": 8040}
    assert manifest.skipped == {}
    frames = manifest.frames
    assert frames["subject"].map(type).eq(str).all() and "01" in set(frames["subject"])
    assert frames["camera"].map(type).eq(str).all() and "090" in set(frames["camera"])
    assert list(frames["key"]) == sorted(frames["key"], key=str.encode)
    per_group = frames.groupby(["subject_group", "sex"])["subject"].nunique().to_dict()
    assert per_group == {
        ("Caucasian", "f"): 19,
        ("Caucasian", "m"): 20,
        ("Kid", "f"): 6,
        ("Kid", "m"): 4,
        ("Moroccan", "m"): 18,
    }


def test_yaw_sign_is_nose_to_image_right(tmp_path: Path) -> None:
    """In 045 the model's right side is seen and the nose points to image-right (looked at in published samples)."""
    assert [yaw_of_camera(camera) for camera in CAMERAS] == [90.0, 45.0, 0.0, -45.0, -90.0]
    _touch(tmp_path, "Rafd045_01_Caucasian_female_angry_left.jpg")
    assert read_rafd(tmp_path).frames["yaw_nominal"].tolist() == [45.0]


def test_names_inside_other_names_are_matched_and_nameless_ones_are_listed(tmp_path: Path) -> None:
    _touch(
        tmp_path,
        "RaFD090/cropped_151_159_Rafd090_12_Caucasian_female_happy_frontal.png",
        "angry/000123.jpg",
        "._Rafd090_12_Caucasian_female_happy_left.jpg",
        "notes.txt",
    )
    manifest = read_rafd(tmp_path)
    assert manifest.frames["variant"].tolist() == ["renamed"]
    assert manifest.frames["key"].tolist() == ["rafd/12/090/happy/frontal"]
    assert manifest.skipped["image without a RaFD name"] == ["angry/000123.jpg"]
    assert manifest.skipped["not an image file"] == ["notes.txt"]
    assert sum(len(paths) for paths in manifest.skipped.values()) == 3


def test_names_in_another_case_are_renamed_copies(tmp_path: Path) -> None:
    _touch(
        tmp_path,
        "rafd090_12_Caucasian_female_happy_frontal.jpg",
        "RAFD045_12_caucasian_FEMALE_Happy_Left.PNG",
    )
    frames = read_rafd(tmp_path).frames
    assert frames["key"].tolist() == ["rafd/12/045/happy/left", "rafd/12/090/happy/frontal"]
    assert set(frames["variant"]) == {"renamed"} and set(frames["subject_group"]) == {"Caucasian"}


def test_of_copies_the_published_name_and_the_least_deep_one_is_used(tmp_path: Path) -> None:
    left, right = (rafd_name("01", "090", "sad", gaze) for gaze in ("left", "right"))
    _touch(tmp_path, f"crops/{left}", left, f"a/cropped_{right}", f"b/deep/{right}", f"c/{right}")
    manifest = read_rafd(tmp_path)
    assert manifest.frames["path"].tolist() == [left, f"c/{right}"]
    assert manifest.frames["variant"].tolist() == ["original", "original"]
    ((reason, paths),) = manifest.skipped.items()
    assert reason.startswith("second copy") and paths == [f"crops/{left}", f"b/deep/{right}", f"a/cropped_{right}"]


def test_of_copies_with_the_published_name_the_whole_photograph_is_the_original(tmp_path: Path) -> None:
    whole, crops = (rafd_name("01", "090", "sad", gaze) for gaze in ("left", "right"))
    for name, size in (
        (f"crops/{whole}", (256, 256)),
        (f"originals/jpg/{whole}", (681, 1024)),
        (f"crops/{crops}", (256, 256)),
        (f"crops/again/{crops}", (128, 128)),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Pillow.new("RGB", size).save(tmp_path / name)
    frames = read_rafd(tmp_path).frames
    assert frames["path"].tolist() == [f"originals/jpg/{whole}", f"crops/{crops}"]
    assert frames["variant"].tolist() == ["original", "crop"]


def test_a_nameless_tree_is_refused(tmp_path: Path) -> None:
    _touch(tmp_path, "angry/0001.jpg", "happy/0001.jpg")
    with pytest.raises(UsageError, match="2 images and none carries a RaFD name"):
        read_rafd(tmp_path)


def test_copies_and_contradictions_are_skipped_with_their_reason(tmp_path: Path) -> None:
    _touch(
        tmp_path,
        "a/Rafd090_01_Caucasian_female_sad_left.jpg",
        "b/Rafd090_01_Caucasian_female_sad_left.png",
        "Rafd090_06_Caucasian_female_sad_left.jpg",
        "Rafd090_02_Moroccan_male_sad_left.jpg",
        "Rafd060_02_Caucasian_female_sad_left.jpg",
        "Rafd090_02_Caucasian_female_surprise_left.jpg",
    )
    manifest = read_rafd(tmp_path)
    assert manifest.frames["path"].tolist() == ["a/Rafd090_01_Caucasian_female_sad_left.jpg"]
    reasons = " | ".join(manifest.skipped)
    for words in ("second copy", "person 06", "contradicts", "camera 060", "'surprise'"):
        assert words in reasons
    assert sum(map(len, manifest.skipped.values())) == 5
