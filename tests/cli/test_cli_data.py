from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from dgbench.cli import app
from dgbench.datasets.manifest_file import read_frames


def _call(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["dgbench", *words])
    try:
        app.main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


@pytest.fixture
def rafd(tmp_path: Path) -> Path:
    root = tmp_path / "rafd"
    root.mkdir()
    for name in ("Rafd090_01_Caucasian_female_happy_left.jpg", "Rafd045_01_Caucasian_female_sad_left.jpg", "x.jpg"):
        (root / name).write_bytes(b"")
    return root


def test_index_writes_the_manifest_and_says_what_was_left_out(
    tmp_path: Path, rafd: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "m.csv"
    assert _call(monkeypatch, "data", "index", "rafd", "--root", str(rafd), "--out", str(out)) == 0
    said = capsys.readouterr().out
    assert "2 of 8040" in said and "1 x image without a RaFD name, such as x.jpg" in said
    assert read_frames(out)["yaw_nominal"].tolist() == [45.0, 0.0]
    assert _call(monkeypatch, "data", "index", "rafd", "--root", str(rafd), "--out", str(out), "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["rows"] == 2 and data["skipped"] == {"image without a RaFD name": ["x.jpg"]}


def test_wrong_use_is_one_line_and_the_right_code(
    tmp_path: Path, rafd: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "m.csv")
    for words, code, message in (
        (("data", "index", "rafd", "--root", str(tmp_path / "gone"), "--out", out), 3, "no such folder"),
        (("data", "index", "rafdd", "--root", str(rafd), "--out", out), 2, "Did you mean 'rafd'"),
        (("data", "index", "rafd", "--root", str(rafd), "--out", str(tmp_path / "m.xlsx")), 2, ".parquet or .csv"),
        (("data", "index", "multipie", "--root", str(rafd), "--out", out), 2, "none carries a Multi-PIE name"),
        (("data", "prepare", "rafd-self", "--data", str(rafd), "--out", out, "--judges", "best"), 2, "one of"),
        (("data", "prepare", "rafd-self", "--data", str(rafd), "--out", out), 3, "yunet"),
    ):
        assert _call(monkeypatch, *words) == code, words
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1 and error.startswith("dgbench: "), error
    assert not Path(out).exists()
