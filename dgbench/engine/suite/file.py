"""What a suite file says: methods × protocols, with data, judges and the folders for runs and results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dgbench.core.card import JudgeSet
from dgbench.core.errors import UsageError, did_you_mean
from dgbench.core.pair import PAIR_ID
from dgbench.core.registry import absolute, is_reference
from dgbench.engine.run.known_names import dataset_names
from dgbench.io.yaml_file import read_yaml
from dgbench.methods.registry import method_class
from dgbench.protocols.registry import load_protocol

_FROZEN = ConfigDict(frozen=True, extra="forbid")


class SuiteMethod(BaseModel):
    """One method of a suite, by name, ``pkg.module:Class`` or ``./file.py:Class``; paths are relative to the file.

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
    trained_on: tuple[str, ...] = ()
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
    def label(self) -> str:
        """The name under which the run is recorded."""
        return self.method.label or self.method.name

    @property
    def folder(self) -> str:
        """The run's folder below the suite's ``runs``."""
        return f"{self.protocol}/{self.label}-{self.seed}"

    def __str__(self) -> str:
        return f"{self.protocol}: {self.label} (seed {self.seed})"

    def told(self) -> dict[str, Any]:
        """Return what names the cell, as plain data."""
        return {"protocol": self.protocol, "method": self.method.name, "label": self.label, "seed": self.seed}


def read_suite(path: Path) -> Suite:
    """Read a suite file; its relative paths are of the file's folder, and become absolute: workers start elsewhere.

    Raises:
        UsageError: what is wrong and where, in one line.
    """
    if not path.exists():
        raise UsageError(f"{path}: no such file; example suites lie in {example_suites()}, copy one and change it")
    try:
        suite = Suite.model_validate(read_yaml(path, what="a suite"))
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{path}: {'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}") from error
    for method in suite.methods:
        for what, values in (("seeds", method.seeds), ("protocols", method.protocols or ())):
            if repeated := sorted({str(value) for value in values if values.count(value) > 1}):
                name = method.label or method.name
                raise UsageError(f"{path}: method '{name}': {what} repeat {repeated[0]}; name each once")
    here = path.parent.absolute()
    return suite.model_copy(
        update={
            "runs": _place(here, suite.runs),
            "results": _place(here, suite.results),
            "weights": _place(here, suite.weights) if suite.weights else None,
            "data": {name: _place(here, folder) for name, folder in suite.data.items()},
            "methods": tuple(_placed(method, here) for method in suite.methods),
        }
    )


def cells(suite: Suite) -> list[Cell]:
    """Return the runs of a suite in a fixed order: protocol by protocol, method by method, seed by seed.

    Raises:
        UsageError: a protocol or a data set that does not exist, a method's protocol that the suite does not have, or
            not one run.
    """
    known = dataset_names()
    if wrong := sorted(set(suite.data) - set(known)):
        raise UsageError(
            f"suite '{suite.name}': data: no data set '{wrong[0]}' (known: {', '.join(known)})."
            f"{did_you_mean(wrong[0], known)}"
        )
    protocols = _names(suite.protocols)
    asked = [(method, _protocols_of(method, suite, protocols)) for method in suite.methods]
    found = [
        Cell(method=method, protocol=protocol, seed=seed)
        for protocol in protocols
        for method, wanted in asked
        if protocol in wanted
        for seed in method.seeds
    ]
    if not found:
        raise UsageError(f"suite '{suite.name}' has nothing to run: no method has both a protocol and a seed")
    return found


def _protocols_of(method: SuiteMethod, suite: Suite, protocols: list[str]) -> list[str]:
    wanted = protocols if method.protocols is None else _names(method.protocols)
    if strangers := [name for name in wanted if name not in protocols]:
        raise UsageError(
            f"suite '{suite.name}': method '{method.label or method.name}' names protocol {strangers[0]}, which is "
            f"not among the suite's ({', '.join(protocols)})"
        )
    return wanted


def _names(protocols: Sequence[str]) -> list[str]:
    """Return protocols as ``id@version``, however the file names them."""
    return [load_protocol(name).protocol.name for name in protocols]


def _placed(method: SuiteMethod, here: Path) -> SuiteMethod:
    paths = {name: getattr(method, name) for name in ("checkpoint", "repo", "python")}
    update: dict[str, Any] = {name: _place(here, path) for name, path in paths.items() if path is not None}
    if is_reference(method.name):
        # A class in a file is recorded under the name that it gives itself.
        name = absolute(method.name, here=here)
        update |= {"name": name, "label": method.label or method_class(name).name}
    return method.model_copy(update=update)


def example_suites() -> Path:
    """Return the folder of the example suites: of the checkout, or carried by the installed package."""
    packaged = Path(str(resources.files("dgbench"))) / "_data" / "suites"
    return packaged if packaged.is_dir() else Path(str(resources.files("dgbench"))).parent / "suites"


def _place(here: Path, path: Path) -> Path:
    """Return a path of the file as an absolute one; ``~`` is the user's home, as in a shell.

    Raises:
        UsageError: there is no such home.
    """
    try:
        return here / path.expanduser()
    except RuntimeError as error:
        raise UsageError(f"suite: {path}: this user has no home directory; write the path out") from error
