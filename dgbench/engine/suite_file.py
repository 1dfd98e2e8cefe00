"""What a suite file says: methods × protocols, with data, judges and the folders for runs and results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dgbench.core.card import JudgeSet
from dgbench.core.errors import UsageError
from dgbench.core.pair import PAIR_ID
from dgbench.io.yaml_file import read_yaml
from dgbench.protocols.registry import load_protocol

_FROZEN = ConfigDict(frozen=True, extra="forbid")


class SuiteMethod(BaseModel):
    """One method of a suite; paths are relative to the suite's file.

    ``label`` is the name under which its runs are recorded, where one method stands there with several models.
    """

    model_config = _FROZEN
    name: str
    label: str | None = None
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
        return f"{self.protocol}/{self.method.label or self.method.name}-{self.seed}"


def read_suite(path: Path) -> Suite:
    """Read a suite file; its relative paths become relative to the file's folder.

    Raises:
        UsageError: what is wrong and where, in one line.
    """
    try:
        suite = Suite.model_validate(read_yaml(path, what="a suite"))
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{path}: {'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}") from error
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


def _placed(method: SuiteMethod, here: Path) -> SuiteMethod:
    paths = {name: getattr(method, name) for name in ("checkpoint", "repo", "python")}
    return method.model_copy(update={name: here / path for name, path in paths.items() if path is not None})
