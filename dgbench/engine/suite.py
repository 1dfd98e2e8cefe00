"""A suite: methods × protocols from one file, each run, scored and published; done parts are not done again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dgbench.core.card import JudgeSet
from dgbench.core.errors import DgbenchError, UsageError
from dgbench.core.pair import PAIR_ID
from dgbench.core.record import Record
from dgbench.engine.methods import WorkerSetup, build_method
from dgbench.engine.run import run_method
from dgbench.engine.score import score_run
from dgbench.protocols.registry import load_protocol
from dgbench.results.leaderboard import build
from dgbench.results.store import publish

_FROZEN = ConfigDict(frozen=True, extra="forbid")
_MAX_YAML = 1 << 20


class SuiteMethod(BaseModel):
    """One method of a suite; paths are relative to the suite's file."""

    model_config = _FROZEN
    name: str
    checkpoint: Path | None = None
    repo: Path | None = None
    python: Path | None = None
    options: dict[str, str] = {}
    any_commit: bool = False
    timeout_s: float = Field(default=120.0, gt=0)
    protocols: tuple[str, ...] | None = None
    seeds: tuple[int, ...] = (0,)


class Suite(BaseModel):
    """What a suite file says. ``data`` maps a data set's name to its folder."""

    model_config = _FROZEN
    name: Annotated[str, Field(pattern=f"^{PAIR_ID.pattern}$")]
    protocols: tuple[str, ...] = Field(min_length=1)
    methods: tuple[SuiteMethod, ...] = Field(min_length=1)
    judges: tuple[JudgeSet, ...] = Field(default=("embedded",), min_length=1)
    data: dict[str, Path] = {}
    weights: Path | None = None
    runs: Path
    results: Path


@dataclass(frozen=True)
class Cell:
    """One run of a suite."""

    method: SuiteMethod
    protocol: str
    seed: int

    @property
    def folder(self) -> str:
        """The run's folder below the suite's ``runs``."""
        return f"{self.protocol}/{self.method.name}-{self.seed}"


@dataclass(frozen=True)
class Outcome:
    """What became of a cell: its records, or the error that ended it."""

    cell: Cell
    records: tuple[Record, ...] = ()
    error: DgbenchError | None = None


def read_suite(path: Path) -> Suite:
    """Read a suite file; its relative paths become relative to the file's folder.

    Raises:
        UsageError: what is wrong and where, in one line.
    """
    try:
        if path.stat().st_size > _MAX_YAML:
            raise UsageError(f"{path}: a suite over 1 MiB is refused")
        suite = Suite.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{path}: {'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"{path}: not a suite ({' '.join(str(error).split())[:160]})") from error
    here = path.parent
    return suite.model_copy(
        update={
            "runs": here / suite.runs,
            "results": here / suite.results,
            "weights": here / suite.weights if suite.weights else None,
            "data": {name: here / folder for name, folder in suite.data.items()},
            "methods": tuple(_placed(method, here) for method in suite.methods),
        }
    )


def cells(suite: Suite) -> Iterator[Cell]:
    """Yield the runs of a suite in a fixed order: protocol by protocol, method by method, seed by seed."""
    for protocol in suite.protocols:
        for method in suite.methods:
            if method.protocols is None or protocol in method.protocols:
                for seed in method.seeds:
                    yield Cell(method=method, protocol=load_protocol(protocol).protocol.name, seed=seed)


def run_suite(
    suite: Suite, *, device: str = "cpu", announce: Callable[[Cell], None] | None = None
) -> tuple[list[Outcome], list[Path]]:
    """Run, score and publish every cell, then build the leaderboard; returns outcomes and leaderboard files.

    A cell that fails (missing weights, no data) is kept as an outcome and the others go on.
    """
    planned = list(cells(suite))
    folders = [cell.folder for cell in planned]
    if len(set(folders)) != len(folders):
        raise UsageError(f"suite '{suite.name}' names one method twice for the same protocol and seed")
    outcomes = []
    for cell in planned:
        if announce:
            announce(cell)
        try:
            outcomes.append(Outcome(cell, records=_do(cell, suite, device)))
        except DgbenchError as error:
            outcomes.append(Outcome(cell, error=error))
    return outcomes, build(suite.results)


def _do(cell: Cell, suite: Suite, device: str) -> tuple[Record, ...]:
    loaded = load_protocol(cell.protocol)
    asked = cell.method
    worker = WorkerSetup(
        repo=asked.repo,
        python=asked.python,
        options=asked.options,
        any_commit=asked.any_commit,
        timeout_s=asked.timeout_s,
    )
    method = build_method(asked.name, checkpoint=asked.checkpoint, worker=worker)
    data = suite.data.get(loaded.protocol.dataset)
    out = suite.runs / cell.folder
    run_method(
        loaded,
        method,
        out=out,
        data=data,
        checkpoint=asked.checkpoint,
        weights=suite.weights,
        device=device,
        seed=cell.seed,
    )
    records = []
    for judges in suite.judges:
        scored = score_run(out, judges=judges, weights=suite.weights, data=data)
        publish(scored.folder, suite.results)
        records.append(scored.record)
    return tuple(records)


def _placed(method: SuiteMethod, here: Path) -> SuiteMethod:
    paths = {name: getattr(method, name) for name in ("checkpoint", "repo", "python")}
    return method.model_copy(update={name: here / path for name, path in paths.items() if path is not None})
