"""What is known of a third-party baseline, as baseline.yaml says it: paper, code, weights, inputs, deviations."""

from __future__ import annotations

import importlib.resources
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dgbench.core.errors import MissingError, UsageError, did_you_mean
from dgbench.core.record import Motion
from dgbench.io.yaml_file import read_yaml
from dgbench.methods.contract import Need

#: Folders of workers outside the package, separated as PATH is; ``--baselines`` adds to it.
BASELINES = "DGBENCH_BASELINES"
_FROZEN = ConfigDict(frozen=True, extra="forbid")


class Paper(BaseModel):
    """The publication that the method is known by."""

    model_config = _FROZEN
    title: str
    authors: str
    venue: str
    year: int


class Weight(BaseModel):
    """One file of weights. dgbench downloads none: ``origin`` says in words where the authors put it."""

    model_config = _FROZEN
    file: str
    origin: str
    sha256: str | None = None


class CardOption(BaseModel):
    """A choice that changes the output; it is recorded with every run. ``values`` empty: any text."""

    model_config = _FROZEN
    default: str
    values: tuple[str, ...] = ()
    meaning: str
    is_file: bool = False


class BaselineCard(BaseModel):
    """The content of ``baselines/<name>/baseline.yaml``. ``folder`` is where it was read from.

    ``commit`` is the upstream commit that the worker was written and verified against; ``verified`` says in words
    what was executed. ``checkpoint`` is ``file`` or ``folder`` (then every weight's ``file`` lies in it). ``training``
    says why dgbench cannot let the authors' code train it, where there is no ``train.py``.
    """

    model_config = _FROZEN

    name: str
    title: str
    paper: Paper
    repository: str
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    licence: str
    weights: tuple[Weight, ...]
    checkpoint: Literal["file", "folder"]
    weights_published: bool
    needs: tuple[Need, ...]
    motion: Motion
    size: int
    device: Literal["any", "cuda"]
    can_batch: bool
    training_data: tuple[str, ...]
    options: dict[str, CardOption] = {}
    deviations: tuple[str, ...]
    verified: str
    training: str = ""
    folder: Path

    @property
    def worker(self) -> Path:
        """The worker's file."""
        return self.folder / "worker.py"

    @property
    def runtime(self) -> Path:
        """The folder of what workers share: beside the worker's own folder, else dgbench's."""
        beside = self.folder.parent / "_runtime"
        return beside if beside.is_dir() else baselines_folder() / "_runtime"

    @property
    def trainer(self) -> Path:
        """The file that lets the authors' code train the method; many methods have none."""
        return self.folder / "train.py"

    @property
    def variable(self) -> str:
        """The environment variable that names the checkout; with ``_PYTHON`` and ``_CHECKPOINT`` the other two."""
        return "DGBENCH_BASELINE_" + re.sub(r"[^A-Z0-9]", "_", self.name.upper())

    def how_to_get(self) -> str:
        """Return in one line how to get the checkout at the verified commit."""
        return (
            f"git clone {self.repository} && git checkout {self.commit[:12]}, then pass --repo or set {self.variable}"
        )


def baselines_folder() -> Path:
    """Return the folder of the baseline descriptions: of the checkout, or carried by the installed package."""
    packaged = Path(str(importlib.resources.files("dgbench"))) / "_data" / "baselines"
    beside = Path(__file__).resolve().parents[2] / "baselines"
    return packaged if packaged.is_dir() else beside


def baseline_folders() -> list[Path]:
    """Return every folder of baseline descriptions: dgbench's own, then those that ``DGBENCH_BASELINES`` names.

    Raises:
        UsageError: the variable names a folder that is not there.
    """
    named = [Path(part) for part in os.environ.get(BASELINES, "").split(os.pathsep) if part]
    for folder in named:
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder of baselines (--baselines, {BASELINES})")
    return [baselines_folder(), *named]


def add_baselines(folders: Sequence[Path]) -> None:
    """Add folders to ``DGBENCH_BASELINES``, so that processes that this one starts know them too."""
    known = [part for part in os.environ.get(BASELINES, "").split(os.pathsep) if part]
    os.environ[BASELINES] = os.pathsep.join(dict.fromkeys([*known, *(str(path.absolute()) for path in folders)]))


def baseline_names(folder: Path | None = None) -> list[str]:
    """Return the names of all baselines described in ``folder``, sorted; by default of every known folder."""
    roots = [folder] if folder else baseline_folders()
    return sorted({path.parent.name for root in roots for path in root.glob("*/baseline.yaml")})


def load_card(name: str, *, folder: Path | None = None) -> BaselineCard:
    """Read one baseline's card.

    Raises:
        UsageError: no such baseline, two folders hold one, or its file breaks the schema.
    """
    roots = [folder] if folder else baseline_folders()
    paths = [path for root in roots if (path := root / name / "baseline.yaml").is_file()]
    if not paths:
        known = baseline_names(folder)
        raise UsageError(f"no baseline '{name}'; see `dgbench methods list`.{did_you_mean(name, known)}")
    if len(paths) > 1:
        raise UsageError(f"two baselines are called '{name}' ({paths[0].parent} and {paths[1].parent}); rename one")
    path = paths[0]
    try:
        content = read_yaml(path, what="a baseline description")
        card = BaselineCard(**content, folder=path.parent.resolve())
    except (ValidationError, TypeError) as error:
        raise UsageError(f"{path}: not a valid baseline description ({_first_fault(error)})") from error
    if card.name != name:
        raise UsageError(f"{path}: says name '{card.name}', its folder says '{name}'; make them equal")
    return card


class Setup(BaseModel):
    """Where one baseline's three parts are on this machine; ``missing`` says what is not there yet, in order."""

    model_config = _FROZEN
    repo: Path | None
    python: Path | None
    checkpoint: Path | None
    missing: tuple[str, ...]


def find_setup(
    card: BaselineCard,
    *,
    repo: Path | None = None,
    python: Path | None = None,
    checkpoint: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Setup:
    """Find checkout, interpreter and weights: from the arguments, else from the card's environment variables."""
    variables = os.environ if environment is None else environment

    def place(given: Path | None, suffix: str) -> Path | None:
        value = variables.get(card.variable + suffix)
        return given or (Path(value) if value else None)

    found = (place(repo, ""), place(python, "_PYTHON"), place(checkpoint, "_CHECKPOINT"))
    missing = [
        f"{what} ({hint})" if path is None else f"{what} at {path} (no such path)"
        for path, what, hint in (
            (found[0], "checkout", card.how_to_get()),
            (found[1], "interpreter", f"make its venv by {card.folder.name}/README.md, pass --python"),
            (found[2], "weights", f"{card.weights[0].file}: {card.weights[0].origin}; pass --checkpoint"),
        )
        if path is None or not path.exists()
    ]
    return Setup(repo=found[0], python=found[1], checkpoint=found[2], missing=tuple(missing))


def require_setup(card: BaselineCard, setup: Setup) -> tuple[Path, Path, Path]:
    """Return (repo, python, checkpoint) as absolute paths.

    The interpreter's links are not followed: a venv is found by the path it is started under.

    Raises:
        MissingError: the first part that is not here, with how to get it.
    """
    if setup.missing or setup.repo is None or setup.python is None or setup.checkpoint is None:
        raise MissingError(f"{card.name}: missing {setup.missing[0]}")
    return setup.repo.resolve(), Path(os.path.abspath(setup.python)), setup.checkpoint.resolve()  # noqa: PTH100


def _first_fault(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return " ".join(str(error).split())[:160]
