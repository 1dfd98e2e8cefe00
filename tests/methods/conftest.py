"""Toy foreign checkouts with the pathologies of real ones, committed to git and described by toy baselines."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dgbench.methods.baseline_card import load_card
from dgbench.methods.contract import LoadContext, Task
from dgbench.methods.worker import IsolatedReenactor

TOY = Path(__file__).parent / "toy"
RUNTIME = Path(__file__).parents[2] / "baselines" / "_runtime"
SIZE = 32


def commit_all(folder: Path) -> str:
    """Make ``folder`` a git checkout with one commit and return that commit."""
    quiet = {"cwd": folder, "check": True, "capture_output": True}
    who = ["-c", "user.name=toy", "-c", "user.email=toy@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "init", "-q"], **quiet)
    subprocess.run(["git", "add", "."], **quiet)
    subprocess.run(["git", *who, "commit", "-q", "-m", "toy"], **quiet)
    return subprocess.run(["git", "rev-parse", "HEAD"], **quiet, text=True).stdout.strip()


class ToyWorld:
    """A folder of toy baselines, and the checkouts and weights that they need."""

    def __init__(self, root: Path) -> None:
        self.baselines = root / "baselines"
        shutil.copytree(TOY / "baselines", self.baselines, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(RUNTIME, self.baselines / "_runtime", ignore=shutil.ignore_patterns("__pycache__"))
        self.repos: dict[str, Path] = {}
        for name, foreign in (("toy-a", "foreign_a"), ("toy-b", "foreign_b"), ("toy-net", "foreign_net")):
            self.repos[name] = root / foreign
            shutil.copytree(TOY / foreign, self.repos[name], ignore=shutil.ignore_patterns("__pycache__"))
            commit = commit_all(self.repos[name])
            card = self.baselines / name / "baseline.yaml"
            card.write_text(card.read_text().replace("0" * 40, commit))
        self.checkpoint = root / "toy.pth"
        self.checkpoint.write_bytes(b"weights")
        self.python = Path(sys.executable)
        self.opened: list[IsolatedReenactor] = []

    def method(
        self, name: str = "toy-a", *, load: bool = True, size: int = SIZE, **changes: object
    ) -> IsolatedReenactor:
        """Return a toy method, loaded unless told otherwise; it is ended with the test."""
        setup = {"repo": self.repos[name], "python": self.python, "checkpoint": self.checkpoint, "timeout_s": 20.0}
        method = IsolatedReenactor(load_card(name, folder=self.baselines), **(setup | changes))  # type: ignore[arg-type]
        self.opened.append(method)
        if load:
            method.load(LoadContext(size=size))
        return method


@pytest.fixture
def alive() -> Callable[[int], bool]:
    """Tells whether a process exists and is no zombie."""
    return _alive


@pytest.fixture(scope="session")
def toy_root(tmp_path_factory: pytest.TempPathFactory) -> ToyWorld:
    return ToyWorld(tmp_path_factory.mktemp("toy"))


@pytest.fixture
def toy(toy_root: ToyWorld) -> object:
    yield toy_root
    for method in toy_root.opened:
        method.close()
    toy_root.opened.clear()


@pytest.fixture
def make_task() -> Callable[..., Task]:
    """Tasks of plain noise; ``misfortune`` puts the code into the reference that the toy acts on."""

    def make(pair_id: str = "p0", misfortune: int = 0, *, size: int = SIZE, seed: int = 0) -> Task:
        rng = np.random.default_rng([seed, *pair_id.encode()])
        source = rng.integers(0, 200, (size, size, 3), dtype=np.uint8)
        reference = rng.integers(0, 200, (size, size, 3), dtype=np.uint8)
        if misfortune:
            reference[0, 0] = (misfortune, 255, 1)
        return Task(pair_id=pair_id, seed=seed, source=source, reference=reference)

    return make


def _alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text() if Path(f"/proc/{pid}").exists() else False
