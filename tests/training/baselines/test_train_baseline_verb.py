"""``dgbench train baseline`` from the command line: a toy method on the packaged training people, then run with it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from dgbench.cli.app import app
from dgbench.core.errors import UsageError
from dgbench.methods import baseline_card


@pytest.fixture
def call(world, monkeypatch):
    monkeypatch.setattr(baseline_card, "baselines_folder", lambda: world.baselines)

    def invoke(*words: object):
        return CliRunner().invoke(app, [str(word) for word in words])

    return invoke


@pytest.mark.slow  # exports 896 images and starts an interpreter with torch in it, three times
def test_a_method_is_trained_and_run_with_what_came_out(call, world, tmp_path):
    here = ["--repo", world.repos["toy-net"], "--python", world.python]
    train = ["train", "baseline", "toy-net", "--protocol", "synthface-mini-train@1", "--out", tmp_path / "model", *here]
    train += ["--size", "32", "--threads", "1", "--json"]
    done = call(*train, "--budget", "3steps")
    assert done.exit_code == 0, done.exception
    said = json.loads(done.stdout)
    assert (said["steps"], said["samples"], said["images"], len(said["people"])) == (3, 12, 896, 128)
    assert said["people"][0] == "s0001" and said["people"][-1] == "s0128", "test people are s0129 to s0160"
    more = json.loads(call(*train, "--budget", "5steps", "--resume").stdout)
    assert (more["steps"], more["sittings"]) == (5, 2)
    ran = call(
        *(
            "run",
            "--protocol",
            "synthface-mini-self@1",
            "--method",
            "toy-net",
            "--out",
            tmp_path / "run",
            "--limit",
            "2",
        ),
        *("--checkpoint", more["checkpoint"], *here, "--json"),
    )
    assert ran.exit_code == 0 and json.loads(ran.stdout)["generated"] == 2, ran.exception
    plan = json.loads((tmp_path / "run" / "run.json").read_text())
    assert plan["training_data"] == ["synthface-mini-train@1 training people"]
    assert plan["parameters"]["train.steps"] == 5 and plan["parameters"]["train.size"] == 32


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (["--budget", "soon"], "--budget 'soon': write a time such as 4h"),
        (["--config", "/nowhere.yaml"], "--config /nowhere.yaml: no such file"),
        (["--perceptual", "vgg16"], "--perceptual 'vgg16': choose one of identity-train, pixels, vgg19"),
    ],
)
def test_wrong_use_is_one_line(call, world, tmp_path, words, refusal):
    here = ["--repo", world.repos["toy-net"], "--python", world.python, "--size", "32"]
    protocol = ["--protocol", "synthface-mini-train@1", "--out", tmp_path / "model"]
    refused = call("train", "baseline", "toy-net", *protocol, *here, *words).exception
    assert isinstance(refused, UsageError) and str(refused).startswith(refusal)
    assert not (tmp_path / "model" / "state.pth.tar").exists()
