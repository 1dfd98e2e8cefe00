"""Wrong use that is told before any work: devices, checkpoints and options that nothing would heed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from dgbench.cli.app import app
from dgbench.core.errors import DgbenchError, MissingError, UsageError

RUN = ("run", "--protocol", "synthface-mini-self@1", "--method", "black")
TRAIN = ("train", "dg", "--protocol", "frll-train@1")


def call(*arguments: object) -> str:
    """Return what a verb says that works."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def error_of(*arguments: object) -> DgbenchError:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert isinstance(result.exception, DgbenchError), result
    return result.exception


@pytest.mark.parametrize("verb", ["run", "train", "suite", "check"])
def test_a_device_of_no_known_form_is_wrong_use(verb: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("{}")
    words = {
        "run": (*RUN, "--out", tmp_path / "r"),
        "train": (*TRAIN, "--out", tmp_path / "t"),
        "suite": ("suite", tmp_path / "s.yaml"),
        "check": ("methods", "check", "copy-source"),
    }[verb]
    error = error_of(*words, "--device", "gpu")
    assert isinstance(error, UsageError)
    assert "write cpu, cuda or cuda:N" in str(error)
    assert [path.name for path in tmp_path.iterdir()] == ["s.yaml"]


@pytest.mark.parametrize("verb", ["run", "train", "check"])
def test_a_device_that_is_not_here_is_missing(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    words = {
        "run": (*RUN, "--out", tmp_path / "r"),
        "train": (*TRAIN, "--out", tmp_path / "t"),
        "check": ("methods", "check", "copy-source"),
    }[verb]
    error = error_of(*words, "--device", "cuda")
    assert isinstance(error, MissingError)
    assert "sees no CUDA device here" in str(error)


def test_training_takes_no_numbered_device(tmp_path: Path) -> None:
    assert "CUDA_VISIBLE_DEVICES" in str(error_of(*TRAIN, "--out", tmp_path / "t", "--device", "cuda:0"))


def test_half_of_no_model_cannot_be_taken(tmp_path: Path) -> None:
    error = error_of(*TRAIN, "--out", tmp_path / "t", "--start-part", "rfg")
    assert isinstance(error, UsageError)
    assert "give --start too" in str(error)


def test_a_canary_takes_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"weights")
    for words in ((*RUN, "--out", tmp_path / "r"), ("methods", "check", "black")):
        error = error_of(*words, "--checkpoint", tmp_path / "w.bin")
        assert isinstance(error, UsageError)
        assert "takes no --checkpoint" in str(error)
    assert not (tmp_path / "r").exists()


def test_methods_that_need_a_checkpoint_are_not_called_ready() -> None:
    lines = {line.split()[0]: line for line in call("methods", "list").splitlines()}
    assert lines["dg"].endswith("needs --checkpoint")
    assert lines["black"].endswith("ready")
    rows = {row["name"]: row for row in json.loads(call("methods", "list", "--json"))["methods"]}
    assert rows["dg-rfg-alone"]["needs_checkpoint"]
    assert not rows["black"]["needs_checkpoint"]


def test_a_part_is_not_said_to_be_ready_to_score_and_a_cut_run_not_to_rank(tmp_path: Path) -> None:
    whole = call(*RUN, "--out", tmp_path / "whole", "--limit", 4)
    assert "cut by --limit 4, this run will not rank" in whole
    assert f"next: dgbench score {tmp_path / 'whole'}" in whole
    part = call(*RUN, "--out", tmp_path / "part", "--limit", 4, "--shard", "1/3")
    assert f"next: the other parts of 3, and then dgbench score {tmp_path / 'part'}" in part
