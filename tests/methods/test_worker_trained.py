"""Weights that dgbench let train: their note gives the worker size and configuration, and the record its training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dgbench.core.digests import sha256_file
from dgbench.core.errors import UsageError
from dgbench.methods.baseline_card import load_card
from dgbench.methods.contract import LoadContext
from dgbench.methods.trained import TrainingNote
from dgbench.methods.worker import IsolatedReenactor

WIDTH = 6


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, toy_root) -> Path:
    """A checkpoint of the toy network at another width and size, with the note that a training leaves."""
    import sys

    import torch

    folder = tmp_path_factory.mktemp("trained")
    sys.path.insert(0, str(toy_root.repos["toy-net"]))
    try:
        from modules.generator import Generator
    finally:
        sys.path.pop(0)
        for name in [name for name in sys.modules if name.split(".")[0] == "modules"]:
            del sys.modules[name]
    torch.manual_seed(0)
    torch.save({"generator": Generator(WIDTH).state_dict()}, folder / "checkpoint.pth.tar")
    (folder / "config.yaml").write_text(f"model_params: {{generator_params: {{width: {WIDTH}}}}}\n")
    note = TrainingNote(
        method="toy-net", size=16, config="config.yaml", config_sha256=sha256_file(folder / "config.yaml"),
        checkpoint="checkpoint.pth.tar", checkpoint_sha256=sha256_file(folder / "checkpoint.pth.tar"),
        protocols=("toy-train@1",), training_data=("toy-train@1 training people",), people=("p0", "p1"), images=6,
        images_sha256="0" * 64, seed=3, budget="4h", steps=70, samples=560, seconds=14400.4, seconds_of="cpu",
        sittings=2, finished=True, perceptual="pixels", perceptual_sha256=None, loss_substitution="pixels for VGG-19",
        commit=None, trainer_sha256="1" * 64, versions={"torch": "2"},
    )  # fmt: skip
    (folder / "training.json").write_text(note.model_dump_json())
    return folder


def copied(trained: Path, to: Path, **changes: object) -> Path:
    """Return a copy of the checkpoint whose note has changes."""
    for path in trained.iterdir():
        (to / path.name).write_bytes(path.read_bytes())
    note = json.loads((to / "training.json").read_text())
    (to / "training.json").write_text(json.dumps(note | changes))
    return to / "checkpoint.pth.tar"


@pytest.mark.slow  # starts an interpreter with torch in it
def test_the_worker_takes_size_and_configuration_from_the_note(toy, trained, make_task):
    method = toy.method("toy-net", checkpoint=trained / "checkpoint.pth.tar")
    assert method.hello.size == 16
    made = method.reenact([make_task()])[0]
    assert made.shape == (32, 32, 3), "the protocol's size"
    # A 16 px image enlarged by bicubic has next to nothing between neighbouring pixels' second differences.
    again = np.abs(np.diff(made.astype(int), n=2, axis=0)).mean()
    assert again < 0.5 * np.abs(np.diff(make_task().source.astype(int), n=2, axis=0)).mean()


@pytest.mark.slow
def test_a_changed_configuration_is_refused(toy, trained, tmp_path):
    checkpoint = copied(trained, tmp_path)
    (tmp_path / "config.yaml").write_text("model_params: {generator_params: {width: 4}}\n")
    with pytest.raises(UsageError, match="is not the configuration that the checkpoint was trained with"):
        toy.method("toy-net", checkpoint=checkpoint)


def test_the_record_declares_what_the_note_says(toy, trained):
    method = toy.method("toy-net", load=False, checkpoint=trained / "checkpoint.pth.tar")
    assert method.training_data == ("toy-train@1 training people",)
    said = {key: value for key, value in method.parameters().items() if key.startswith("train")}
    assert said == {
        "train.size": 16, "train.steps": 70, "train.samples": 560, "train.seconds": 14400, "train.seconds_of": "cpu",
        "training_seed": 3, "train.budget": "4h", "train.loss_substitution": "pixels for VGG-19",
        "train.config_sha256": sha256_file(trained / "config.yaml"),
    }  # fmt: skip


def test_the_user_cannot_say_otherwise(toy, trained):
    checkpoint = trained / "checkpoint.pth.tar"
    method = toy.method("toy-net", load=False, checkpoint=checkpoint, trained_on=("rafd",))
    with pytest.raises(UsageError, match=r"--trained-on is for weights without a training.json"):
        _ = method.training_data


def test_a_note_of_other_weights_is_refused_by_host_and_worker(toy, trained, tmp_path):
    checkpoint = copied(trained, tmp_path, checkpoint_sha256="f" * 64)
    with pytest.raises(UsageError, match=r"with another content than checkpoint.pth.tar") as caught:
        toy.method("toy-net", load=False, checkpoint=checkpoint).parameters()
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match=r"is not the checkpoint that training.json beside it describes"):
        toy.method("toy-net", checkpoint=checkpoint)


@pytest.mark.parametrize("text", ["{", "[]", '{"method": "toy-net"}'])
def test_a_damaged_note_is_one_line(toy, trained, tmp_path, text):
    checkpoint = copied(trained, tmp_path)
    (tmp_path / "training.json").write_text(text)
    with pytest.raises(UsageError, match=r"training.json: not a training note") as caught:
        toy.method("toy-net", load=False, checkpoint=checkpoint).parameters()
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match=r"training.json is no training note"):
        toy.method("toy-net", checkpoint=checkpoint)


def test_a_note_of_another_method_is_refused(toy, trained, tmp_path):
    with pytest.raises(UsageError, match="is of toy-b, not of toy-net"):
        toy.method("toy-net", checkpoint=copied(trained, tmp_path, method="toy-b"))


def of(name: str, checkpoint: Path, **changes: object) -> tuple[str, ...]:
    checkpoint.write_bytes(b"weights")
    return IsolatedReenactor(load_card(name), checkpoint=checkpoint, **changes).training_data


def test_the_card_speaks_for_the_published_file_alone(tmp_path):
    assert of("first-order-model", tmp_path / "vox-cpk.pth.tar") == ("VoxCeleb1",)
    assert of("first-order-model", tmp_path / "mine.pth.tar") == ()
    assert of("first-order-model", tmp_path / "mine.pth.tar", trained_on=("rafd", "own")) == ("rafd", "own")


def test_weights_that_nobody_published_are_the_users_whatever_their_name(tmp_path):
    name = load_card("freenet").weights[0].file
    folder = tmp_path / name
    folder.parent.mkdir(exist_ok=True)
    assert load_card("freenet").training_data, "the card knows the paper's data"
    assert IsolatedReenactor(load_card("freenet"), checkpoint=tmp_path).training_data == ()
    mine = IsolatedReenactor(load_card("freenet"), checkpoint=tmp_path, trained_on=("synthface-rafd-train",))
    assert mine.training_data == ("synthface-rafd-train",)


def test_the_card_has_no_say_once_a_checkpoint_is_given_at_load(tmp_path):
    (tmp_path / "mine.pth.tar").write_bytes(b"x")
    method = IsolatedReenactor(load_card("first-order-model"), repo=tmp_path, python=tmp_path)
    with pytest.raises(Exception):  # noqa: B017 - nothing runs there; what counts is the declared data
        method.load(LoadContext(size=64, checkpoint=tmp_path / "mine.pth.tar"))
    assert method.training_data == ()
