"""The main line as a user types it, on real faces: run, score, leaderboard, and what bad folders say."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Dgbench = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def few(assets: Path, tmp_path: Path) -> Path:
    """A copy of the first 30 people of the London set."""
    for view in ("neutral_front", "smiling_front"):
        (tmp_path / "frll" / view).mkdir(parents=True)
        for path in sorted((assets / "frll" / view).glob("*.jpg"))[:30]:
            shutil.copy(path, tmp_path / "frll" / view)
    return tmp_path / "frll"


@pytest.mark.slow
def test_run_score_leaderboard(dgbench: Dgbench, few: Path, assets: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    common = ("--protocol", "frll-cross@1", "--data", few)
    done = dgbench("run", *common, "--method", "target", "--out", runs / "t", "--json")
    assert done.returncode == 0
    ran = json.loads(done.stdout)
    assert ran["generated"] == ran["covered"] < ran["expected"] == 792
    scored = dgbench("score", runs / "t", "--judges", "open", "--weights", assets / "nets")
    assert scored.returncode == 0
    assert f"{ran['covered']}/792  (unranked" in scored.stdout
    built = dgbench("leaderboard", "build", runs, "--out", tmp_path / "boards")
    assert built.returncode == 0
    table = (tmp_path / "boards" / "frll-cross@1.csv").read_text()
    assert f"{ran['covered']}/792" in table
    assert "unranked" in table

    outputs = tmp_path / "outputs"
    shutil.copytree(runs / "t" / "images", outputs)
    sorted(outputs.iterdir())[0].unlink()
    adopted = dgbench("score", *common, "--outputs", outputs, "--method", "mine", "--out", runs / "mine",
                      "--judges", "open", "--weights", assets / "nets")  # fmt: skip
    assert adopted.returncode == 1
    assert "1 missing" in adopted.stderr
    assert "mine on frll-cross@1" in adopted.stdout


@pytest.mark.slow
def test_two_models_of_one_method_are_told_apart_where_they_fail(dgbench: Dgbench, tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(
        "name: two\nprotocols: [synthface-mini-self]\nruns: runs\nresults: results\nmethods:\n"
        "  - {name: dg, label: dg-a, checkpoint: nowhere}\n"
        "  - {name: dg, label: dg-b, checkpoint: nowhere, seeds: [7]}\n"
    )
    done = dgbench("suite", tmp_path / "suite.yaml")
    assert done.returncode == 1
    for text in (done.stdout, done.stderr):
        assert "synthface-mini-self@1: dg-a (seed 0)" in text
        assert "synthface-mini-self@1: dg-b (seed 7)" in text
    failed = json.loads(dgbench("suite", tmp_path / "suite.yaml", "--json").stdout.splitlines()[0])["failed"]
    assert [(cell["method"], cell["label"], cell["seed"]) for cell in failed] == [("dg", "dg-a", 0), ("dg", "dg-b", 7)]


def test_training_data_of_a_run_is_the_runs_own(dgbench: Dgbench, tmp_path: Path) -> None:
    done = dgbench("score", tmp_path, "--trained-on", "VoxCeleb")
    assert done.returncode == 2
    assert "--trained-on go with --outputs" in done.stderr


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_said_before_any_work(dgbench: Dgbench, few: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = dgbench("run", "--protocol", "frll-cross@1", "--data", few, "--method", "black", "--out",
                   tmp_path / "file" / "run")  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_pickle_is_no_checkpoint(dgbench: Dgbench, few: Path, tmp_path: Path) -> None:
    import pickle

    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"a": 1}))
    done = dgbench("run", "--protocol", "frll-cross@1", "--data", few, "--method", "dg", "--checkpoint",
                   tmp_path / "model.pkl", "--out", tmp_path / "r")  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
