"""Training a third-party method: its images exported, its authors' script run in its own interpreter, its note kept."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dgbench
from dgbench.core.digests import sha256_bytes, sha256_file
from dgbench.core.errors import DgbenchError, MissingError, UsageError, WorkFailedError
from dgbench.io.atomic import write_json
from dgbench.io.journal import Journal
from dgbench.methods.baseline_card import BaselineCard, find_setup
from dgbench.methods.trained import FILE, TrainingNote
from dgbench.methods.worker_process import WorkerDied, WorkerLate, WorkerProcess
from dgbench.training.baselines.budget import TrainingBudget
from dgbench.training.baselines.export import Exported, Layout, export_images
from dgbench.training.baselines.losses import PerceptualLoss, perceptual_loss
from dgbench.training.baselines.plan import TrainingPlan, hold_plan
from dgbench.training.dg.frames import FrameSource, TrainingRow

STATE, CHECKPOINT, CONFIG, LOG = "state.pth.tar", "checkpoint.pth.tar", "config.yaml", "authors.log"
#: Seconds that one step, or the export of a checkpoint, may take before the script counts as hung.
_SILENCE_S = 3600.0

#: Called with the used share of the budget and the mean losses since the last call.
Told = Callable[[float, dict[str, float]], None]


@dataclass(frozen=True)
class TrainingJob:
    """What is trained, where, and for how long."""

    card: BaselineCard
    protocols: tuple[str, ...]
    out: Path
    size: int
    budget: TrainingBudget
    repo: Path | None = None
    python: Path | None = None
    perceptual: str = "identity-train"
    change: Path | None = None
    seed: int = 0
    threads: int = 0
    any_commit: bool = False
    resume: bool = False
    weights: Path | None = None


def train_baseline(
    job: TrainingJob,
    source: FrameSource,
    rows: Sequence[TrainingRow],
    *,
    exporting: Callable[[int, int], None] | None = None,
    told: Told | None = None,
) -> TrainingNote:
    """Train until the budget is used up, and return the note that lies beside the checkpoint.

    The images are exported into ``out``/data and removed once the budget is used up. Ctrl-C lets the step at hand
    end, keeps a checkpoint and its note, and is raised again.

    Raises:
        UsageError: the method has no training, ``out`` holds another one, or an input is wrong.
        MissingError: checkout, interpreter, package or weights are not here.
        WorkFailedError: the authors' script failed; its log is in ``out``.
    """
    card = job.card
    repo, python = _places(job)
    layout, takes_perceptual = _described(card, python)
    begun = (job.out / STATE).is_file()
    exported = export_images(source, rows, out=job.out / "data", layout=layout, size=job.size, progress=exporting)
    loss = perceptual_loss(job.perceptual, out=job.out, weights=job.weights) if takes_perceptual else None
    plan = TrainingPlan(
        method=card.name,
        protocols=job.protocols,
        size=job.size,
        seed=job.seed,
        perceptual=job.perceptual if loss else None,
        perceptual_sha256=loss.sha256 if loss else None,
        change_sha256=sha256_file(job.change) if job.change else None,
        images_sha256=exported.sha256,
    )
    hold_plan(job.out, plan, resume=job.resume, begun=begun)
    command = [str(python), "-s", "-B", str(card.trainer), "--repo", str(repo)]
    command += ["--data", str(exported.folder.resolve()), "--out", str(job.out.resolve()), "--size", str(job.size)]
    command += ["--seconds", str(job.budget.seconds), "--steps", str(job.budget.steps), "--seed", str(job.seed)]
    command += ["--threads", str(job.threads)] + (["--resume"] if job.resume else [])
    command += (["--any-commit"] if job.any_commit else []) + (["--perceptual", loss.argument] if loss else [])
    command += ["--change", str(job.change.resolve())] if job.change else []
    try:
        process = WorkerProcess(command, log=job.out / LOG)
    except OSError as error:
        raise MissingError(f"{card.name}: {python} cannot be started ({error.strerror or error})") from error
    try:
        hello, closing = _conversation(process, job, told)
    finally:
        process.kill()
    note = _note(job, exported, loss, hello, closing)
    write_json(job.out / FILE, note.model_dump(mode="json"))
    if note.finished:
        shutil.rmtree(exported.folder)
    elif closing["interrupted"]:
        raise KeyboardInterrupt
    return note


def _places(job: TrainingJob) -> tuple[Path, Path]:
    card = job.card
    if not card.trainer.is_file():
        raise UsageError(
            f"{card.name} cannot be trained here: {card.training or 'nobody has written its train.py yet'}"
        )
    setup = find_setup(card, repo=job.repo, python=job.python, checkpoint=Path("unused"))
    if setup.repo is None or not setup.repo.exists() or setup.python is None or not setup.python.exists():
        raise MissingError(f"{card.name}: missing {setup.missing[0]}")
    return setup.repo.resolve(), Path(os.path.abspath(setup.python))  # noqa: PTH100 - a venv is found by its link


def _described(card: BaselineCard, python: Path) -> tuple[Layout, bool]:
    """Ask the trainer which layout it reads and whether it has a perceptual loss."""
    try:
        process = WorkerProcess([sys.executable, "-S", "-B", str(card.trainer), "--describe"])
        said = json.loads(process.receive_line(60.0))
        process.kill()
        return said["layout"], bool(said["perceptual"])
    except (OSError, WorkerDied, WorkerLate, ValueError, KeyError) as error:
        raise WorkFailedError(f"{card.name}: {card.trainer} does not describe itself ({error})") from error


@contextmanager
def _passed_on(process: WorkerProcess) -> Iterator[list[int]]:
    """Pass a first Ctrl-C on to the process, which stops at its next good moment; a second one ends this one.

    Yields a list that is no longer empty once that happened. Outside the main thread nothing is passed on.
    """
    asked: list[int] = []

    def heard(number: int, frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        process.interrupt()

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.signal(signal.SIGINT, heard)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _conversation(process: WorkerProcess, job: TrainingJob, told: Told | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Hear the launcher out; return its hello and its closing message."""
    hello: dict[str, Any] = {}
    with Journal(job.out / "journal.jsonl") as journal, _passed_on(process) as asked:
        while True:
            try:
                message = json.loads(process.receive_line(_SILENCE_S))
            except (WorkerDied, WorkerLate, ValueError) as error:
                raise WorkFailedError(
                    f"{job.card.name}: its training ended: {error}; see {job.out / LOG}, "
                    "and go on from the last checkpoint with --resume"
                ) from error
            kind = message.pop("op")
            if kind == "fatal":
                kinds: dict[int, type[DgbenchError]] = {2: UsageError, 3: MissingError}
                where = f"; see {job.out / LOG}" if message["exit"] == 1 else ""
                raise kinds.get(message["exit"], WorkFailedError)(message["error"] + where)
            if kind == "hello":
                hello = message
            elif kind == "progress":
                journal.append([message])
                if told is not None:
                    told(message["share"], message["losses"])
            elif kind == "closed":
                return hello, message | {"interrupted": bool(asked)}


