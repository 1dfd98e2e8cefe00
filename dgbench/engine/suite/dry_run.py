"""What a suite would do: each run with its pairs, how many are done, which scores are there, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass

from dgbench.core.errors import DgbenchError
from dgbench.core.pair import Pair
from dgbench.engine.run.data import open_data
from dgbench.engine.run.methods import WorkerSetup, build_method
from dgbench.engine.run.plan import RunFolder
from dgbench.engine.run.runner import require_runnable
from dgbench.engine.run.state import untried
from dgbench.engine.suite.file import Cell, Suite, cells
from dgbench.protocols.registry import load_protocol


@dataclass(frozen=True)
class Prospect:
    """What a suite would do for one cell.

    Attributes:
        cell: the cell.
        pairs: pairs of the run; 0 where the data cannot be opened.
        done: how many of them have a result already.
        scored: the judges whose record is there.
        problem: why it cannot be run, "" where nothing is known to stand in its way.
    """

    cell: Cell
    pairs: int
    done: int
    scored: tuple[str, ...]
    problem: str

    def told(self) -> dict[str, object]:
        """Return it as plain data."""
        rest = {"pairs": self.pairs, "done": self.done, "scored": list(self.scored), "problem": self.problem}
        return self.cell.told() | rest

    def __str__(self) -> str:
        scored = f", scored by {', '.join(self.scored)}" if self.scored else ""
        problem = f"; cannot be run: {self.problem}" if self.problem else ""
        return f"{self.cell}: {self.done} of {self.pairs} pairs done{scored}{problem}"


def dry_run(suite: Suite) -> list[Prospect]:
    """Look at every cell of a suite without running or writing anything.

    Raises:
        UsageError: the suite asks for what is not there, or for nothing.
    """
    opened: dict[str, tuple[list[Pair], str]] = {}
    return [_prospect(suite, cell, opened) for cell in cells(suite)]


def _prospect(suite: Suite, cell: Cell, opened: dict[str, tuple[list[Pair], str]]) -> Prospect:
    loaded = load_protocol(cell.protocol)
    if cell.protocol not in opened:
        try:
            data = open_data(loaded, suite.data.get(loaded.protocol.dataset), weights=suite.weights)
            opened[cell.protocol] = (data.pairs, "")
        except DgbenchError as error:
            opened[cell.protocol] = ([], str(error))
    pairs, problem = opened[cell.protocol]
    asked = cell.method
    worker = WorkerSetup(
        repo=asked.repo,
        python=asked.python,
        options=asked.options,
        any_commit=asked.any_commit,
        timeout_s=asked.timeout_s,
        trained_on=asked.trained_on,
    )
    try:
        method = build_method(asked.name, checkpoint=asked.checkpoint, worker=worker)
        require_runnable(method, loaded, pairs, checkpoint=asked.checkpoint)
    except DgbenchError as error:
        problem = problem or str(error)
    folder = RunFolder(suite.runs / cell.folder)
    done = len(pairs) - len(untried(folder, pairs)) if folder.plan.exists() else 0
    scored = tuple(judges for judges in suite.judges if (folder.scores(judges) / "record.json").exists())
    return Prospect(cell, len(pairs), done, scored, problem)
