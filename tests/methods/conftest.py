"""Toy methods, and tasks for them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from toy_world import SIZE, ToyWorld

from dgbench.methods.contract import Task


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
