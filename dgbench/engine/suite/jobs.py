"""The jobs that a suite falls into: run one part of one cell, or score one cell. Each can be done again at any time.

A job is done in this process (:func:`perform`), or by the command that means the same (:func:`arguments`).
"""

from __future__ import annotations

import json
import logging
import signal
from dataclasses import dataclass

from dgbench.core.card import JudgeSet
from dgbench.core.errors import DgbenchError, MissingError, UsageError, WorkFailedError
from dgbench.engine.run.interrupt import StoppedError, graceful_stop
from dgbench.engine.run.methods import WorkerSetup, method_at_work
from dgbench.engine.run.plan import Shard
from dgbench.engine.run.runner import run_method
from dgbench.engine.score.scorer import score_run
from dgbench.engine.suite.file import Cell, Suite
from dgbench.protocols.registry import load_protocol

_LOG = logging.getLogger(__name__)
#: How long a job waits for the process that held its part before: a killed worker may take a while to be gone.
WAIT_S = 120.0
#: What a user is to read of a command that failed, by its exit code.
_ERRORS: dict[int, type[DgbenchError]] = {1: WorkFailedError, 2: UsageError, 3: MissingError}


@dataclass(frozen=True)
class RunPart:
    """Run part ``shard`` of a cell."""

    suite: Suite
    cell: Cell
    shard: Shard
    device: str = "cpu"

    @property
    def name(self) -> str:
        """The job in words, unique within its suite."""
        return f"run {self.cell.folder}, part {self.shard.name}"


@dataclass(frozen=True)
class ScoreCell:
    """Score a cell whose parts are all run, on ``threads`` threads (all cores by default)."""

    suite: Suite
    cell: Cell
    judges: JudgeSet
    threads: int | None = None

    @property
    def name(self) -> str:
        """The job in words, unique within its suite."""
        return f"score {self.cell.folder} with {self.judges}"


Job = RunPart | ScoreCell


@dataclass(frozen=True)
class JobResult:
    """What became of a job: the error that a user is to read, and whether its process died, so that it is redone."""

    error: DgbenchError | None = None
    died: bool = False


def perform(job: Job) -> JobResult:
    """Do a job in this process; whatever goes wrong in it comes back as the result's error."""
    try:
        if isinstance(job, RunPart):
            _run(job)
        else:
            _score(job)
    except DgbenchError as error:
        return JobResult(bare(error))
    except Exception as error:  # noqa: BLE001 - a method's code, or a fault of ours: the other cells go on
        return JobResult(unforeseen(job, error))
    return JobResult()


def bare(error: DgbenchError) -> DgbenchError:
    """Return an error without what raised it: one that is kept must not keep a method's model and worker alive."""
    error.__traceback__ = error.__cause__ = error.__context__ = None
    return error


def unforeseen(job: Job, error: BaseException) -> DgbenchError:
    """Return an error that nobody wrote for a user as one: its type and message; the rest is logged."""
    _LOG.debug("%s", job.name, exc_info=error)
    return WorkFailedError(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")


def arguments(job: Job, *, runs: str | None = None) -> list[str]:
    """Return the words after ``dgbench`` that do a job; a run's may be told another folder for ``runs``."""
    suite, asked = job.suite, job.cell.method
    out = f"{runs or suite.runs}/{job.cell.folder}"
    shared: dict[str, object] = {
        "--data": suite.data.get(load_protocol(job.cell.protocol).protocol.dataset),
        "--weights": suite.weights,
        "--wait": WAIT_S,
    }
    if isinstance(job, ScoreCell):
        return ["score", out, "--json", *_options(shared | {"--judges": job.judges, "--threads": job.threads})]
    own: dict[str, object] = {
        "--protocol": job.cell.protocol,
        "--method": asked.name,
        "--label": asked.label,
        "--out": out,
        "--checkpoint": asked.checkpoint,
        "--repo": asked.repo,
        "--python": asked.python,
        "--timeout": asked.timeout_s if asked.timeout_s != WorkerSetup.timeout_s else None,
        "--shard": f"{job.shard.index}/{job.shard.count}",
        "--device": job.device,
        "--seed": job.cell.seed,
        "--max-failures": "100%",
    }
    words = ["run", "--json", *_options(shared | own), *(["--any-commit"] if asked.any_commit else [])]
    words += [word for name, value in sorted(asked.options.items()) for word in ("--option", f"{name}={value}")]
    return words + [word for name in asked.trained_on for word in ("--trained-on", name)]


def _options(values: dict[str, object]) -> list[str]:
    return [f"{name}={value}" for name, value in values.items() if value is not None]


def result_of(job: Job, code: int, output: str) -> JobResult:
    """Return what became of a job from its command's exit code and standard output."""
    if code == 0:
        return JobResult()
    try:
        said = json.loads(output.strip().splitlines()[-1])
        error, stopped = str(said["error"]), bool(said.get("stopped"))
    except (IndexError, ValueError, KeyError, TypeError):  # killed, or it ended in a way that no command of ours does
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return JobResult(WorkFailedError(f"{job.name}: its process died ({how})"), died=True)
    return JobResult(StoppedError(error) if stopped else _ERRORS.get(code, WorkFailedError)(error))


def _run(job: RunPart) -> None:
    asked, suite = job.cell.method, job.suite
    loaded = load_protocol(job.cell.protocol)
    worker = WorkerSetup(
        repo=asked.repo,
        python=asked.python,
        options=asked.options,
        any_commit=asked.any_commit,
        timeout_s=asked.timeout_s,
        trained_on=asked.trained_on,
    )
    with method_at_work(asked.name, checkpoint=asked.checkpoint, worker=worker) as method:
        run_method(
            loaded,
            method,
            out=suite.runs / job.cell.folder,
            label=asked.label,
            data=suite.data.get(loaded.protocol.dataset),
            checkpoint=asked.checkpoint,
            weights=suite.weights,
            device=job.device,
            shard=job.shard,
            seed=job.cell.seed,
            wait_s=WAIT_S,
        )


def _score(job: ScoreCell) -> None:
    suite = job.suite
    loaded = load_protocol(job.cell.protocol)
    out = suite.runs / job.cell.folder
    with graceful_stop() as stop:

        def look_up(done: int, total: int) -> None:
            if stop.asked:
                raise StoppedError(f"{out}: stopped while scoring; run the same command to score it")

        score_run(
            out,
            judges=job.judges,
            weights=suite.weights,
            data=suite.data.get(loaded.protocol.dataset),
            workers=job.threads,
            wait_s=WAIT_S,
            progress=look_up,
        )
