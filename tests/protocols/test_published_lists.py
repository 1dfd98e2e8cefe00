from __future__ import annotations

from pathlib import Path

import pytest

from dgbench.core.errors import UsageError
from dgbench.datasets.manifest import make_frames
from dgbench.protocols.published_lists import pairs_from_list, read_list

A, B = "id10280#NXjT3732Ekg#001093#001192", "id10281#-_jT3732Ekg#000000#000099"


def _frames(*, container: str = "image") -> object:
    rows = []
    for clip, person in ((A, "id10280"), (B, "id10281")):
        for i in (0, 5, 10):
            path = f"test/{clip}.mp4" + (f"/{i:07d}.png" if container == "image" else "")
            rows.append(
                {"key": f"vox1/{person}/{i:07d}", "subject": person, "path": path, "container": container, "frame": i}
            )
    return make_frames(rows)


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("container", ["image", "video"])
def test_rows_shorter_than_the_header_and_foreign_prefixes(tmp_path: Path, container: str) -> None:
    text = (
        "source,driving,frame\n"
        f"/data/someone/vox1_frames/test/{A}.mp4/0000000.png,/data/someone/vox1_frames/test/{A}.mp4/0000010.png\n"
        f"/data/x/{A}.mp4/0000005.png,/data/x/{B}.mp4/0000010.png\n"
        f"/data/x/{A}.mp4/0000007.png,/data/x/{B}.mp4/0000010.png\n"
        f"/data/x/nobody.mp4/0000000.png,/data/x/{B}.mp4/0000010.png\n"
        f"/data/x/{A}.mp4/0000005.png,/data/x/{B}.mp4/0000010.png\n"
    )
    found = pairs_from_list(read_list(_write(tmp_path / "l.csv", text)), _frames(container=container))
    assert {(pair.relation, pair.source, pair.reference, pair.target) for pair in found.pairs} == {
        ("self", "vox1/id10280/0000000", "vox1/id10280/0000010", "vox1/id10280/0000010"),
        ("cross", "vox1/id10280/0000005", "vox1/id10281/0000010", None),
    }
    assert [line for line, _ in found.unused] == [4, 5, 6]
    assert "frame 7 is not in this copy's extraction" in found.unused[0][1]
    assert "not in this copy" in found.unused[1][1] and "earlier row" in found.unused[2][1]


def test_clip_names_with_a_float_frame_and_a_distance(tmp_path: Path) -> None:
    text = f"distance,source,driving,frame\n0,{A}.mp4,{B},10.0\n1.5,{A},{A},0\n"
    found = pairs_from_list(read_list(_write(tmp_path / "l.csv", text)), _frames())
    assert {(pair.source, pair.reference) for pair in found.pairs} == {
        ("vox1/id10280/0000000", "vox1/id10281/0000010"),
        ("vox1/id10280/0000000", "vox1/id10280/0000000"),
    }


@pytest.mark.parametrize(
    ("order", "line"),
    [
        ("source reference", "/x/{a}/0000000.png /x/{b}/0000005.png"),
        ("source reference target", "/x/{a}/0000000.png\t/x/{b}/0000005.png  /x/{a}/0000010.png"),
        ("source target reference", "/x/{a}/0000000.png /x/{a}/0000010.png \\\\x\\{b}\\0000005.png"),
        ("landmarks source reference", "/lm/q.png /x/{a}/0000000.png /x/{b}/0000005.png"),
        ("source reference target landmarks", "/x/{a}/0000000.png /x/{b}/0000005.png /x/{a}/0000010.png /lm/q.png"),
    ],
)
def test_lists_of_bare_paths_in_every_order(tmp_path: Path, order: str, line: str) -> None:
    path = _write(tmp_path / "list.txt", line.format(a=f"{A}.mp4", b=f"{B}.mp4") + "\n\n")
    (pair,) = pairs_from_list(read_list(path, order=order), _frames()).pairs
    assert (pair.source, pair.reference) == ("vox1/id10280/0000000", "vox1/id10281/0000005")
    assert pair.target == ("vox1/id10280/0000010" if "target" in order else None)


def test_what_a_list_leaves_open_is_asked_for(tmp_path: Path) -> None:
    bare = _write(tmp_path / "list.txt", "/x/a.png /x/b.png /x/c.png\n")
    with pytest.raises(UsageError, match="say what its columns are"):
        read_list(bare)
    with pytest.raises(UsageError, match="3 paths, the order names 2"):
        read_list(bare, order="source reference")
    with pytest.raises(UsageError, match="one must be 'source'"):
        read_list(_write(tmp_path / "l.csv", "a,b\n1,2\n"))
    with pytest.raises(UsageError, match="line 2"):
        read_list(_write(tmp_path / "m.csv", "source,driving\nonly\n"))
