"""Sanity baselines and the registry: each shows what its name says."""

from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np
import pytest

from dgbench.core.errors import UsageError
from dgbench.core.face import Failure
from dgbench.core.groups import ORACLES, SANITY_BASELINES, group_of
from dgbench.methods.contract import LoadContext, Need, Reenactor, Task
from dgbench.methods.registry import create, method_class, method_names, register


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
        ("blurred-source", cv2.GaussianBlur(TASK.source, (0, 0), 2.5)),
        ("blend", ((TASK.source.astype(int) + TASK.reference) // 2).astype(np.uint8)),
        ("shuffled", TASK.decoy),
        ("black", np.zeros((64, 64, 3), np.uint8)),
    ],
)
def test_each_shows_what_its_name_says(name: str, expected: np.ndarray) -> None:
    baseline = create(name)
    baseline.load(LoadContext(size=64))
    answers = baseline.reenact([TASK, TASK])
    assert all(np.array_equal(answer, expected) for answer in answers)  # type: ignore[arg-type]
    assert baseline.motion == "none"
    assert baseline.needs <= {"source", "reference", "target", "decoy"}


@pytest.mark.parametrize("name", sorted({*SANITY_BASELINES, "landmark-warp", "face-swap-warp"} - {"black"}))
def test_one_without_its_image_fails_by_kind(name: str) -> None:
    baseline = create(name)
    baseline.load(LoadContext(size=64))
    (answer,) = baseline.reenact([Task(pair_id="p", seed=1)])
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
    with pytest.raises(UsageError, match="two plug-ins bring a method 'mine-for-test'"):
        register(type("Other", (Mine,), {}))
    with pytest.raises(UsageError, match="taken"):
        register(type("Fake", (Mine,), {"name": "black"}))
    with pytest.raises(UsageError, match="not a subclass"):
        register(object)  # type: ignore[arg-type]


def test_the_low_resolution_target_has_no_more_than_16_pixels_of_detail() -> None:
    baseline = create("low-res-target")
    baseline.load(LoadContext(size=64))
    (shown,) = baseline.reenact([TASK])
    assert shown.shape == (64, 64, 3)
    small = cv2.resize(shown, (16, 16), interpolation=cv2.INTER_AREA)
    again = cv2.resize(small, (64, 64), interpolation=cv2.INTER_CUBIC)
    assert np.abs(again.astype(int) - shown).mean() < 4
    assert np.abs(shown.astype(int) - TASK.target).mean() > 30


def test_groups_keep_what_is_no_method_apart() -> None:
    assert {group_of(name) for name in ORACLES} == {"oracle"}
    assert group_of("copy-source") == group_of("memory") == "sanity baseline"
    assert group_of("landmark-warp") == group_of("dg") == "method"
    assert set(SANITY_BASELINES) <= set(method_names())
