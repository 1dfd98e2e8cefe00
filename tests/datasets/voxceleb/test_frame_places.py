"""Frames of a folder keep their places by the numbers in their names; doubles are told, lost ones are missing."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from dgbench.core.errors import UsageError
from dgbench.datasets.voxceleb.index import index_paths
from dgbench.datasets.voxceleb.metadata import Person, read_people
from dgbench.datasets.voxceleb.people import VOX1, VOX2
from dgbench.datasets.voxceleb.reader import manifest_of
from dgbench.datasets.voxceleb.tracks import read_track

VP = "test/id10280#NXjT3732Ekg#001093#001192.mp4/{:07d}.png"
PLAIN = "id10280/NXjT3732Ekg/00001/{:04d}.jpg"
DENSE = "Ann/1.6/NXjT3732Ekg/3/{:07d}.jpg"


def _rows(pattern: str, numbers: list[int]) -> tuple[list[tuple[int, int]], dict[str, int]]:
    people = {"id10280": Person("id10280", "Ann", None, None, None)}
    index = index_paths(sorted(pattern.format(n) for n in numbers), VOX1, people=people)
    manifest = manifest_of(Path(), index, VOX1, people=people, tables={}, step=5)
    frames = manifest.frames
    numbered = [int(key.rpartition("/")[2]) for key in frames["key"]]
    return list(zip(frames["frame"].tolist(), numbered, strict=True)), manifest.found


@pytest.mark.parametrize(
    ("pattern", "numbers", "rows"),
    [
        (VP, [*range(12)], [(0, 0), (5, 5), (10, 10)]),
        (VP, [n for n in range(12) if n != 3], [(0, 0), (5, 5), (10, 10)]),
        (VP, [*range(1, 12)], [(5, 5), (10, 10)]),  # the first is lost: this layout begins at 0
        (VP, [n for n in range(12) if n != 5], [(0, 0), (10, 10)]),
        (PLAIN, [*range(1, 13)], [(0, 1), (5, 6), (10, 11)]),
        (PLAIN, [n for n in range(1, 13) if n != 4], [(0, 1), (5, 6), (10, 11)]),
        (PLAIN, [*range(0, 60, 5)], [(0, 0), (5, 25), (10, 50)]),
        (PLAIN, [n for n in range(0, 60, 5) if n != 10], [(0, 0), (5, 25), (10, 50)]),
        (DENSE, [n for n in range(75, 90) if n != 77], [(0, 75), (5, 80), (10, 85)]),
        (PLAIN, [3, 90, 1007], [(0, 3)]),  # numbers that count no frames: in order
    ],
)
def test_lost_frames_leave_their_places_empty(pattern: str, numbers: list[int], rows: list[tuple[int, int]]) -> None:
    assert _rows(pattern, numbers)[0] == rows


def test_lost_frames_are_counted() -> None:
    assert "frames missing inside clips" not in _rows(VP, [*range(12)])[1]
    assert _rows(VP, [n for n in range(12) if n not in (3, 4)])[1]["frames missing inside clips"] == 2


def test_two_files_of_one_number_are_told_and_the_lossless_one_is_used() -> None:
    folder = "id10280/NXjT3732Ekg/00001"
    paths = sorted(f"{folder}/{name}" for name in ("0000.jpg", "0000.png", "0001.jpg", "1.jpg", "0002.jpg"))
    index = index_paths(paths, VOX1)
    (clip,) = index.clips.values()
    assert clip.files == [(0, f"{folder}/0000.png"), (1, f"{folder}/0001.jpg"), (2, f"{folder}/0002.jpg")]
    (reason,) = index.skipped
    assert "second image of one frame number" in reason
    assert index.skipped[reason] == [f"{folder}/0000.jpg", f"{folder}/1.jpg"]


def test_names_in_either_unicode_form_are_one_person(tmp_path: Path) -> None:
    name = "Zoë_Saldaña"
    for table, disk in (("NFC", "NFD"), ("NFD", "NFC")):
        meta = tmp_path / "vox1_meta.csv"
        written = unicodedata.normalize(table, name)
        meta.write_text(f"VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet\nid10280\t{written}\tf\tUSA\ttest\n")
        path = f"{unicodedata.normalize(disk, name)}/1.6/NXjT3732Ekg/0000375.jpg"
        index = index_paths([path], VOX1, people=read_people(meta))
        assert [(clip.person, clip.files) for clip in index.clips.values()] == [("id10280", [(375, path)])]


def test_semicolon_metadata_is_read_and_extra_cells_are_refused(tmp_path: Path) -> None:
    meta = tmp_path / "vox2_meta.csv"
    meta.write_text("﻿VoxCeleb2 ID ;VGGFace2 ID ;Gender ;Set \r\nid00012 ;n000012 ;m ;dev \r\n", encoding="utf-8")
    assert read_people(meta)["id00012"].sex == "m"
    meta.write_text("VoxCeleb2 ID,Gender,Set\nid00012,m,dev,surplus\n")
    with pytest.raises(Exception, match="line 2: 4 cells under 3 columns"):
        read_people(meta)
    assert VOX2.owns("id00012")


@pytest.mark.parametrize("cell", ["1_0", "٣", "1.5", "-1", "nan"])
def test_track_numbers_are_plain(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "00001.txt"
    path.write_text(f"Identity : \tid10280\n\nFRAME \tX \tY \tW \tH \n{cell} \t1 \t2 \t3 \t4 \n", encoding="utf-8")
    with pytest.raises(UsageError, match="not a track table"):
        read_track(path)
