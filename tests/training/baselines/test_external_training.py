"""Real checkouts: the authors' own scripts train for two steps, and the worker runs what came out.

Each test needs DGBENCH_BASELINE_<NAME> to name a checkout; DGBENCH_BASELINE_<NAME>_PYTHON (default: this interpreter)
must have the packages of its requirements.txt. About two minutes a method on one core.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from dgbench.cli.app import app
from dgbench.core.face import Image
from dgbench.io.images import read_image
from dgbench.methods.baseline_card import baseline_names, load_card

pytestmark = [pytest.mark.external, pytest.mark.timeout(1800)]
TRAINABLE = [name for name in baseline_names() if load_card(name).trainer.is_file()]


def call(*words: object) -> dict[str, object]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


def test_three_methods_can_be_trained():
    assert TRAINABLE == ["first-order-model", "monkey-net", "tpsmm"]


@pytest.mark.parametrize("name", TRAINABLE)
def test_the_authors_script_trains_and_its_network_runs(name, tmp_path):
    card = load_card(name)
    if card.variable not in os.environ:
        pytest.skip(f"needs a checkout: set {card.variable}")
    here = ["--repo", os.environ[card.variable], "--python", os.environ.get(card.variable + "_PYTHON", sys.executable)]
    train = ["train", "baseline", name, "--protocol", "synthface-mini-train@1", "--size", "64", "--threads", "1", *here]
    train += ["--out", tmp_path / "model", "--json"]
    first = call(*train, "--budget", "2steps")
    assert (first["steps"], first["samples"], first["commit"]) == (2, 16, card.commit)
    assert bool(first["loss_substitution"]) == (name != "monkey-net")
    config = yaml.safe_load((tmp_path / "model" / "config.yaml").read_text())
    theirs = yaml.safe_load((Path(os.environ[card.variable]) / _config_of(card)).read_text())
    assert config["model_params"]["common_params"] == theirs["model_params"]["common_params"]
    again = call(*train, "--budget", "3steps", "--resume")
    assert (again["steps"], again["sittings"]) == (3, 2)
    run = ["run", "--protocol", "synthface-mini-self@1", "--method", name, "--out", tmp_path / "run", "--limit", "2"]
    assert call(*run, *here, "--checkpoint", again["checkpoint"], "--json")["generated"] == 2
    images: list[Image] = [read_image(path) for path in sorted((tmp_path / "run" / "images").glob("*.png"))]
    assert [image.shape for image in images] == [(128, 128, 3)] * 2 and not np.array_equal(*images)


def _config_of(card) -> str:
    line = next(line for line in card.trainer.read_text().splitlines() if line.strip().startswith("config = "))
    return line.split('"')[1]
