"""Names of published lists are matched by all that identifies an image, in every layout; what is not is told."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pandas as pd
import pytest

from dgbench.core.errors import UsageError
from dgbench.datasets.manifest import make_frames
from dgbench.datasets.multipie import multipie_key
from dgbench.datasets.rafd import rafd_key, rafd_name
from dgbench.protocols.published_lists import PublishedPairs, pairs_from_list, read_list

ONE, TWO = ("id00017", "AAAAAAAAAAA"), ("id00061", "BBBBBBBBBBB")


def _clips(layout: str) -> pd.DataFrame:
    """Two people, two utterances of one number each: the file names of the two people are the same."""
    rows = []
    for person, video in (ONE, TWO):
        for clip in ("00001", "00002"):
            for position in (0, 5):
                path = layout.format(person=person, video=video, clip=clip, number=position)
                rows.append(
                    {
                        "key": f"vox2/{person}/{video}/{clip}/{position:07d}",
                        "dataset": "voxceleb2",
                        "subject": person,
                        "path": path,
                        "container": "video" if path.endswith(".mp4") else "image",
                        "frame": position,
                    }
                )
    return make_frames(rows)


def _laid(tmp_path: Path, text: str, frames: pd.DataFrame, **how: str) -> PublishedPairs:
    path = tmp_path / "list.csv"
    path.write_text(text, encoding="utf-8")
    return pairs_from_list(read_list(path, **how), frames)


@pytest.mark.parametrize(
    "layout",
    [
        "mp4/{person}/{video}/{clip}.mp4",
        "dev/mp4/{person}/{video}/{clip}.mp4",
        "{person}/{video}/{clip}/{number}.png",
        "x/{person}/{video}/{clip}/{number:04d}.jpg",
    ],
)
@pytest.mark.parametrize(
    "written", ["/d/mp4/{}/{}/{}.mp4", "{}/{}/{}", "\\\\host\\vox\\{}\\{}\\{}.MP4", "{}/{}/{}.avi"]
)
def test_two_people_with_the_same_utterance_numbers(tmp_path: Path, layout: str, written: str) -> None:
    text = f"source,driving,frame\n{written.format(*ONE, '00001')},{written.format(*TWO, '00002')},5\n"
    found = _laid(tmp_path, text, _clips(layout))
    assert found.unused == []
    (pair,) = found.pairs
    assert (pair.relation, pair.source_identity, pair.reference_identity) == ("cross", "id00017", "id00061")
    assert pair.source == "vox2/id00017/AAAAAAAAAAA/00001/0000000"
    assert pair.reference == "vox2/id00061/BBBBBBBBBBB/00002/0000005"


@pytest.mark.parametrize("name", ["00001.mp4", "AAAAAAAAAAA/00001.mp4", "00001", "id00099/AAAAAAAAAAA/00001.mp4"])
def test_part_of_a_name_is_unused_and_told(tmp_path: Path, name: str) -> None:
    text = f"source,driving\n{name},id00061/BBBBBBBBBBB/00002.mp4\n"
    found = _laid(tmp_path, text, _clips("mp4/{person}/{video}/{clip}.mp4"))
    assert found.pairs == []
    ((line, reason),) = found.unused
    assert line == 2 and "not in this copy" in reason and name in reason


def test_file_numbers_are_numbers_and_a_frame_said_twice_must_agree(tmp_path: Path) -> None:
    frames = _clips("{person}/{video}/{clip}/{number:07d}.png")
    head = "/x/id00017/AAAAAAAAAAA/00001"
    text = f"source,driving,frame\n{head}/0.png,{head}/005.jpg,5\n{head}/0000000.png,{head}/5.png,0\n"
    found = _laid(tmp_path, text, frames)
    assert [(pair.source[-7:], pair.reference[-7:]) for pair in found.pairs] == [("0000000", "0000005")]
    assert found.unused == [(3, f"names frame 5, and the list's frame column says 0: {head}/5.png")]


def test_a_list_of_people_by_name_and_a_copy_by_name(tmp_path: Path) -> None:
    rows = [
        {
            "key": f"vox1/{who}/VID/1fps/{number:07d}",
            "dataset": "voxceleb1",
            "subject": who,
            "path": f"{unicodedata.normalize('NFD', name)}/1.6/VID/{number:07d}.jpg",
            "container": "image",
            "frame": place,
        }
        for who, name in (("id10001", "Zoë_Saldaña"), ("id10002", "B"))
        for place, number in enumerate((375, 400))
    ]
    composed = unicodedata.normalize("NFC", "Zoë_Saldaña")
    for name in (composed, unicodedata.normalize("NFD", composed), "id10001"):
        text = f"/data/{name}/1.6/VID/0000375.jpg /data/B/1.6/VID/400.jpg\n# a comment line\n"
        found = _laid(tmp_path, text, make_frames(rows), order="source reference")
        assert [(p.source, p.reference) for p in found.pairs] == [
            ("vox1/id10001/VID/1fps/0000375", "vox1/id10002/VID/1fps/0000400")
        ], name


def test_photographs_are_matched_by_what_their_names_say(tmp_path: Path) -> None:
    name = rafd_name("01", "090", "angry", "frontal")
    rafd = [
        {"key": rafd_key("01", "090", e, "frontal"), "dataset": "rafd", "subject": "01", "path": f"a/{i}", **_STILL}
        for i, e in enumerate(("angry", "happy"))
    ]
    text = f"/x/{name} /y/cropped_1_{name.replace('angry', 'happy').replace('.jpg', '.png')}\n/x/a.jpg /x/0\n"
    found = _laid(tmp_path, text, make_frames(rafd), order="source reference")
    assert [(p.source, p.reference) for p in found.pairs] == [(rafd[0]["key"], rafd[1]["key"])]
    assert found.unused == [(2, "no name of a photograph of rafd: /x/a.jpg")]
    pie = [
        {"key": multipie_key("001", 1, 1, c, 7), "dataset": "multipie", "subject": "001", "path": f"b/{c}", **_STILL}
        for c in ("05_1", "13_0")
    ]
    text = "/x/001_01_01_051_07_crop.png /x/001_01_01_130_07.png\n/x/001_01_01_051_07.png /x/001_01_01_130_08.png\n"
    found = _laid(tmp_path, text, make_frames(pie), order="source reference")
    assert [(p.source, p.reference) for p in found.pairs] == [(pie[0]["key"], pie[1]["key"])]
    assert found.unused == [(2, "not in this copy: /x/001_01_01_130_08.png")]


_STILL = {"container": "image"}


def test_any_other_set_needs_more_than_the_file_name(tmp_path: Path) -> None:
    rows = [
        {"key": f"own/{who}/{view}", "dataset": "own", "subject": who, "path": f"{who}/{view}.png", **_STILL}
        for who in ("ann", "bob")
        for view in ("0", "1")
    ]
    text = "/x/ann/0.png /x/bob/1.jpg\n0.png /x/bob/1.png\n/x/cid/0.png ann/0.png\n"
    found = _laid(tmp_path, text, make_frames(rows), order="source reference")
    assert [(p.source, p.reference) for p in found.pairs] == [("own/ann/0", "own/bob/1")]
    assert [line for line, _ in found.unused] == [2, 3]
    assert all("could be 2 images" in reason for _, reason in found.unused)


@pytest.mark.parametrize(
    "name",
    ["Frame", "FRAME", "frame_idx", "Frame Index", "frame_id", "driving_frame", "driving frame no.", "ref_frame"],
)
def test_frame_columns_by_other_names_are_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"source,driving,{name}\na#v#1#2.mp4,b#v#3#4.mp4,55\n")
    (row,) = read_list(path)
    assert (row.frame, row.source_frame) == (55, None)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("lead", ["", "\n\n", "sep={mark}\r\n"])
def test_dialects_of_a_list(tmp_path: Path, mark: str, lead: str) -> None:
    path = tmp_path / "list.csv"
    lines = ["Source;Driving;source_frame;frame", "a#v#1#2.mp4;b#v#3#4.mp4;3;5.0", "a#v#1#2.mp4;b#v#3#4.mp4"]
    path.write_bytes(b"\xef\xbb\xbf" + (lead + "\r\n".join(lines).replace(";", "{mark}")).format(mark=mark).encode())
    rows = read_list(path)
    assert [(r.source, r.source_frame, r.frame) for r in rows] == [("a#v#1#2.mp4", 3, 5), ("a#v#1#2.mp4", None, None)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("source,driving,offset\na,b,3\n", "column 'offset' is not understood"),
        ("source,driving,frame,frame_idx\na,b,3,4\n", "both name the reference frame"),
        ("source,src,driving\na,b,c\n", "both name the source"),
        ("source,driving,best_frame\na,b,7\n", "line 2: best_frame 7"),
        ("source,driving\na,b.png,c.png\n", "line 2: 3 cells under 2 columns"),
        ("source driving frame\na b 3\n", "parted by spaces"),
        *(
            (f"source,driving,frame\na,b,0\na,b,{cell}\n", f"line 3: frame '{cell}'")
            for cell in ("5.7", "True", "false", "-1", "1_0", "nan", "1e1", "0x1", "٣")
        ),
    ],
)
def test_what_could_mean_another_frame_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=said.replace("(", r"\(")):
        read_list(path)
