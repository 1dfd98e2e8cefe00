"""The training loop: phases, exact resume, several processes, the NaN guard, what is left on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from cartoons import tiny_config
from lightning_fabric import Fabric
from torch import Tensor

from dgbench.core.errors import UsageError, WorkFailedError
from dgbench.models.dg.checkpoint import load_checkpoint, save_model
from dgbench.training.dg.config import IdsgTraining, Phase, RfgTraining, TrainConfig
from dgbench.training.dg.frames import FrameBank
from dgbench.training.dg.frozen import FrozenNetworks
from dgbench.training.dg.loop import Summary, phase_at, train, with_people
from dgbench.training.dg.state import TrainState, config_digest, finished_checkpoints
from dgbench.training.dg.trainer import NotFiniteError, Trainer


def fit(config: TrainConfig, bank: FrameBank, features: Tensor, out: Path, **more: object) -> Summary:
    return train(config, bank=bank, features=features, frozen=FrozenNetworks(), out=out, **more)  # type: ignore[arg-type]


def state_of(out: Path) -> bytes:
    return (finished_checkpoints(out)[-1] / "state.safetensors").read_bytes()


@pytest.fixture(scope="module")
def whole(bank: FrameBank, features: Tensor, tmp_path_factory: pytest.TempPathFactory) -> Summary:
    """An uninterrupted run."""
    return fit(tiny_config(), bank, features, tmp_path_factory.mktemp("whole"))


def test_all_phases_run_and_export_a_model(bank: FrameBank, features: Tensor, tmp_path: Path) -> None:
    moved: list[tuple[int, int]] = []
    summary = fit(tiny_config(), bank, features, tmp_path, progress=lambda done, total: moved.append((done, total)))
    assert summary.finished and summary.steps == 10 and moved == [(step, 10) for step in range(1, 11)]
    checkpoint = load_checkpoint(tmp_path)
    assert checkpoint.digest == summary.weights_sha256 and checkpoint.config.idsg.classes == 4
    assert checkpoint.notes["people"] == 4
    checkpoint.model()
    lines = [json.loads(line) for line in (tmp_path / "log" / "curves.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6, 8, 10]
    names = {name for line in lines for name in line}
    assert {"idsg/localization", "idsg/localization_cross", "idsg/d_r1", "idsg/c_class"} <= names
    assert {"rfg/g_attribute", "rfg/d_adversarial", "rfg/d_r1", "rfg/g_style"} <= names
    assert list((tmp_path / "log").glob("events*")) and list((tmp_path / "grids").glob("self-*.png"))
    assert [folder.name for folder in finished_checkpoints(tmp_path)] == ["step-000000008", "step-000000010"]


@pytest.mark.parametrize("stop", [1, 5, 8])
def test_resumed_run_equals_an_uninterrupted_one_bit_for_bit(
    bank: FrameBank, features: Tensor, whole: Summary, tmp_path: Path, stop: int
) -> None:
    first = fit(tiny_config(), bank, features, tmp_path / "parts", stop_after=stop)
    assert not first.finished and first.steps == stop
    second = fit(tiny_config(), bank, features, tmp_path / "parts", resume=True)
    assert second.resumed_from == stop and second.finished
    assert second.weights_sha256 == whole.weights_sha256
    assert state_of(tmp_path / "parts") == state_of(whole.out)


def test_a_crash_after_a_save_loses_only_the_steps_since(
    bank: FrameBank, features: Tensor, whole: Summary, tmp_path: Path
) -> None:

    class PowerCutError(Exception):
        pass

    def cut(done: int, total: int) -> None:
        if done == 6:
            raise PowerCutError

    with pytest.raises(PowerCutError):
        fit(tiny_config(), bank, features, tmp_path / "cut", progress=cut)
    again = fit(tiny_config(), bank, features, tmp_path / "cut", resume=True)
    assert again.resumed_from == 4 and again.weights_sha256 == whole.weights_sha256
    steps = [json.loads(line)["step"] for line in (tmp_path / "cut/log/curves.jsonl").read_text().splitlines()]
    assert steps == [2, 4, 6, 8, 10]


def test_a_damaged_checkpoint_is_passed_over(bank: FrameBank, features: Tensor, whole: Summary, tmp_path: Path) -> None:
    fit(tiny_config(), bank, features, tmp_path / "run", stop_after=9)
    newest = finished_checkpoints(tmp_path / "run")[-1] / "state.safetensors"
    newest.write_bytes(newest.read_bytes()[:1000])
    again = fit(tiny_config(), bank, features, tmp_path / "run", resume=True)
    assert again.resumed_from == 8 and again.weights_sha256 == whole.weights_sha256
    for folder in finished_checkpoints(tmp_path / "run"):
        (folder / "state.safetensors").write_bytes(b"")
    with pytest.raises(UsageError, match="every training checkpoint is damaged"):
        fit(tiny_config(), bank, features, tmp_path / "run", resume=True)


def test_another_configuration_or_a_used_folder_is_refused(bank: FrameBank, features: Tensor, tmp_path: Path) -> None:
    fit(tiny_config(), bank, features, tmp_path, stop_after=4)
    with pytest.raises(UsageError, match="add --resume"):
        fit(tiny_config(), bank, features, tmp_path)
    with pytest.raises(UsageError, match="another configuration"):
        fit(tiny_config(seed=1), bank, features, tmp_path, resume=True)
    with pytest.raises(UsageError, match="features are"):
        fit(tiny_config(), bank, features[:, :5], tmp_path / "new")
    with pytest.raises(UsageError, match="does not divide by 3"):
        fit(tiny_config(), bank, features, tmp_path / "new", devices=3)


@pytest.mark.parametrize("clip", [10.0, 0.0])
def test_a_gradient_that_is_not_finite_updates_nothing(bank: FrameBank, features: Tensor, clip: float) -> None:
    config = with_people(tiny_config(clip=clip), len(bank.people))
    state = TrainState(config)
    state.prepare(torch.device("cpu"))
    trainer = Trainer(Fabric(), state, bank=bank, features=features, frozen=FrozenNetworks())
    weight = next(state.model.shape.parameters())
    before = weight.detach().clone()
    loss = (weight * 0).abs().sqrt().sum()  # finite, with a gradient of 0 * infinity
    with pytest.raises(NotFiniteError, match="the gradient of 'shape'"):
        trainer._update("shape", {"localization": loss})
    assert torch.equal(weight, before)


@pytest.mark.parametrize("network", ["idsg", "rfg"])
def test_nan_stops_before_the_update_and_keeps_the_last_good_checkpoint(
    bank: FrameBank, features: Tensor, tmp_path: Path, network: str
) -> None:
    config = tiny_config(
        phases=(
            Phase(stage="self", network=network, steps=2),
            Phase(stage="self", network=network, steps=10, lr=1e20),  # overflows float32 within two steps
        ),
        save_every=1,
    )
    with pytest.raises(WorkFailedError, match=r"not finite at step \d+ .*last good checkpoint is .*step-"):
        fit(config, bank, features, tmp_path)
    assert finished_checkpoints(tmp_path) and not (tmp_path / "dg.json").exists()


@pytest.mark.slow
def test_two_processes_equal_one(bank: FrameBank, features: Tensor, tmp_path: Path) -> None:
    config = tiny_config(ema=0.0)  # the exported average is then the live model
    fit(config, bank, features, tmp_path / "one")
    summary = fit(config, bank, features, tmp_path / "two", devices=2)
    assert summary.finished
    one, two = (load_checkpoint(tmp_path / name).state for name in ("one", "two"))
    start = load_checkpoint(tmp_path / "one").model()
    fresh = type(start)(start.config, seed=0).state_dict()
    trained = [name for name in one if name.startswith(("face.", "style."))]
    apart = torch.cat([(one[name] - two[name]).abs().flatten() for name in one])
    moved = torch.cat([(one[name] - fresh[name]).abs().flatten() for name in trained])
    # Adam turns rounding in a vanishing gradient into a step of up to the learning rate; on the whole they agree.
    assert apart.mean() < 1e-3 * moved.mean() and apart.max() < 3e-3


def test_mixed_precision_trains(bank: FrameBank, features: Tensor, tmp_path: Path) -> None:
    summary = fit(tiny_config(precision="bf16-mixed"), bank, features, tmp_path)
    state = load_checkpoint(tmp_path).state
    assert summary.finished and all(
        torch.isfinite(value).all() and value.dtype == torch.float32 for value in state.values()
    )


def test_every_loss_of_a_switched_off_weight_is_absent(bank: FrameBank, features: Tensor, tmp_path: Path) -> None:
    off = dict.fromkeys(
        ("adversarial", "action", "subject_class", "visible_local_shape", "localization_cross", "r1"), 0.0
    )
    config = tiny_config(
        idsg=IdsgTraining(batch=8, **off), rfg=RfgTraining(batch=4, adversarial=0.0, style=0.0), log_every=1
    )
    fit(config, bank, features, tmp_path)
    names = {
        name
        for line in (tmp_path / "log" / "curves.jsonl").read_text().splitlines()
        for name in json.loads(line)
        if name != "step" and not name.startswith("run/")
    }
    assert names == {"idsg/localization", "rfg/g_attribute"}


def test_the_true_landmarks_of_a_cross_pair_count_in_the_stages_that_are_asked_for(
    bank: FrameBank, features: Tensor, tmp_path: Path
) -> None:
    phases = (Phase(stage="self", network="idsg", steps=2),)
    other = (Phase(stage="cross", network="idsg", steps=2),)
    wanted = {"cross": (False, True), "always": (True, True), "never": (False, False)}
    for when, counted in wanted.items():
        for name, stages, counts in zip(("self", "cross"), (phases, other), counted, strict=True):
            config = tiny_config(phases=stages, idsg=IdsgTraining(batch=4, cross_truth=when), log_every=1)
            fit(config, bank, features, tmp_path / when / name)
            text = (tmp_path / when / name / "log" / "curves.jsonl").read_text()
            assert ('"idsg/localization_cross"' in text) == counts


def test_a_stop_that_is_asked_for_keeps_a_checkpoint_of_that_step(
    bank: FrameBank, features: Tensor, whole: Summary, tmp_path: Path
) -> None:
    asked = iter([False, False, False, False, True])
    first = fit(tiny_config(), bank, features, tmp_path, stop=lambda: next(asked))
    assert first.stopped and not first.finished and first.steps == 5
    assert finished_checkpoints(tmp_path)[-1].name == "step-000000005"
    second = fit(tiny_config(), bank, features, tmp_path, resume=True, stop=lambda: False)
    assert not second.stopped and second.weights_sha256 == whole.weights_sha256
    assert state_of(tmp_path) == state_of(whole.out)


def test_reporting_and_new_settings_leave_a_run_what_it_is(bank: FrameBank, features: Tensor, tmp_path: Path) -> None:
    config = tiny_config()
    assert config_digest(config) == config_digest(config.model_copy(update={"save_every": 7, "log_every": 1}))
    assert config_digest(config) != config_digest(config.model_copy(update={"ema": 0.5}))
    # A setting that a later version adds stands at its default and is not part of the digest.
    written = config.model_dump(mode="json", exclude_defaults=True)
    assert "compiled" not in written and "augment_critics" not in written["rfg"]
    fit(config, bank, features, tmp_path, stop_after=4)
    again = fit(config.model_copy(update={"log_every": 1}), bank, features, tmp_path, resume=True, stop_after=5)
    assert again.resumed_from == 4


def test_rate_and_speed_are_logged(bank: FrameBank, features: Tensor, whole: Summary) -> None:
    lines = [json.loads(line) for line in (whole.out / "log" / "curves.jsonl").read_text().splitlines()]
    assert lines[0]["run/lr_shape"] == 1e-3 and lines[-1]["run/lr_face"] == pytest.approx(0.5e-3)
    assert all(line["run/images_per_second"] > 0 for line in lines)


def test_the_released_pair_of_two_scales_has_no_r1(bank: FrameBank, features: Tensor, tmp_path: Path) -> None:
    for kind in ("shape", "pix2pix"):
        config = tiny_config(phases=(Phase(stage="self", network="rfg", steps=1),), log_every=1)
        rfg = config.model.rfg.model_copy(update={"discriminators": kind})
        config = config.model_copy(update={"model": config.model.model_copy(update={"rfg": rfg})})
        fit(config, bank, features, tmp_path / kind)
        text = (tmp_path / kind / "log" / "curves.jsonl").read_text()
        assert ('"rfg/d_r1"' in text) == (kind == "shape")


def test_half_a_model_can_be_started_from(bank: FrameBank, features: Tensor, whole: Summary, tmp_path: Path) -> None:
    found = load_checkpoint(whole.out)
    half = {name: value for name, value in found.state.items() if name.startswith(("face.", "style."))}
    save_model(tmp_path / "half", half, config=found.config, parts=("rfg",), notes={})
    start = load_checkpoint(tmp_path / "half")
    none = tiny_config(phases=(Phase(stage="self", network="rfg", steps=0),))
    fit(none, bank, features, tmp_path / "on", start=start, start_parts=("rfg",))
    state = load_checkpoint(tmp_path / "on").state
    assert all(torch.equal(state[name], value) for name, value in half.items())
    with pytest.raises(UsageError, match="holds rfg only, not idsg"):
        fit(none, bank, features, tmp_path / "no", start=start)


def test_adversarial_terms_begin_at_their_step(bank: FrameBank, features: Tensor, tmp_path: Path) -> None:
    config = tiny_config(
        phases=(Phase(stage="self", network="rfg", steps=4),),
        rfg=RfgTraining(batch=4, adversarial_from=2),
        log_every=1,
    )
    fit(config, bank, features, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "log" / "curves.jsonl").read_text().splitlines()]
    assert ["rfg/d_adversarial" in line for line in lines] == [False, False, True, True]


def test_phase_at_counts_through_the_phases() -> None:
    config = tiny_config()
    assert [phase_at(config, step)[1] for step in range(10)] == [0, 1, 2, 0, 1, 2, 0, 1, 0, 1]
    with pytest.raises(ValueError, match="after the last"):
        phase_at(config, 10)
