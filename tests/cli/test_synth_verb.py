"""``data synth`` and ``data fetch-head`` as a user meets them: exit codes, one line per error, --json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rafx"], "Did you mean 'rafd'"),
        (["rafd", "--size", "1024"], "64..512"),
        (["rafd", "--identities", "68"], "1..67"),
        (["rafd", "--subset", "camera"], "write field=value"),
        (["rafd", "--subset", "cam=090"], "no field 'cam'"),
        (["voxceleb1", "--frames", "0"], "--frames"),
    ],
)
@pytest.mark.slow
def test_wrong_use_is_exit_2_before_the_head_is_looked_for(dgbench, tmp_path: Path, arguments: list[str], words: str):
    done = dgbench("data", "synth", *arguments, "--out", tmp_path / "t")
    assert done.returncode == 2 and words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "t").exists()


def test_a_missing_head_is_exit_3_and_says_how_to_get_it(dgbench, tmp_path: Path):
    done = dgbench("data", "synth", "rafd", "--out", tmp_path / "t")
    assert done.returncode == 3 and "fetch-head" in done.stderr
    assert not (tmp_path / "t").exists()


def test_fetch_head_from_no_folder_is_exit_2(dgbench, tmp_path: Path):
    done = dgbench("data", "fetch-head", "--from", tmp_path / "none", "--out", tmp_path / "head.npz")
    assert done.returncode == 2 and "no such file or folder" in done.stderr


@pytest.mark.slow
def test_a_tree_is_written_found_whole_and_indexed(dgbench, tmp_path: Path, assets: Path):
    head = assets / "ict_facekit" / "ict_facekit.npz"
    words = ["--subset", "subject=01", "--subset", "camera=090", "--subset", "expression=happy", "--size", 64]
    command = ["data", "synth", "rafd", "--out", tmp_path / "t", *words, "--workers", 1, "--json"]
    first = dgbench(*command, env={"DGBENCH_HEAD": str(head)})
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["images"] == 3
    again = dgbench(*command, "--head", head)
    assert json.loads(again.stdout) == {**json.loads(first.stdout), "kept": 1}
    indexed = dgbench("data", "index", "synthface", "--root", tmp_path / "t", "--out", tmp_path / "m.parquet")
    assert indexed.returncode == 0, indexed.stderr
    other = dgbench("data", "synth", "frll", "--out", tmp_path / "t", "--head", head)
    assert other.returncode == 2 and "another plan" in other.stderr
