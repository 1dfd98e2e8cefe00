"""Training from the first step, or from the last checkpoint, to an exported model."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from dgbench.core.errors import UsageError, WorkFailedError
from dgbench.io.locks import folder_lock
from dgbench.io.space import require_space
from dgbench.models.dg.checkpoint import PARTS, Checkpoint, part_of
from dgbench.models.dg.landmark_vector import shape_vector
from dgbench.training.dg.config import Phase, TrainConfig
from dgbench.training.dg.frames import FrameBank
from dgbench.training.dg.frozen import FrozenNetworks
from dgbench.training.dg.journal import TrainingJournal
from dgbench.training.dg.outcome import GRID_ROWS, Job, Progress, export, picture_rows, validate
from dgbench.training.dg.state import TrainState, checkpoint_bytes, finished_checkpoints, load_state, save_state
from dgbench.training.dg.trainer import NotFiniteError, Trainer
from dgbench.training.dg.validation import Validation


@dataclass(frozen=True)
class Summary:
    """What a training run came to.

    Attributes:
        out: the folder; a checkpoint folder for ``dgbench run --checkpoint`` once ``finished``.
        steps: steps done in all, over every sitting.
        resumed_from: the step that this sitting began at.
        finished: whether all phases are done and the model is exported.
        stopped: whether somebody asked for the stop; a checkpoint of that step is kept.
        weights_sha256: digest of the exported weights ("" while unfinished).
        seconds: of this sitting.
    """

    out: Path
    steps: int
    resumed_from: int
    finished: bool
    stopped: bool
    weights_sha256: str
    seconds: float


def nodes_of(devices: int) -> int:
    """Return on how many nodes torchrun started us: it says how many processes there are in all."""
    return max(1, int(os.environ.get("WORLD_SIZE", "1")) // devices) if _by_torchrun() else 1


def is_first_process() -> bool:
    """Return whether this process is the one that speaks and holds the folder: all but one of torchrun's are not."""
    return not _by_torchrun() or os.environ.get("RANK", "0") == "0"


def _by_torchrun() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ


def with_people(config: TrainConfig, people: int) -> TrainConfig:
    """Return the configuration with as many classes as there are training people."""
    idsg = config.model.idsg.model_copy(update={"classes": people})
    return config.model_copy(update={"model": config.model.model_copy(update={"idsg": idsg})})


