"""A toy method whose authors' script can be trained, and a drawn data set of people for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_world import ToyWorld

from dgbench.methods.baseline_card import load_card
from dgbench.training.baselines.budget import TrainingBudget
from dgbench.training.baselines.train import TrainingJob
from dgbench.training.dg.frames import TrainingRow


class Drawn:
    """Six people in three images each: one colour a person, with a square that moves."""

    size = 32

    def __init__(self) -> None:
        self.rows = [TrainingRow(key=f"p{p}/{n}", subject=f"p{p}") for p in range(6) for n in range(3)]

    def image(self, key: str) -> np.ndarray:
        person, number = int(key[1]), int(key[-1])
        image = np.full((32, 32, 3), (40 * person, 255 - 40 * person, 90), np.uint8)
        image[8 * number : 8 * number + 8, 4:12] = 255
        return image

    def landmarks(self, key: str) -> None:
        return None


@pytest.fixture
def drawn() -> Drawn:
    return Drawn()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> ToyWorld:
    return ToyWorld(tmp_path_factory.mktemp("toy"))


@pytest.fixture
def make_job(world: ToyWorld, tmp_path: Path) -> Callable[..., TrainingJob]:
    def make(budget: str = "8steps", **changes: object) -> TrainingJob:
        job = TrainingJob(
            card=load_card("toy-net", folder=world.baselines),
            protocols=("toy-train@1",),
            out=tmp_path / "model",
            size=32,
            budget=TrainingBudget.parse(budget),
            repo=world.repos["toy-net"],
            python=world.python,
            threads=1,
        )
        return replace(job, **changes)

    return make
