"""The conformance checks pass a faithful method and name the fault of each unfaithful one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest

from dgbench.core.face import Failure
from dgbench.methods.conformance import check_method
from dgbench.methods.contract import LoadContext, Reenactor
from dgbench.methods.probe import draw_face, probe_tasks
from dgbench.methods.registry import create


class Faithful(Reenactor):
    """Source colours, moved a little towards the reference."""

    name: ClassVar[str] = "faithful"
    needs = frozenset({"source", "reference"})

    def reenact(self, tasks: Sequence) -> list:
        return [self.one(task) for task in tasks]

    def one(self, task):
        if task.source is None or task.reference is None:
            return Failure("missing", "no input")
        return (0.8 * task.source + 0.2 * task.reference).astype(np.uint8)


def outcomes(kind: type[Reenactor], size: int = 64) -> dict[str, str]:
    return {item.name: item.outcome for item in check_method(kind, LoadContext(size=size))}


def failing(kind: type[Reenactor]) -> set[str]:
    return {name for name, outcome in outcomes(kind).items() if outcome == "fail"}


def test_a_faithful_method_passes_everything():
    assert set(outcomes(Faithful).values()) == {"pass"}


def broken(change):
    """A faithful method whose answer is changed by ``change(self, task, image)``."""

    class Broken(Faithful):
        def one(self, task):
            image = super().one(task)
            return image if isinstance(image, Failure) else change(self, task, image)

    return Broken


def remember(self, task, image):
    before, self.seen = getattr(self, "seen", image), image
    return (image // 2 + before // 2).astype(np.uint8)


def write_into(self, task, image):
    task.source[:4] = 0
    return image


def refuse_black(self, task, image):
    if not task.source.any():
        raise ZeroDivisionError("no face")
    return image


@pytest.mark.parametrize(
    ("change", "item"),
    [
        (lambda self, task, image: image[:32, :32], "size"),
        (lambda self, task, image: image.astype(np.float32), "size"),
        (lambda self, task, image: image // 255, "value range"),
        (lambda self, task, image: np.random.default_rng().permutation(image), "determinism"),
        (remember, "no state between pairs"),
        (write_into, "inputs unchanged"),
        (lambda self, task, image: task.reference.copy(), "source gives the identity"),
        (lambda self, task, image: task.source.copy(), "reference gives the motion"),
        (lambda self, task, image: image[..., ::-1].copy(), "colour order"),
        (refuse_black, "failure behaviour"),
    ],
)
def test_each_fault_is_named(change, item):
    assert item in failing(broken(change))


def test_dependence_on_the_batch_is_named():
    class Batchy(Faithful):
        def reenact(self, tasks):
            made = [self.one(task) for task in tasks]
            return [image if isinstance(image, Failure) else image + np.uint8(len(tasks) - 1) for image in made]

    assert "batch independence" in failing(Batchy)
    assert "determinism" not in failing(Batchy)


def test_another_seed_each_instance_is_named():
    class Instance(Faithful):
        count = 0

        def load(self, context):
            Instance.count += 1
            self.number = Instance.count

        def one(self, task):
            image = super().one(task)
            return image if isinstance(image, Failure) else image + np.uint8(self.number)

    assert "determinism" in failing(Instance)


def test_a_method_that_cannot_answer_is_told_so_at_once():
    class Never(Faithful):
        def one(self, task):
            return Failure("no-face", "none found")

    items = check_method(Never, LoadContext(size=64))
    assert [(item.name, item.outcome) for item in items] == [("answers", "fail")]
    assert "no-face: none found" in items[0].detail


def test_too_few_answers_are_told():
    class Short(Faithful):
        def reenact(self, tasks):
            return super().reenact(tasks)[:1]

    assert "batch independence" in failing(Short)


@pytest.mark.parametrize("name", ["copy-source", "target", "shuffled"])
def test_sanity_baselines_fail_exactly_where_they_are_no_methods(name: str):
    found = {item.name for item in check_method(lambda: create(name), LoadContext(size=64)) if item.outcome == "fail"}
    assert found == {"reference gives the motion"}


def test_probe_tasks_hold_what_is_needed_and_nothing_else():
    tasks = probe_tasks(frozenset({"source", "reference_landmarks"}), size=96)
    for task in tasks:
        assert task.source is not None and task.reference_landmarks is not None
        assert task.reference is None and task.target is None and task.source_landmarks is None


def test_drawn_faces_have_their_landmarks_on_the_drawing():
    image, landmarks = draw_face(0, yaw=18.0, size=256)
    eye = landmarks.points[36:42, :2].mean(axis=0).round().astype(int)
    assert image[eye[1], eye[0]].max() < 60  # the pupil
    nose, middle = landmarks.points[30, 0], landmarks.points[[0, 16], 0].mean()
    assert nose > middle + 5  # yaw + = the nose points to image-right
