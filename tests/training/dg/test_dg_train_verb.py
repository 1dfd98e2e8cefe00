"""``dgbench train dg`` from the command line: presets, settings from a file, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from cartoons import Cartoons, rows
from typer.testing import CliRunner

from dgbench.cli.app import app
from dgbench.core.errors import UsageError
from dgbench.core.face import Landmarks
from dgbench.core.protocol import NumberRange
from dgbench.datasets.manifest import Manifest, make_frames
from dgbench.models.dg.checkpoint import load_checkpoint
from dgbench.training.dg.config import PRESETS
from dgbench.training.dg.config_file import load_config

SETTINGS = """
model:
  size: 64
  idsg: {face_encoders: [geometry], feature_dim: 205, hidden: 16, decoder_hidden: 16}
  rfg: {base_channels: 4, max_channels: 8, style_dim: 8}
phases:
  - {stage: self, network: idsg, steps: 2}
  - {stage: self, network: rfg, steps: 2}
idsg: {batch: 4}
rfg: {batch: 2}
perceptual: none
landmark_network: none
identity_network: perceptual
"""


class Store(Cartoons):
    """Cartoon people as a source with a manifest, as a prepared store is."""

    def manifest(self) -> Manifest:
        table = [
            {"key": row.key, "subject": row.subject, "expression": row.cell, "dataset": "cartoons"}
            for row in rows(people=6)
        ]
        return Manifest("cartoons", Path(), make_frames(table))

    def __contains__(self, key: object) -> bool:
        return True


@pytest.fixture
def cartoons(monkeypatch: pytest.MonkeyPatch) -> Store:
    from dgbench.engine.run import data
    from dgbench.protocols import registry

    store = Store()
    real = registry.load_protocol

    class Opened:
        source = store
        pairs: tuple[()] = ()

    def load(name: str):  # type: ignore[no-untyped-def]
        loaded = real("frll-cross@1")
        split = loaded.protocol.split.model_copy(
            update={"train": NumberRange(first=0, last=3), "test": NumberRange(first=4, last=9)}
        )
        return type(loaded)(loaded.protocol.model_copy(update={"split": split}), loaded.folder)

    monkeypatch.setattr(data, "open_data", lambda loaded, root, weights=None: Opened())
    monkeypatch.setattr(registry, "load_protocol", load)
    return store


def call(*arguments: object) -> tuple[int, str, BaseException | None]:
    result = CliRunner().invoke(app, ["train", "dg", *(str(a) for a in arguments)])
    return result.exit_code, result.stdout, result.exception


def test_train_resume_and_what_it_says(cartoons: Store, tmp_path: Path) -> None:
    settings = tmp_path / "small.yaml"
    settings.write_text(SETTINGS)
    common = (
        "--protocol",
        "frll-cross",
        "--config",
        settings,
        "--preset",
        "small",
        "--out",
        tmp_path / "out",
        "--json",
    )
    code, text, error = call(*common, "--stop-after", 3)
    assert code == 0, error
    first = json.loads(text)
    assert not first["finished"] and first["steps"] == 3 and first["people"] == 4 and first["images"] == 16
    code, _, error = call(*common)
    assert code == 1 and isinstance(error, UsageError) and "--resume" in str(error)
    code, text, error = call(*common, "--resume")
    last = json.loads(text)
    assert code == 0 and last["finished"] and last["resumed_from"] == 3 and last["total_steps"] == 4
    checkpoint = load_checkpoint(tmp_path / "out")
    assert checkpoint.digest == last["weights_sha256"] and checkpoint.config.idsg.classes == 4
    assert checkpoint.notes["training_data"] == ["frll-cross@1 training people"]


def test_a_finished_model_is_fine_tuned(cartoons: Store, tmp_path: Path) -> None:
    settings = tmp_path / "small.yaml"
    settings.write_text(SETTINGS)
    common = ("--protocol", "frll-cross", "--preset", "small", "--json", "--config", settings)
    assert call(*common, "--out", tmp_path / "first")[0] == 0
    first = load_checkpoint(tmp_path / "first")
    none = tmp_path / "none.yaml"
    none.write_text(SETTINGS.replace("steps: 2", "steps: 0").replace("hidden: 16", "hidden: 24"))
    code, _, error = call(*common[:-1], none, "--out", tmp_path / "same", "--start", tmp_path / "first")
    assert code == 0, error
    same = load_checkpoint(tmp_path / "same")
    assert same.digest == first.digest and same.config == first.config
    assert same.notes["started_from"] == first.digest
    assert same.notes["training_data"] == ["frll-cross@1 training people"] * 2
    assert call(*common, "--out", tmp_path / "more", "--start", tmp_path / "first")[0] == 0
    assert load_checkpoint(tmp_path / "more").digest != first.digest
    # The other half alone: its weights are the first model's, and the shape generator is trained with other settings.
    other = tmp_path / "other.yaml"
    other.write_text(
        SETTINGS.replace("network: rfg, steps: 2", "network: rfg, steps: 0").replace(
            "decoder_hidden: 16", "decoder_hidden: 8"
        )
    )
    half = ("--start", tmp_path / "first", "--start-part", "rfg")
    code, _, error = call(*common[:-1], other, "--out", tmp_path / "half", *half)
    assert code == 0, error
    mixed = load_checkpoint(tmp_path / "half")
    assert mixed.config.idsg.decoder_hidden == 8 and mixed.config.rfg == first.config.rfg
    taken = {name for name, tensor in mixed.state.items() if not name.startswith("shape.")}
    assert taken and all(torch.equal(mixed.state[name], first.state[name]) for name in taken)
    code, _, error = call(*common, "--out", tmp_path / "x", "--start", tmp_path / "first", "--start-part", "face")
    assert "the halves of a model are idsg and rfg" in str(error)
    code, _, error = call(*common, "--out", tmp_path / "x", "--start", tmp_path / "nothing")
    assert code == 3 or "no DG checkpoint here" in str(error)


def test_test_people_are_never_trained_on(cartoons: Store) -> None:
    from dgbench.protocols import registry
    from dgbench.training.dg.protocol_rows import training_rows

    protocol = registry.load_protocol("frll-cross").protocol
    assert {row.subject for row in training_rows(cartoons, protocol)} == {"p00", "p01", "p02", "p03"}
    overlapping = protocol.model_copy(
        update={"split": protocol.split.model_copy(update={"test": NumberRange(first=2, last=9)})}
    )
    assert {row.subject for row in training_rows(cartoons, overlapping)} == {"p00", "p01"}
    nobody = protocol.model_copy(
        update={"split": protocol.split.model_copy(update={"train": NumberRange(first=50, last=60)})}
    )
    with pytest.raises(UsageError, match="no image of a training person"):
        training_rows(cartoons, nobody)
    with pytest.raises(UsageError, match="dgbench data prepare"):
        training_rows(Cartoons(), protocol)


def test_protocols_joined_keep_their_people_and_cells_apart() -> None:
    from dgbench.protocols.registry import load_protocol
    from dgbench.training.dg.protocol_rows import joined

    few = load_protocol("frll-cross").protocol
    split = few.split.model_copy(update={"train": NumberRange(first=0, last=1), "test": NumberRange(first=4, last=9)})
    first = few.model_copy(update={"id": "first", "split": split})
    second = first.model_copy(update={"id": "second"})

    class Big(Store):
        """The same people under other keys, twice as large."""

        def __init__(self) -> None:
            super().__init__()
            self.size, self._small = 128, Store()

        def manifest(self) -> Manifest:
            frames = super().manifest().frames
            return Manifest("cartoons", Path(), frames.assign(key="big/" + frames["key"]))

        def image(self, key: str) -> np.ndarray:
            return np.repeat(np.repeat(self._small.image(key.removeprefix("big/")), 2, 0), 2, 1)

        def landmarks(self, key: str) -> Landmarks | None:
            found = self._small.landmarks(key.removeprefix("big/"))
            return found and replace(found, points=found.points * 2)

    small = Store()
    source, found = joined([(first, small, ()), (second, Big(), ())])
    assert {row.subject for row in found} == {"first/p00", "first/p01", "second/p00", "second/p01"}
    assert {row.cell.partition("|")[0] for row in found} == {"first", "second"}
    key = found[0].key
    np.testing.assert_array_equal(source.image(f"big/{key}"), source.image(key))
    ours, theirs = source.landmarks(key), source.landmarks(f"big/{key}")
    assert ours is not None and theirs is not None
    np.testing.assert_allclose(ours.points, theirs.points, atol=1e-4)
    with pytest.raises(UsageError, match="name each once"):
        joined([(first, small, ()), (second, small, ())])
    with pytest.raises(UsageError, match="DGBENCH_DATA"):
        call_data_of_two()


def call_data_of_two() -> None:
    error = call("--protocol", "rafd-train", "--protocol", "multipie-train", "--data", ".", "--out", "x")[2]
    assert error is not None
    raise error


def test_presets_and_their_choices() -> None:
    paper, compat, small = (PRESETS[name]() for name in ("paper", "compat", "small"))
    assert paper.model.idsg.coordinates == "xyz" and paper.model.rfg.discriminators == "face+shape"
    assert paper.idsg.vls_form == "hinge" and paper.idsg.detach_action and paper.model.idsg.frame == "image"
    assert compat.model.idsg.input_dim == 136 and compat.model.idsg.sigmoid_classifier
    assert compat.idsg.vls_form == "absolute" and compat.idsg.betas == (0.99, 0.999) and not compat.idsg.detach_action
    assert compat.model.map.rule == "profile" and compat.model.eye_transfer and compat.rfg.landmark == 0
    assert small.model.mode == "paper" and small.model.size == 64
    assert {(phase.stage, phase.network) for phase in paper.phases} == {
        (stage, network) for stage in ("self", "cross") for network in ("idsg", "rfg")
    }


def test_settings_are_merged_and_bad_ones_are_named(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("idsg: {lr: 0.5}\nseed: 3\n")
    changed = load_config("paper", path)
    assert changed.idsg.lr == 0.5 and changed.seed == 3 and changed.idsg.batch == 32
    for text, message in (
        ("idsg: {lrr: 1}", "idsg.lrr"),
        ("augment: 2", "augment"),
        ("model: {size: 70}", "model.size"),
        ("model: {idsg: {feature_dim: 5}}", "give 4096 features"),
        ("- 1", "is a mapping"),
        ("a: [", "not a YAML"),
        ("!!python/object/apply:os.system ['true']", "not a YAML"),
    ):
        path.write_text(text)
        with pytest.raises(UsageError, match=message):
            load_config("paper", path)
    with pytest.raises(UsageError, match="not a YAML"):
        load_config("paper", tmp_path / "absent.yaml")
    with pytest.raises(UsageError, match=r"Did you mean 'small'\?"):
        load_config("smal")


def test_empty_file_is_the_preset(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("")
    assert load_config("compat", path) == PRESETS["compat"]()


def test_manifest_columns_are_those_cells_are_made_of() -> None:
    frames = Store().manifest().frames
    assert isinstance(frames, pd.DataFrame) and {"camera", "expression", "gaze", "illumination", "flash"} <= set(frames)


def test_sigterm_keeps_a_checkpoint_and_resume_gives_the_same_model(
    cartoons: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os
    import signal

    from dgbench.training.dg.trainer import Trainer

    settings = tmp_path / "small.yaml"
    settings.write_text(SETTINGS)
    common = ("--protocol", "frll-cross", "--config", settings, "--out")
    assert call(*common, tmp_path / "whole")[0] == 0
    real = Trainer.idsg

    def signalled(self: Trainer, phase: object, step: int):  # type: ignore[no-untyped-def]
        if step == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(self, phase, step)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "idsg", signalled)
    code, _, error = call(*common, tmp_path / "parts")
    assert code == 1 and "stopped at step 2 of 4" in str(error) and "--resume" in str(error)
    monkeypatch.setattr(Trainer, "idsg", real)
    assert call(*common, tmp_path / "parts", "--resume")[0] == 0
    digests = {load_checkpoint(tmp_path / name).digest for name in ("whole", "parts")}
    assert len(digests) == 1


@pytest.mark.parametrize(
    "name", ["gan-64", "stages/supervised", "stages/truth-free", "stages/self-only", "paper-64", "photographs"]
)
def test_recipes_that_ship_are_configurations(name: str) -> None:
    recipe = load_config("small", Path(__file__).parents[3] / "suites" / "dg-synthface" / f"{name}.yaml")
    if name == "stages/truth-free":
        assert (recipe.idsg.cross_truth, recipe.rfg.cross_truth) == ("never", "never")
    if name == "stages/self-only":
        assert {phase.stage for phase in recipe.phases} == {"self"}
    if name == "gan-64":
        samples = sum(phase.steps for phase in recipe.phases if phase.network == "rfg") * recipe.rfg.batch
        assert samples >= 500_000 and recipe.rfg.adversarial == 1.0 and recipe.validation_people == 32
