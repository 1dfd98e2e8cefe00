"""A failure belongs to the environment that it happened in: with other packages the pair is tried again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_frll import make_copy

from dgbench.core.face import Failure
from dgbench.engine.run.runner import run_method
from dgbench.methods.contract import Reenactor
from dgbench.methods.worker_process import environment_of
from dgbench.protocols.registry import load_protocol


class Fragile(Reenactor):
    """Fails every other pair where the packages are old."""

    name = "fragile"
    needs = frozenset({"source"})

    def __init__(self, environment: str) -> None:
        self.environment, self.seen = environment, 0

    def reenact(self, tasks):
        made = []
        for task in tasks:
            self.seen += 1
            broken = self.environment == "old" and self.seen % 2
            made.append(Failure("error", "no attribute 'qr'") if broken else np.array(task.source))
        return made


@pytest.fixture
def run(tmp_path):
    make_copy(tmp_path / "frll", people=6)

    def go(method: Reenactor):
        return run_method(load_protocol("frll-self@1"), method, out=tmp_path / "run", data=tmp_path / "frll")

    return go


def test_failures_of_another_environment_are_tried_again_and_images_are_not(run):
    first = run(Fragile("old"))
    failed = first.failed["error"]
    assert failed == first.planned / 2 > 0
    repaired = Fragile("new")
    second = run(repaired)
    assert second.failed == {} and second.generated == first.planned
    assert repaired.seen == failed, "only the failed pairs"


def test_failures_of_the_same_environment_stay(run):
    first, again = run(Fragile("old")), Fragile("old")
    second = run(again)
    assert (second.failed, second.done_now, again.seen) == (first.failed, 0, 0)


def test_an_environment_is_its_path_and_the_versions_installed_in_it(tmp_path):
    def venv(name: str, *packages: str) -> Path:
        for package in packages:
            (tmp_path / name / "lib" / "python3.11" / "site-packages" / f"{package}.dist-info").mkdir(parents=True)
        return tmp_path / name / "bin" / "python"

    one = venv("a", "torch-2.14.0", "numpy-2.4.6")
    before = environment_of(one)
    assert before == environment_of(one) != environment_of(venv("b", "torch-2.14.0", "numpy-2.4.6"))
    (tmp_path / "a" / "lib" / "python3.11" / "site-packages" / "torch-2.14.0.dist-info").rename(
        tmp_path / "a" / "lib" / "python3.11" / "site-packages" / "torch-2.13.0.dist-info"
    )
    assert environment_of(one) != before
