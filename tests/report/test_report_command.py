"""The verbs as a user types them: what they print, and the exit code of every way to go wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


def _dgbench(*arguments: str | Path, cwd: Path) -> tuple[int, str, str]:
    code = "from dgbench.cli.app import script; script()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    env = os.environ | {"PYTHONPATH": str(_ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def small(runs: Path, tmp_path: Path) -> Path:
    """Three of the runs, to change at will."""
    for name in ("oracle", "dg", "blur"):
        folder = f"frll-cross-{name}-embedded-00112233"
        shutil.copytree(runs / folder, tmp_path / "runs" / folder)
    return tmp_path / "runs"


@pytest.mark.slow
def test_report_and_leaderboard_are_written_and_say_where(small: Path, tmp_path: Path) -> None:
    status, out, _ = _dgbench("report", small, "--out", "site", "--runs", small, "--no-figures", "--json", cwd=tmp_path)
    said = json.loads(out)
    assert status == 0 and (tmp_path / said["index"]).is_file()
    assert said["bytes"] == sum(f.stat().st_size for f in (tmp_path / "site").rglob("*") if f.is_file())
    page = (tmp_path / "site" / "protocols" / "frll-cross-v1.html").read_text()
    assert "no value of ssim" in page, "the made-up cards are none of dgbench's, so their values are not shown"
    status, out, _ = _dgbench("leaderboard", "build", small, "--out", "board", cwd=tmp_path)
    assert status == 0 and "board/frll-cross@1.csv" in out


def test_wrong_use_is_one_line_and_exit_2(small: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    record = next(small.rglob("record.json"))
    for arguments, message in (
        (("report", tmp_path / "nowhere", "--out", "site"), "no such folder"),
        (("report", small, "--out", "mine"), "holds no report"),
        (("leaderboard", "build", tmp_path / "nowhere"), "no such folder"),
    ):
        status, _, err = _dgbench(*arguments, cwd=tmp_path)
        assert status == 2 and message in err and len(err.strip().splitlines()) == 1, err
    record.write_text("{")
    status, _, err = _dgbench("leaderboard", "build", small, cwd=tmp_path)
    assert status == 2 and str(record) in err and "Traceback" not in err


def test_check_lists_problems_and_exits_1(small: Path, tmp_path: Path) -> None:
    status, out, err = _dgbench("leaderboard", "check", small, "--json", cwd=tmp_path)
    lines = out.splitlines()
    kinds = {problem["kind"] for problem in json.loads(lines[0])["problems"]}
    assert status == 1 and "name" in kinds and "problem(s)" in err
    (tmp_path / "results").mkdir()
    _dgbench("leaderboard", "build", "results", cwd=tmp_path)
    status, out, _ = _dgbench("leaderboard", "check", "results", cwd=tmp_path)
    assert status == 0 and out.strip() == "results: nothing is wrong"
