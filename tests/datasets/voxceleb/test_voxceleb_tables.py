from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dgbench.core.errors import UsageError
from dgbench.datasets.voxceleb.metadata import read_listed_clips, read_people
from dgbench.datasets.voxceleb.tracks import read_track

_HEAD = (
    "Identity  : \tid10280\nReference : \tNXjT3732Ekg\nOffset    : \t-1\nFV Conf   : \t22.1\t(1)\nASD Conf  : \t4.9\n\n"
)


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_tracks_in_both_official_units_and_in_pixels(tmp_path: Path) -> None:
    one = _write(tmp_path / "1.txt", _HEAD + "FRAME \tX \tY \tW \tH \n000010 \t223 \t80 \t130 \t130 \n")
    two = _write(tmp_path / "2.txt", _HEAD + "FRAME \tX \tY \tW \tH \n000010 \t0.25 \t0.5 \t0.125 \t0.25 \n")
    first, second = read_track(one), read_track(two)
    assert first.space == "h360" and second.space == "unit"
    assert first.head["Identity"] == "id10280" and first.head["Reference"] == "NXjT3732Ekg"
    np.testing.assert_allclose(first.to_pixels(width=1280, height=720), [[446, 160, 706, 420]])
    np.testing.assert_allclose(second.to_pixels(width=1280, height=720), [[320, 360, 480, 540]])
    np.testing.assert_allclose(read_track(one, space="pixels").to_pixels(width=9, height=9), [[223, 80, 353, 210]])


@pytest.mark.parametrize(
    "text",
    [
        "",
        _HEAD,
        _HEAD + "FRAME X Y W H\n1 2 3\n",
        _HEAD + "FRAME X Y W H\nx 1 2 3 4\n",
        _HEAD + "FRAME X Y W H\n1 nan 2 3 4\n",
    ],
)
def test_broken_tracks_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="track"):
        read_track(_write(tmp_path / "x.txt", text))


def test_both_metadata_dialects_and_the_newer_ones(tmp_path: Path) -> None:
    one = read_people(
        _write(
            tmp_path / "a.csv",
            "VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet\nid10001\tA.J._Buckley\tm\tIreland\tdev\n",
        )
    )
    assert one["id10001"].name == "A.J._Buckley" and one["id10001"].nationality == "Ireland"
    two = read_people(
        _write(
            tmp_path / "b.csv",
            "VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set \nid00012 ,n000012 ,m ,dev \nid00017 ,n000017 ,f ,test \n",
        )
    )
    assert two["id00017"].sex == "f" and two["id00017"].official == "test"
    newer = read_people(
        _write(tmp_path / "c.csv", "Name\tVoxCeleb2ID\tVGGFace2 ID\tGender\tSet\nSomebody\tid00012\tn1\tm\tdev\n")
    )
    assert newer["id00012"].name == "Somebody"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "must be 'VoxCeleb1 ID'"),
        ("VoxCeleb1 ID,x\nn000012,1\n", "no VoxCeleb id"),
        ("VoxCeleb1 ID,Gender\nid10001,m\nid10001,f\n", "is repeated"),
        ("", "empty"),
    ],
)
def test_wrong_metadata_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_people(_write(tmp_path / "x.csv", text))


def test_clip_list_in_both_dialects_without_repeats(tmp_path: Path) -> None:
    header = "video_id,start,end,bbox,fps,width,height,partition"
    one, repeated, _ = read_listed_clips(
        _write(
            tmp_path / "a.csv",
            f"{header},person_id\n" + "_Mh3ye5tBsE,3657,3994,624-48-1018-553,25,1280,720,train,id10005\n" * 2,
        )
    )
    assert repeated == 1 and one[0].identity == "id10005" and one[0].clip == "003657-003994"
    two, *_ = read_listed_clips(
        _write(tmp_path / "b.csv", f"{header}\n_Mh3ye5tBsE#id10005,3657,3994,624-48-1018-553,25,1280,720,train\n")
    )
    assert two == one
    with pytest.raises(UsageError, match="columns bbox"):
        read_listed_clips(_write(tmp_path / "c.csv", "video_id,start,end,fps,width,height,partition\n"))


def test_odd_rows_of_the_clip_list_are_left_out_and_odd_boxes_do_not_matter(tmp_path: Path) -> None:
    header = "video_id,start,end,bbox,fps,width,height,partition,person_id"
    rows = ["a,1,2,-5--4-30-40,25,1,1,train,id10005", "b,one,2,1-2-3-4,25,1,1,train,id10005", "c,1", "d,1,2,,,,,test,x"]
    listed = read_listed_clips(_write(tmp_path / "a.csv", "\n".join([header, *rows])))
    assert [clip.video for clip in listed.clips] == ["a", "d"]
    assert listed.odd_lines == [3, 4] and listed.repeated == 0
    with pytest.raises(UsageError, match="not one of 2 rows"):
        read_listed_clips(_write(tmp_path / "b.csv", "\n".join([header, *rows[1:3]])))
