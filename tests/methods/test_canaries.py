"""Canaries and the registry: every canary shows what its name says."""

from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np
import pytest

from dgbench.core.errors import UsageError
from dgbench.core.face import Failure
from dgbench.methods.contract import LoadContext, Need, Reenactor, Task
from dgbench.methods.registry import CANARIES, create, method_class, method_names, register


def _image(value: int) -> np.ndarray:
    return np.random.default_rng(value).integers(0, 256, (64, 64, 3), dtype=np.uint8)


TASK = Task(pair_id="p", seed=1, source=_image(1), reference=_image(2), target=_image(3), decoy=_image(4))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("copy-source", TASK.source),
        ("copy-reference", TASK.reference),
        ("target", TASK.target),
        ("blurred-target", cv2.GaussianBlur(TASK.target, (0, 0), 1.0)),
        ("shuffled", TASK.decoy),
        ("black", np.zeros((64, 64, 3), np.uint8)),
    ],
)
def test_each_canary_shows_what_its_name_says(name: str, expected: np.ndarray) -> None:
    canary = create(name)
    canary.load(LoadContext(size=64))
    answers = canary.reenact([TASK, TASK])
    assert all(np.array_equal(answer, expected) for answer in answers)  # type: ignore[arg-type]
    assert canary.motion == "none"
    assert canary.needs <= {"source", "reference", "target", "decoy"}


@pytest.mark.parametrize("name", [name for name in CANARIES if name != "black"])
def test_a_canary_without_its_image_fails_by_kind(name: str) -> None:
    canary = create(name)
    canary.load(LoadContext(size=64))
    (answer,) = canary.reenact([Task(pair_id="p", seed=1)])
    assert isinstance(answer, Failure)
    assert answer.kind == "missing"


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'copy-source'"):
        method_class("copy-sauce")


def test_a_registered_method_is_found_and_names_are_not_taken_twice() -> None:
    class Mine(Reenactor):
        name = "mine-for-test"
        needs: ClassVar[frozenset[Need]] = frozenset()

        def reenact(self, tasks: object) -> list:  # type: ignore[override]
            return []

    register(Mine)
    assert register(Mine) is Mine
    assert method_class("mine-for-test") is Mine
    assert "mine-for-test" in method_names()
    with pytest.raises(UsageError, match="taken"):
        register(type("Other", (Mine,), {}))
    with pytest.raises(UsageError, match="taken"):
        register(type("Fake", (Mine,), {"name": "black"}))
    with pytest.raises(UsageError, match="not a subclass"):
        register(object)  # type: ignore[arg-type]
