"""A suite: every cell run, scored and published, then the leaderboard; done parts are not done again."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dgbench.core.errors import DgbenchError, UsageError, WorkFailedError
from dgbench.core.record import Record
from dgbench.engine.run.interrupt import StoppedError, graceful_stop
from dgbench.engine.run.plan import RunFolder, Shard
from dgbench.engine.suite.executors import Executor, ThisProcess
from dgbench.engine.suite.file import Cell, Suite, cells
from dgbench.engine.suite.jobs import Job, JobResult, RunPart, ScoreCell, bare
from dgbench.results.records.store import publish, read_record
from dgbench.results.tables.leaderboard import build

#: How often a job is begun again after its process died, or was told to stop by somebody else.
RETRIES = 3
_LOG = logging.getLogger(__name__)
Announce = Callable[[Cell], None]


@dataclass(frozen=True)
class Outcome:
    """What became of a cell: its records, or the error that ended it."""

    cell: Cell
    records: tuple[Record, ...] = ()
    error: DgbenchError | None = None


def run_suite(
    suite: Suite,
    *,
    device: str = "cpu",
    executor: Executor | None = None,
    parts: int | None = None,
    announce: Announce | None = None,
) -> tuple[list[Outcome], list[Path]]:
    """Run, score and publish every cell, then build the leaderboard; returns outcomes and leaderboard files.

    A cell that fails (missing weights, no data, an error in a method's code) is kept as an outcome and the others go
    on. Who does the work and into how many parts it is cut changes no byte of a record but its time.

    Args:
        suite: what to do.
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        executor: who does it; this process by default.
        parts: into how many parts each run is cut; as many as keep the executor busy by default.
        announce: called with each cell when its first job begins.

    Raises:
        UsageError: the suite asks for what is not there or for nothing, or for one run twice.
        StoppedError: somebody asked for a stop; the same call goes on.
    """
    planned = cells(suite)
    folders = [cell.folder for cell in planned]
    if len(set(folders)) != len(folders):
        raise UsageError(f"suite '{suite.name}' names one method twice for the same protocol and seed")
    executor = executor or ThisProcess()
    parts = parts or -(-executor.size // max(1, len(planned)))
    work = _Work(suite, planned, parts=parts, device=device, threads=executor.threads)
    under_way = 0
    with graceful_stop() as stop:
        while work.todo or under_way:
            while work.todo and under_way < executor.size and not stop.asked:
                job = work.todo.popleft()
                if announce and isinstance(job, RunPart) and job.shard.index == 1:
                    announce(job.cell)
                executor.start(job)
                under_way += 1
            done = None if stop.asked else executor.finished()
            if done:
                under_way -= 1
                work.take(*done, stopping=stop.asked)
            if stop.asked:
                executor.stop()
                raise StoppedError(f"suite '{suite.name}' was stopped; run the same command to go on")
    # Where not one cell was done there is nothing to rank, and the cells' own errors are what is to be read.
    return work.outcomes(), build(suite.results) if suite.results.is_dir() else []


class _Work:
    """The jobs still to begin, and what has come of each cell so far."""

    def __init__(self, suite: Suite, planned: list[Cell], *, parts: int, device: str, threads: int | None) -> None:
        self._suite, self._planned, self._threads = suite, planned, threads
        self.todo: deque[Job] = deque(
            RunPart(suite, cell, Shard(index, parts), device) for cell in planned for index in range(1, parts + 1)
        )
        self._parts_left = {cell.folder: parts for cell in planned}
        self._records: dict[str, dict[str, Record]] = {cell.folder: {} for cell in planned}
        self._errors: dict[str, DgbenchError] = {}
        self._tries: Counter[str] = Counter()

    def take(self, job: Job, result: JobResult, *, stopping: bool) -> None:
        """Take in what became of a job, and put what follows from it at the head of the queue."""
        name = job.cell.folder
        error = result.error
        if (result.died or isinstance(error, StoppedError)) and not stopping:
            # Nobody stopped the suite: only this process was killed or told to go, as when a node is taken away.
            self._tries[job.name] += 1
            if self._tries[job.name] <= RETRIES:
                _LOG.warning("%s; begun again", error)
                self.todo.appendleft(job)
                return
            error = WorkFailedError(f"{error}, {RETRIES + 1} times; finished pairs are kept")
        if error:
            self._errors.setdefault(name, error)
        if isinstance(job, RunPart):
            self._parts_left[name] -= 1
            if not self._parts_left[name] and name not in self._errors:
                scorings = [ScoreCell(self._suite, job.cell, judges, self._threads) for judges in self._suite.judges]
                self.todo.extendleft(reversed(scorings))
        elif error is None:
            scores = RunFolder(self._suite.runs / name).scores(job.judges)
            try:
                publish(scores, self._suite.results)
                self._records[name][job.judges] = read_record(scores / "record.json")
            except DgbenchError as refused:
                self._errors.setdefault(name, bare(refused))

    def outcomes(self) -> list[Outcome]:
        """Return what became of the cells, in the suite's order."""
        return [self._outcome(cell) for cell in self._planned]

    def _outcome(self, cell: Cell) -> Outcome:
        error = self._errors.get(cell.folder)
        if error:
            return Outcome(cell, error=error)
        records = self._records[cell.folder]
        return Outcome(cell, records=tuple(records[judges] for judges in self._suite.judges))