def _note(
    job: TrainingJob, exported: Exported, loss: PerceptualLoss | None, hello: dict[str, Any], closing: dict[str, Any]
) -> TrainingNote:
    return TrainingNote(
        method=job.card.name,
        size=job.size,
        config=CONFIG,
        config_sha256=sha256_file(job.out / CONFIG),
        checkpoint=CHECKPOINT,
        checkpoint_sha256=sha256_file(job.out / CHECKPOINT),
        protocols=job.protocols,
        training_data=tuple(f"{name} training people" for name in job.protocols),
        people=exported.people,
        images=exported.images,
        images_sha256=exported.sha256,
        seed=job.seed,
        budget=job.budget.text,
        steps=closing["steps"],
        samples=closing["samples"],
        seconds=round(closing["seconds"], 1),
        seconds_of="gpu" if hello["gpu"] else "cpu",
        sittings=closing["sittings"],
        finished=closing["finished"],
        perceptual=job.perceptual if loss else None,
        perceptual_sha256=loss.sha256 if loss else None,
        loss_substitution=loss.substitution if loss else "",
        commit=hello["commit"],
        trainer_sha256=trainer_digest(job.card),
        versions={**hello["versions"], "dgbench": dgbench.__version__},
    )


def trainer_digest(card: BaselineCard) -> str:
    """Return the digest of the files that decide how a method is trained: its train.py and the shared launcher."""
    files = [card.trainer, *sorted(card.runtime.glob("dgbench_*/*.py"))]
    return sha256_bytes("".join(f"{path.name} {sha256_file(path)}\n" for path in files).encode())
