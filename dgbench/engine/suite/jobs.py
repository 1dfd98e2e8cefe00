"""The jobs that a suite falls into: run one part of one cell, or score one cell. Each can be done again at any time."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from dgbench.core.card import JudgeSet
from dgbench.core.errors import DgbenchError, WorkFailedError
from dgbench.core.record import Record
from dgbench.engine.run.interrupt import StoppedError, graceful_stop
from dgbench.engine.run.methods import WorkerSetup, method_at_work
from dgbench.engine.run.plan import Shard
from dgbench.engine.run.runner import run_method
from dgbench.engine.score.scorer import score_run
from dgbench.engine.suite.file import Cell, Suite
from dgbench.protocols.registry import load_protocol

_LOG = logging.getLogger(__name__)
#: How long a job waits for the process that held its part before: a killed worker may take a while to be gone.
_WAIT_S = 120.0


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
class Answer:
    """What became of a job: done (with the record, if it was a scoring), or the error that a user is to read."""

    record: Record | None = None
    error: DgbenchError | None = None


def perform(job: Job) -> Answer:
    """Do a job in this process; whatever goes wrong in it comes back as the answer's error."""
    try:
        if isinstance(job, RunPart):
            _run(job)
            return Answer()
        return Answer(record=_score(job))
    except DgbenchError as error:
        return Answer(error=bare(error))
    except Exception as error:  # noqa: BLE001 - a method's code, or a fault of ours: the other cells go on
        return unforeseen(job, error)


def bare(error: DgbenchError) -> DgbenchError:
    """Return an error without what raised it: one that is kept must not keep a method's model and worker alive."""
    error.__traceback__ = error.__cause__ = error.__context__ = None
    return error


def unforeseen(job: Job, error: BaseException) -> Answer:
    """Return the answer to an error that nobody wrote for a user: its type and message; the rest is logged."""
    _LOG.debug("%s", job.name, exc_info=error)
    return Answer(error=WorkFailedError(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"))


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
            wait_s=_WAIT_S,
        )


def _score(job: ScoreCell) -> Record:
    suite = job.suite
    loaded = load_protocol(job.cell.protocol)
    data = suite.data.get(loaded.protocol.dataset)
    out = suite.runs / job.cell.folder
    with graceful_stop() as stop:

        def look_up(done: int, total: int) -> None:
            if stop.asked:
                raise StoppedError(f"{out}: stopped while scoring; run the same command to score it")

        return score_run(
            out,
            judges=job.judges,
            weights=suite.weights,
            data=data,
            workers=job.threads,
            wait_s=_WAIT_S,
            progress=look_up,
        ).record