def train(
    config: TrainConfig,
    *,
    bank: FrameBank,
    features: Tensor,
    frozen: FrozenNetworks,
    out: Path,
    resume: bool = False,
    start: Checkpoint | None = None,
    start_parts: tuple[str, ...] = tuple(PARTS),
    device: str = "cpu",
    devices: int = 1,
    stop_after: int | None = None,
    stop: Callable[[], bool] | None = None,
    validation: Validation | None = None,
    notes: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Train a Dual-Generator and export its averaged weights to ``out``.

    Args:
        config: phases, losses, model; classes are set to the number of people in ``bank``.
        bank: training images.
        features: (N, D) of the frozen face encoder, row by row of ``bank``.
        frozen: networks of the perceptual and landmark losses.
        out: folder for checkpoints, log, grids and the exported model.
        resume: go on from the newest checkpoint in ``out``; without it ``out`` must hold none.
        start: a finished model of the same configuration whose weights training begins with (fine-tuning); the
            discriminators and the classifier begin anew.
        start_parts: which halves of it are taken: ``idsg``, ``rfg``, or both.
        device: ``cpu`` or ``cuda``.
        devices: how many processes (gloo on CPU, nccl on GPU); batches must divide by it.
        stop_after: end this sitting when so many steps are done in all, keeping a checkpoint.
        stop: asked after every step; true ends the sitting there, keeping a checkpoint. Of several processes that
            this one starts none is asked; of torchrun's, each is, and one is enough.
        validation: judges the averaged model every ``validate_every`` steps of the face generator; the checkpoint that
            it likes best is kept in ``OUT/best`` and is what is exported in the end.
        notes: plain data for the exported model's description (training data, …).
        progress: called with (steps done, steps in all).

    Raises:
        UsageError: ``out`` holds a run and ``resume`` was not asked for, or a batch does not divide.
        WorkFailedError: a loss or gradient became not finite (the last good checkpoint is kept and named), the disk
            has no room for the checkpoints, or another process trains into ``out``.
    """
    config = with_people(config, len(bank.people))
    nodes = nodes_of(devices)
    for name, size in (("idsg", config.idsg.batch), ("rfg", config.rfg.batch)):
        if size % (devices * nodes):
            raise UsageError(f"{name}.batch {size} does not divide by {devices * nodes} devices; choose another batch")
    if features.shape != (len(bank), config.model.idsg.feature_dim):
        raise UsageError(
            f"features are {tuple(features.shape)}, the model takes ({len(bank)}, {config.model.idsg.feature_dim})"
        )
    if not resume and (finished_checkpoints(out) or (out / "dg.json").exists()):
        raise UsageError(f"{out}: holds a training run; add --resume to go on with it, or choose another --out")
    alone = devices * nodes == 1
    strategy = "auto" if alone else ("ddp" if _by_torchrun() else "ddp_spawn")
    fabric = Fabric(accelerator=device, devices=devices, num_nodes=nodes, strategy=strategy, precision=config.precision)
    shown = progress if alone else None
    asked = stop if alone or _by_torchrun() else None  # a spawned process can be handed no function of ours
    begun = None if start is None else {name: v for part in start_parts for name, v in part_of(start, part).items()}
    job = Job(config, bank, features, frozen, begun, out, stop_after, asked, validation, dict(notes or {}), shown)
    with folder_lock(out, purpose="train") if is_first_process() else contextlib.nullcontext():
        # Bound to the function, because Fabric takes apart and copies what it is given as arguments.
        outcome = fabric.launch(functools.partial(_run, job=job))
    if "failed" in outcome:
        raise WorkFailedError(outcome["failed"])
    return Summary(out=out, **outcome)


def _run(fabric: Fabric, *, job: Job) -> dict[str, Any]:
    """Train in one process; returns the summary, or as ``failed`` the message that every process came to."""
    began = time.monotonic()
    state = TrainState(job.config)
    _start(state, job)
    state.prepare(fabric.device)
    extra = load_state(state, job.out)
    resumed_from = state.step
    if no_room := fabric.broadcast(_no_room(state, job.out)):
        return {"failed": no_room}
    scaler = getattr(fabric.strategy.precision, "scaler", None)
    if scaler is not None and extra and "scaler" in extra:
        scaler.load_state_dict(extra["scaler"])
    trainer = Trainer(fabric, state, bank=job.bank, features=job.features, frozen=job.frozen)
    journal = TrainingJournal(job.out, active=fabric.is_global_zero, from_step=resumed_from)
    last = min(job.config.total_steps, job.stop_after or job.config.total_steps)

    def save() -> None:
        if fabric.is_global_zero:
            save_state(state, job.out, extra={} if scaler is None else {"scaler": scaler.state_dict()})
        fabric.barrier()

    stopped = False
    try:
        stopped = _steps(trainer, journal, last=last, save=save, job=job)
    except NotFiniteError as error:
        kept = finished_checkpoints(job.out)
        where = f"the last good checkpoint is {kept[-1]}" if kept else "no checkpoint had been written yet"
        return {"failed": f"{error}; training stopped before it could spread and {where}; lower the learning rate"}
    finally:
        journal.close()
    if not finished_checkpoints(job.out) or state.step % job.config.save_every:
        save()  # every process comes here at the same step
    finished = state.step >= job.config.total_steps
    digest = ""
    if finished and fabric.is_global_zero:
        digest = export(state, job)
    fabric.barrier()
    return {
        "steps": state.step,
        "resumed_from": resumed_from,
        "finished": finished,
        "stopped": stopped and not finished,
        "weights_sha256": digest,
        "seconds": time.monotonic() - began,
    }


def _no_room(state: TrainState, out: Path) -> str:
    """Return why the checkpoints will not fit on the disk, "" where they will; one is written before one goes."""
    lacking = state.config.keep_checkpoints + 1 - len(finished_checkpoints(out))
    try:
        require_space(out, max(1, lacking) * checkpoint_bytes(state), what="the checkpoints")
    except WorkFailedError as error:
        return str(error)
    return ""


def _start(state: TrainState, job: Job) -> None:
    """Set what is decided before the first step: another model's weights, or feature statistics and the mean shape."""
    for model in (state.model, state.average):
        if job.start is not None:
            model.load_state_dict(job.start, strict=False)
        if job.start is not None and any(name.startswith("shape.") for name in job.start):
            continue
        if job.config.model.idsg.standardise:
            model.shape.standardise(job.bank.points, job.bank.visibility, job.features)
        if job.config.start_at_mean:
            mean = shape_vector(job.bank.points, job.config.model.idsg).mean(dim=0)
            model.shape.landmark_decoder.start_at(mean)


def _steps(trainer: Trainer, journal: TrainingJournal, *, last: int, save: Callable[[], None], job: Job) -> bool:
    """Do steps up to ``last``, or until somebody asks for a stop; returns whether that was so."""
    state, config = trainer.state, job.config
    sums: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    clock, images = time.monotonic(), 0
    while state.step < last:
        phase, within = phase_at(config, state.step)
        terms = trainer.idsg(phase, within) if phase.network == "idsg" else trainer.rfg(phase, within)
        state.step += 1
        for name, value in terms.items():
            label = f"{phase.network}/{name}"
            sums[label] += float(value)
            counts[label] += 1
        images += config.idsg.batch if phase.network == "idsg" else config.rfg.batch
        if state.step % config.log_every == 0 or state.step == last:
            told = {name: sums[name] / counts[name] for name in sums} | trainer.rates(phase.network)
            seconds = time.monotonic() - clock
            journal.scalars(state.step, told | {"run/images_per_second": images / max(seconds, 1e-9)})
            sums.clear()
            counts.clear()
            clock, images = time.monotonic(), 0
        if phase.network == "rfg" and ((within + 1) % config.grid_every == 0 or within + 1 == phase.steps):
            journal.grid(state.step, phase.stage, picture_rows(trainer, phase), GRID_ROWS)
        every = config.validate_every
        if phase.network == "rfg" and every and ((within + 1) % every == 0 or within + 1 == phase.steps):
            validate(state, journal, job, trainer.fabric)
        if state.step % config.save_every == 0:
            save()
        if job.progress is not None:
            job.progress(state.step, config.total_steps)
        if _asked(trainer.fabric, state.step, job):
            return True
    return False


def _asked(fabric: Fabric, step: int, job: Job) -> bool:
    """Return whether to stop here; several processes agree at logging steps alone, since agreeing costs time."""
    if job.stop is None or fabric.world_size == 1:
        return job.stop is not None and job.stop()
    if step % job.config.log_every:
        return False
    flag = torch.tensor(float(job.stop()), device=fabric.device)
    return bool(fabric.all_reduce(flag, reduce_op="sum"))


def phase_at(config: TrainConfig, step: int) -> tuple[Phase, int]:
    """Return the phase that step ``step`` (0-based, over all phases) belongs to and its place inside."""
    for phase in config.phases:
        if step < phase.steps:
            return phase, step
        step -= phase.steps
    raise ValueError("the step lies after the last phase")
