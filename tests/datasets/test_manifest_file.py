from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from dgbench.core.errors import UsageError
from dgbench.datasets.manifest import Manifest, make_frames
from dgbench.datasets.manifest_file import read_frames, write_manifest

_ROWS = [
    {"key": "rafd/01/090/a", "subject": "01", "camera": "090", "yaw_nominal": 0.0, "elevated": False},
    {"key": "mpie/001", "subject": "001", "session": 4, "flash": True, "yaw_nominal": None, "elevated": True},
    {"key": "vox/id00012/NA/1", "subject": "id00012", "video": "NA", "frame": 0, "path": 'a "b", c#.mp4'},
]


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_ids_keep_their_zeros_and_nothing_becomes_something(tmp_path: Path, suffix: str) -> None:
    frames = make_frames(_ROWS)
    write_manifest(tmp_path / f"m{suffix}", Manifest("x", tmp_path, frames))
    again = read_frames(tmp_path / f"m{suffix}")
    assert list(again.dtypes) == list(frames.dtypes)
    assert again.equals(frames)
    assert again["subject"].tolist() == ["001", "01", "id00012"] and again["video"].iloc[2] == "NA"


def test_same_copy_same_bytes(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        write_manifest(tmp_path / name, Manifest("x", tmp_path, make_frames(_ROWS[::-1])))
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_a_number_that_is_none_is_refused(tmp_path: Path) -> None:
    write_manifest(tmp_path / "m.csv", Manifest("x", tmp_path, make_frames(_ROWS)))
    table = pd.read_csv(tmp_path / "m.csv", dtype=str, keep_default_na=False)
    table["width"] = "inf"
    table.to_csv(tmp_path / "m.csv", index=False)
    with pytest.raises(UsageError, match=r"not a manifest \(cannot convert float infinity"):
        read_frames(tmp_path / "m.csv")


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in \.parquet or \.csv"):
        write_manifest(tmp_path / "m.txt", Manifest("x", tmp_path, make_frames(_ROWS)))
    (tmp_path / "m.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="not a manifest"):
        read_frames(tmp_path / "m.csv")
    with pytest.raises(UsageError, match="not a manifest"):
        read_frames(tmp_path / "absent.parquet")
