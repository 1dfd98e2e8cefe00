"""Calling a method: its exceptions and hangs become failures of single pairs, its answers are held to the contract."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dgbench.core.errors import DgbenchError, UsageError
from dgbench.core.face import Failure, Image
from dgbench.engine.run.time_limit import TooLate, time_limit
from dgbench.methods.contract import Reenactor, Task


@dataclass(frozen=True)
class CallLimit:
    """How long a method may take.

    Attributes:
        pair_s: seconds a pair; a batch may take as long as its pairs together.
        hung: called with the tasks of a call that is over its time and cannot be interrupted.
    """

    pair_s: float | None = None
    hung: Callable[[Sequence[Task]], object] | None = None


def call_method(
    method: Reenactor, tasks: list[Task | Failure], *, size: int, limit: CallLimit = CallLimit()
) -> list[Image | Failure]:
    """Call the method on what could be prepared, and hold its answers against the contract."""
    ready = [task for task in tasks if isinstance(task, Task)]
    answers = _batch(method, ready, limit) if ready else []
    rest = iter(answers)
    return [_checked(next(rest), size) if isinstance(task, Task) else task for task in tasks]


def _batch(method: Reenactor, tasks: list[Task], limit: CallLimit) -> list[object]:
    """Call the method on a batch; one that raises or hangs is tried pair by pair, so that one bad pair fails alone."""
    seconds = None if limit.pair_s is None else limit.pair_s * len(tasks)
    hung = functools.partial(limit.hung, tasks) if limit.hung else None
    try:
        with time_limit(seconds, hung=hung):
            answers = list(method.reenact(tasks))
    except TooLate:
        if len(tasks) == 1:
            return [Failure("timeout", f"no answer within {limit.pair_s:g} s")]
    except DgbenchError:
        raise
    except Exception as error:  # noqa: BLE001 - other people's code: its failure is a result, and it is kept
        if len(tasks) == 1:
            return [Failure("error", f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")]
    else:
        if len(answers) != len(tasks):
            raise UsageError(f"method '{method.name}' answered {len(answers)} images to {len(tasks)} tasks")
        return list(answers)
    return [answer for task in tasks for answer in _batch(method, [task], limit)]


def _checked(answer: object, size: int) -> Image | Failure:
    if isinstance(answer, Failure):
        return answer
    if not isinstance(answer, np.ndarray) or answer.dtype != np.uint8:
        what = f"{answer.dtype} array" if isinstance(answer, np.ndarray) else type(answer).__name__
        return Failure("error", f"the method gave a {what}, not a uint8 image")
    if answer.shape != (size, size, 3):
        return Failure("wrong-size", f"the method gave shape {answer.shape}, the protocol wants {(size, size, 3)}")
    return answer
