"""Conformance of a method with the contract: what every method must do, checked on drawn faces, item by item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dgbench.core.errors import DgbenchError
from dgbench.core.face import Failure, Image
from dgbench.methods.contract import LoadContext, Reenactor, Task
from dgbench.methods.probe import probe_tasks

Outcome = Literal["pass", "fail", "skip"]


@dataclass(frozen=True)
class CheckItem:
    """One checked property: its name, how it came out, and the measured reason."""

    name: str
    outcome: Outcome
    detail: str


class Broken(Exception):  # noqa: N818 - raised and caught here only: a property does not hold
    """Why a property does not hold."""


def check_method(make: Callable[[], Reenactor], context: LoadContext, *, tolerance: int = 0) -> list[CheckItem]:
    """Check a method against the contract and return one item per property.

    Args:
        make: makes a new, unloaded method; it is made twice, to see whether a restart changes anything.
        context: what the method is loaded with; ``size`` is the side of the drawn faces.
        tolerance: grey levels by which two runs of the same pair may differ; 0 on a CPU.

    Raises:
        DgbenchError: the method cannot be loaded at all; that is the user's to repair, not the method's fault.
    """
    method = make()
    method.load(context)
    tasks = probe_tasks(method.needs, size=context.size)
    try:
        alone = [_one(method, task) for task in tasks]
    except Broken as broken:
        return [CheckItem("answers", "fail", str(broken))]
    items = [CheckItem("answers", "pass", f"{len(tasks)} pairs of drawn faces, {context.size} px")]
    again = make()
    again.load(context)
    checks: list[tuple[str, Callable[[], str]]] = [
        ("size", lambda: _size(alone, context.size)),
        ("value range", lambda: _value_range(alone)),
        ("determinism", lambda: _determinism(method, again, tasks, alone, tolerance)),
        ("no state between pairs", lambda: _no_state(method, tasks, alone, tolerance)),
        ("batch independence", lambda: _batch(method, tasks, alone, tolerance)),
        ("inputs unchanged", lambda: _inputs(method, probe_tasks(method.needs, size=context.size))),
        ("source gives the identity", lambda: _identity(tasks, alone)),
        ("reference gives the motion", lambda: _motion(method, tasks, alone)),
        ("colour order", lambda: _colour(method, tasks, alone)),
        ("failure behaviour", lambda: _failure(method, tasks, alone, tolerance)),
    ]
    for name, check in checks:
        try:
            items.append(CheckItem(name, "pass", check()))
        except Broken as broken:
            items.append(CheckItem(name, "fail", str(broken)))
        except _Unneeded as unneeded:
            items.append(CheckItem(name, "skip", str(unneeded)))
    return items


class _Unneeded(Exception):  # noqa: N818
    """The property cannot be asked of a method with these inputs."""


def _answers(method: Reenactor, tasks: Sequence[Task]) -> list[Image | Failure]:
    try:
        made = method.reenact(tasks)
    except DgbenchError:
        raise
    except Exception as error:
        raise Broken(f"raised {type(error).__name__}: {' '.join(str(error).split())[:120]}") from error
    if not isinstance(made, list) or len(made) != len(tasks):
        raise Broken(f"{len(tasks)} tasks, but the answer is {_say(made)}")
    return made


def _one(method: Reenactor, task: Task) -> Image:
    made = _answers(method, [task])[0]
    if isinstance(made, Failure):
        raise Broken(f"{task.pair_id} failed: {made.kind}: {made.message}")
    if not isinstance(made, np.ndarray):
        raise Broken(f"{task.pair_id} gave {_say(made)}, not an image")
    return made


def _say(thing: object) -> str:
    if isinstance(thing, np.ndarray):
        return f"{thing.dtype} {thing.shape}"
    return f"a list of {len(thing)}" if isinstance(thing, list) else type(thing).__name__


def _off(first: Image, second: Image) -> int:
    if first.shape != second.shape:
        return 255
    return int(np.abs(first.astype(np.int16) - second.astype(np.int16)).max())


def _size(made: list[Image], size: int) -> str:
    for image in made:
        if image.dtype != np.uint8 or image.shape != (size, size, 3):
            raise Broken(f"{_say(image)}, the contract wants uint8 {(size, size, 3)}")
    return f"uint8 {(size, size, 3)}"


def _value_range(made: list[Image]) -> str:
    low, high = min(int(image.min()) for image in made), max(int(image.max()) for image in made)
    if high - low < 16:
        raise Broken(f"grey levels {low}..{high}: constant, or scaled to another range than 0..255")
    return f"grey levels {low}..{high}"


def _determinism(method: Reenactor, again: Reenactor, tasks: list[Task], alone: list[Image], tolerance: int) -> str:
    worst = max(_off(_one(method, task), image) for task, image in zip(tasks, alone, strict=True))
    if worst > tolerance:
        raise Broken(f"the same pair twice differs by {worst} grey levels")
    worst = max(_off(_one(again, task), image) for task, image in zip(tasks, alone, strict=True))
    if worst > tolerance:
        raise Broken(f"the same pair in a freshly loaded method differs by {worst} grey levels")
    return f"twice, and in a fresh instance: within {tolerance} grey levels"


def _no_state(method: Reenactor, tasks: list[Task], alone: list[Image], tolerance: int) -> str:
    order = [2, 0, 1, 1, 0, 2]
    worst = max(_off(_one(method, tasks[place]), alone[place]) for place in order)
    if worst > tolerance:
        raise Broken(f"a pair's image depends on the pairs before it, by {worst} grey levels")
    return "the same in every order"


def _batch(method: Reenactor, tasks: list[Task], alone: list[Image], tolerance: int) -> str:
    for order in ([0, 1, 2], [2, 1, 0]):
        made = _answers(method, [tasks[place] for place in order])
        for place, image in zip(order, made, strict=True):
            if not isinstance(image, np.ndarray):
                raise Broken(f"{tasks[place].pair_id} failed in a batch and not alone")
            if _off(image, alone[place]) > tolerance:
                raise Broken(f"alone and in a batch differ by {_off(image, alone[place])} grey levels")
    return "alone as in a batch of three, in both orders"


def _inputs(method: Reenactor, tasks: list[Task]) -> str:
    names = ("source", "reference", "target")
    before = [{name: _copy(getattr(task, name)) for name in names} for task in tasks]
    _answers(method, tasks)
    for task, kept in zip(tasks, before, strict=True):
        for name, image in kept.items():
            if image is not None and not np.array_equal(image, getattr(task, name)):
                raise Broken(f"the method wrote into the {name} image of {task.pair_id}")
    return "source, reference and target images untouched"


def _copy(image: Image | None) -> Image | None:
    return None if image is None else image.copy()


def _mean(image: Image) -> NDArray[np.float64]:
    return image.reshape(-1, 3).mean(axis=0, dtype=np.float64)


def _identity(tasks: list[Task], alone: list[Image]) -> str:
    """The drawn people differ by colour alone, so the generated image must have the source's."""
    if any(task.source is None or task.reference is None for task in tasks):
        raise _Unneeded("needs both images; this method sees one")
    closer = []
    for task, image in zip(tasks, alone, strict=True):
        assert task.source is not None and task.reference is not None
        ours, theirs = (np.linalg.norm(_mean(image) - _mean(other)) for other in (task.source, task.reference))
        closer.append(float(theirs - ours))
    if sum(value > 0 for value in closer) < len(closer):
        raise Broken(f"colours are nearer to the reference's in {sum(value <= 0 for value in closer)} of {len(closer)}")
    return f"colours nearer to the source's in {len(closer)} of {len(closer)}"


