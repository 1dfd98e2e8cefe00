from __future__ import annotations

import os
from pathlib import Path

import pytest

from dgbench.core.errors import MissingError, UsageError
from dgbench.datasets.columnar import frames_from_columns
from dgbench.datasets.listing import case_clashes, is_image, list_tree, stem, suffix
from dgbench.datasets.manifest import make_frames


def _touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def test_files_are_sorted_bytewise_whatever_order_the_disk_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["b/_x.png", "b/-x.png", "B/a.png", "a#1/z.png", "é.png", "a.png"]
    _touch(tmp_path, *names)
    expected = sorted(names, key=str.encode)
    assert list_tree(tmp_path).files == expected
    real = os.scandir

    class Backwards:
        def __init__(self, path: Path) -> None:
            with real(path) as entries:
                self.entries = sorted(entries, key=lambda entry: entry.name, reverse=True)

        def __enter__(self) -> list[os.DirEntry[str]]:
            return self.entries

        def __exit__(self, *_: object) -> None:
            return None

    monkeypatch.setattr(os, "scandir", Backwards)
    assert list_tree(tmp_path).files == expected


def test_hidden_files_are_told_apart_with_everything_below_hidden_folders(tmp_path: Path) -> None:
    _touch(tmp_path, "a/x.png", "a/._x.png", ".cache/x.png")
    listing = list_tree(tmp_path)
    assert listing.files == ["a/x.png"]
    assert listing.hidden == [".cache/x.png", "a/._x.png"]


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    _touch(tmp_path, "a/x.png")
    (tmp_path / "a/again").symlink_to(tmp_path, target_is_directory=True)
    assert list_tree(tmp_path).files == ["a/x.png"]


def test_missing_file_and_unreadable_roots_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingError, match="no such folder"):
        list_tree(tmp_path / "nothing")
    _touch(tmp_path, "file", "a/x.png")
    with pytest.raises(UsageError, match="is a file"):
        list_tree(tmp_path / "file")

    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UsageError, match=r"cannot be read .Permission denied"):
        list_tree(tmp_path)


def test_stem_and_suffix_keep_hashes_and_inner_dots() -> None:
    assert stem("a/id10280#x.y#00001.txt#000.mp4") == "id10280#x.y#00001.txt#000"
    assert suffix("a.b/c") == "" and suffix("a/.hidden") == "" and suffix("a/B.PNG") == ".png"
    assert is_image("x/y.JPG") and not is_image("x/y.mp4")


def test_case_clashes_are_groups_that_one_disk_would_fold() -> None:
    assert case_clashes(["a/Xy", "a/xY", "b"]) == [["a/Xy", "a/xY"]]


def test_columns_give_the_same_table_as_rows() -> None:
    rows = [
        {"key": f"k/{name}", "subject": "007", "session": session, "yaw_nominal": yaw, "flash": flash, "path": name}
        for name, session, yaw, flash in [("b", 1, 15.0, True), ("a", None, None, None), ("c", 3, -90.0, False)]
    ]
    columns = {name: [row[name] for row in rows] for name in ("key", "session", "yaw_nominal", "flash", "path")}
    made = frames_from_columns({**columns, "subject": "007"}, length=3)
    wanted = make_frames(rows)
    assert made.equals(wanted)
    assert list(made.dtypes) == list(wanted.dtypes)


def test_columns_refuse_what_rows_refuse() -> None:
    with pytest.raises(ValueError, match="stands 2 times"):
        frames_from_columns({"key": ["a", "a"]}, length=2)
    with pytest.raises(ValueError, match="not manifest columns: colour"):
        frames_from_columns({"key": ["a"], "colour": "red"}, length=1)
    with pytest.raises(ValueError, match="has 1 values, expected 2"):
        frames_from_columns({"key": ["a", "b"], "session": [1]}, length=2)
