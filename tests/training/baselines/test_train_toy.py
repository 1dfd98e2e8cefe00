"""Training a toy method by its own script: the budget, the schedule, resuming, stopping, and what is written down."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml

from dgbench.core.digests import sha256_file
from dgbench.core.errors import UsageError, WorkFailedError
from dgbench.methods.trained import TrainingNote
from dgbench.training.baselines.budget import TrainingBudget
from dgbench.training.baselines.train import train_baseline

#: Each starts an interpreter with torch in it, as a real training does.
pytestmark = pytest.mark.slow


def rates(out):
    """The learning rate at the end of each epoch, as the authors' script printed it."""
    lines = (out / "authors.log").read_text().splitlines()
    return [float(line.split()[-1]) for line in lines if line.startswith("learning rate")]


def test_a_step_budget_is_used_exactly_and_written_down(make_job, drawn):
    job = make_job("8steps")
    note = train_baseline(job, drawn, drawn.rows)
    assert (note.steps, note.samples, note.sittings, note.finished) == (8, 32, 1, True)
    assert note.protocols == ("toy-train@1",) and note.training_data == ("toy-train@1 training people",)
    assert note.people == ("p0", "p1", "p2", "p3", "p4", "p5") and note.images == 18
    assert note.commit == job.card.commit and note.versions["torch"] == torch.__version__
    assert note.loss_substitution.startswith("the image and five activations of dgbench's identity-train network")
    assert note.seconds > 0 and note.seconds_of == "cpu" and note.budget == "8steps"
    assert note == TrainingNote.model_validate_json((job.out / "training.json").read_bytes())
    assert note.checkpoint_sha256 == sha256_file(job.out / note.checkpoint)
    assert note.config_sha256 == sha256_file(job.out / note.config)
    assert not (job.out / "data").exists(), "exported faces stay behind"
    state = torch.load(job.out / note.checkpoint, weights_only=True)
    assert set(state) == {"generator"} and state["generator"]["mix.weight"].shape == (6, 6, 3, 3)


def test_the_authors_configuration_is_overridden_and_not_copied(make_job, drawn, tmp_path):
    change = tmp_path / "change.yaml"
    change.write_text("train_params: {batch_size: 2}\n")
    job = make_job("2steps", change=change, perceptual="pixels")
    note = train_baseline(job, drawn, drawn.rows)
    config = yaml.safe_load((job.out / "config.yaml").read_text())
    assert config["model_params"]["generator_params"]["width"] == 6  # ours for this size
    assert config["train_params"]["lr"] == 0.01  # theirs
    assert config["train_params"]["batch_size"] == 2 and note.samples == 4  # the user's
    assert note.loss_substitution.startswith("the image, its gradients and its means")


def test_the_learning_rate_falls_at_the_authors_share_of_the_budget(make_job, drawn):
    """Four epochs with a milestone at two: the rate falls at half of any budget."""
    job = make_job("8steps")
    train_baseline(job, drawn, drawn.rows)
    assert rates(job.out) == pytest.approx([1e-2, 1e-3, 1e-3, 1e-3])


@pytest.mark.slow
def test_training_learns_and_one_seed_gives_one_network(make_job, drawn, tmp_path):
    told = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        job = make_job("24steps", out=tmp_path / name, seed=seed)
        train_baseline(job, drawn, drawn.rows, told=lambda share, losses: told.append((share, losses)))
    lines = [json.loads(line) for line in (tmp_path / "a" / "journal.jsonl").read_text().splitlines()]
    assert lines[-1]["losses"]["perceptual"] < 0.9 * lines[0]["losses"]["perceptual"]
    assert lines[-1]["steps"] == 24 and told[len(lines) - 1] == (1.0, lines[-1]["losses"])
    states = [torch.load(tmp_path / n / "checkpoint.pth.tar", weights_only=True)["generator"] for n in "abc"]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert not torch.equal(states[0]["mix.weight"], states[2]["mix.weight"])


def test_a_larger_budget_goes_on_from_what_is_there(make_job, drawn):
    job = make_job("4steps")
    first = train_baseline(job, drawn, drawn.rows)
    more = train_baseline(make_job("12steps", resume=True), drawn, drawn.rows)
    assert (first.steps, more.steps, more.sittings, more.budget) == (4, 12, 2, "12steps")
    assert more.seconds > first.seconds
    # 4 of 12 steps are a third, which is epoch 1 of 4: the rate is the first again until half of the new budget.
    assert rates(job.out) == pytest.approx([1e-2, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3][: len(rates(job.out))])


def test_a_folder_with_another_training_is_refused(make_job, drawn):
    train_baseline(make_job("1steps"), drawn, drawn.rows)
    with pytest.raises(UsageError, match="holds a training; add --resume"):
        train_baseline(make_job("1steps"), drawn, drawn.rows)
    with pytest.raises(UsageError, match="was begun with seed 0, not 5"):
        train_baseline(make_job("4steps", resume=True, seed=5), drawn, drawn.rows)
    with pytest.raises(UsageError, match="was begun with images_sha256"):
        train_baseline(make_job("4steps", resume=True), drawn, drawn.rows[:12])


def test_too_few_clips_for_a_batch_are_one_line_with_the_log(make_job, drawn):
    with pytest.raises(WorkFailedError, match="3 clips are fewer than one batch of 4") as caught:
        train_baseline(make_job(), drawn, drawn.rows[:9])
    assert "authors.log" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_stopped_training_keeps_its_state_and_goes_on(make_job, drawn, tmp_path):
    """SIGINT to a process that trains, as Ctrl-C sends it: the note is written, and the rest of the budget follows."""
    job = make_job("4000steps")
    script = tmp_path / "go.py"
    script.write_text(
        "import pickle, sys\nfrom pathlib import Path\n"
        "from dgbench.training.baselines.train import train_baseline\n"
        "sys.path.insert(0, sys.argv[2])\nfrom conftest import Drawn\n"
        "job = pickle.loads(Path(sys.argv[1]).read_bytes())\ntrain_baseline(job, Drawn(), Drawn().rows)\n"
    )
    (tmp_path / "job").write_bytes(pickle.dumps(job))
    where = [str(tmp_path / "job"), str(Path(__file__).parent)]
    support = str(Path(__file__).parents[2] / "support")
    started = subprocess.Popen([sys.executable, str(script), *where], env={**os.environ, "PYTHONPATH": support})
    deadline = time.monotonic() + 120
    while not (job.out / "state.pth.tar").exists() and started.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    started.send_signal(signal.SIGINT)
    assert started.wait(60) != 0
    note = TrainingNote.model_validate_json((job.out / "training.json").read_bytes())
    assert not note.finished and 0 < note.steps < 4000
    more = train_baseline(make_job(f"{note.steps + 3}steps", resume=True), drawn, drawn.rows)
    assert more.finished and more.steps == note.steps + 3 and more.sittings == 2


def test_seconds_are_a_budget_too(make_job, drawn):
    note = train_baseline(make_job("0.5s"), drawn, drawn.rows)
    assert note.finished and 0.5 <= note.seconds < 5 and note.steps >= 1
    assert TrainingBudget.parse(note.budget).seconds == 0.5
