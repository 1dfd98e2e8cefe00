"""Toy foreign checkouts with the pathologies of real ones, committed to git and described by toy baselines."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from dgbench.methods.baseline_card import load_card
from dgbench.methods.contract import LoadContext
from dgbench.methods.worker import IsolatedReenactor

TOY = Path(__file__).parents[1] / "methods" / "toy"
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