def _motion(method: Reenactor, tasks: list[Task], alone: list[Image]) -> str:
    """Another reference must change the image: relative motion of one still does not."""
    if not method.needs & {"reference", "reference_landmarks"}:
        raise Broken("the method takes nothing of the reference")
    first, second = tasks[0], tasks[1]
    other = replace(first, reference=second.reference, reference_landmarks=second.reference_landmarks)
    change = _off(_one(method, other), alone[0])
    if change < 2:
        raise Broken(f"another reference changes the image by {change} grey levels: is its motion relative?")
    return f"another reference changes the image by up to {change} grey levels"


def _colour(method: Reenactor, tasks: list[Task], alone: list[Image]) -> str:
    """Person 0 has a red skin, person 1 a blue one: what comes out must keep that order."""
    if any(task.source is None for task in tasks):
        raise _Unneeded("the method sees no source image")
    excess = [float(_mean(image)[0] - _mean(image)[2]) for image in alone[:2]]
    if not excess[0] > excess[1]:
        raise Broken(f"red minus blue is {excess[0]:.1f} for a red face and {excess[1]:.1f} for a blue one: BGR?")
    return f"red minus blue: {excess[0]:.1f} for a red face, {excess[1]:.1f} for a blue one"


def _failure(method: Reenactor, tasks: list[Task], alone: list[Image], tolerance: int) -> str:
    """Black images must give an image or a failure, never an exception, and must not harm the pair that follows.

    A pair without its inputs, which no run hands out, may raise; an image of it would be made of something else.
    """
    black = _answers(method, [_with_images(tasks[0], np.zeros_like(alone[0])), tasks[1]])
    try:
        nothing = _kind(_answers(method, [_without_inputs(tasks[0])])[0])
    except Broken:
        nothing = "an exception"
    if nothing == "image":
        raise Broken("a pair without its inputs gave an image")
    for after in (black[1], _answers(method, [tasks[1]])[0]):
        if not isinstance(after, np.ndarray) or _off(after, alone[1]) > tolerance:
            raise Broken("a bad pair changed the good pair after it")
    return f"no inputs: {nothing}; black images: {_kind(black[0])}; the next pair unharmed"


def _kind(answer: Image | Failure) -> str:
    return answer.kind if isinstance(answer, Failure) else "image"


def _without_inputs(task: Task) -> Task:
    return Task(pair_id=task.pair_id, seed=task.seed)


def _with_images(task: Task, image: Image) -> Task:
    given = {name: image.copy() for name in ("source", "reference", "target") if getattr(task, name) is not None}
    return replace(task, **given)  # type: ignore[arg-type]
