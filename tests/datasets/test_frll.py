"""The FRLL reader: names are a grammar; everything left out has its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from dgbench.core.errors import MissingError, UsageError
from dgbench.datasets.frll import PEOPLE, read_frll, whole_set


def _touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_reads_a_partial_copy_and_counts_it(tmp_path: Path) -> None:
    _touch(tmp_path, "smiling_front/001_08.jpg", "neutral_front/001_03.jpg", "any/where/002_03.JPG")
    manifest = read_frll(tmp_path)
    assert manifest.frames["key"].tolist() == ["frll/001/03", "frll/001/08", "frll/002/03"]
    assert manifest.frames["expression"].tolist() == ["neutral", "happy", "neutral"]
    assert manifest.frames["path"].tolist()[2] == "any/where/002_03.JPG"
    assert manifest.found == {"people": 2, "images": 3}
    assert manifest.expected == {"people": 102, "images": 204}


def test_everything_left_out_is_listed_with_its_reason(tmp_path: Path) -> None:
    _touch(
        tmp_path,
        "a/001_03.jpg", "b/001_03.jpg",  # a second copy
        "a/._001_08.jpg", ".Trash/002_03.jpg", "a/001_07.jpg", "a/015_03.jpg", "a/portrait.png", "a/001_03.tem",
    )  # fmt: skip
    manifest = read_frll(tmp_path)
    assert manifest.frames["path"].tolist() == ["a/001_03.jpg"]
    assert {reason.split(" ")[0]: paths for reason, paths in manifest.skipped.items()} == {
        "second": ["b/001_03.jpg"],
        "hidden": [".Trash/002_03.jpg", "a/._001_08.jpg"],
        "view": ["a/001_07.jpg"],
        "person": ["a/015_03.jpg"],
        "image": ["a/portrait.png"],
        "not": ["a/001_03.tem"],
    }


def test_another_image_suffix_is_read(tmp_path: Path) -> None:
    _touch(tmp_path, "a/001_03.tif", "a/001_08.webp")
    assert read_frll(tmp_path).frames["key"].tolist() == ["frll/001/03", "frll/001/08"]


def test_a_folder_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no such folder"):
        read_frll(tmp_path / "none")


def test_another_data_set_is_refused(tmp_path: Path) -> None:
    _touch(tmp_path, "Rafd090_01_Caucasian_female_happy_frontal.jpg")
    with pytest.raises(UsageError, match="no photograph of the London set"):
        read_frll(tmp_path)


def test_the_whole_set_is_102_people_twice() -> None:
    frames = whole_set()
    assert (len(PEOPLE), len(set(PEOPLE)), len(frames)) == (102, 102, 204)
    assert frames["subject"].map(type).eq(str).all()


def test_the_shared_copy_is_read(assets: Path) -> None:
    manifest = read_frll(assets / "frll")
    assert manifest.found == {"people": 81, "images": 162}
    assert {reason: len(paths) for reason, paths in manifest.skipped.items()} == {"not an image file": 81}
