"""Calling a method: its exceptions become failures of single pairs, and its answers are held against the contract."""

from __future__ import annotations

import numpy as np

from dgbench.core.errors import DgbenchError, UsageError
from dgbench.core.face import Failure, Image
from dgbench.methods.contract import Reenactor, Task


def call_method(method: Reenactor, tasks: list[Task | Failure], *, size: int) -> list[Image | Failure]:
    """Call the method on what could be prepared, and hold its answers against the contract."""
    ready = [task for task in tasks if isinstance(task, Task)]
    answers: list[object] = []
    if ready:
        try:
            answers = list(method.reenact(ready))
        except DgbenchError:
            raise
        except Exception as error:  # noqa: BLE001 - other people's code: its failure is a result, and it is kept
            answers = _one_by_one(method, ready, error)
        if len(answers) != len(ready):
            raise UsageError(f"method '{method.name}' answered {len(answers)} images to {len(ready)} tasks")
    rest = iter(answers)
    return [_checked(next(rest), size) if isinstance(task, Task) else task for task in tasks]


def _one_by_one(method: Reenactor, tasks: list[Task], error: Exception) -> list[object]:
    """Try a batch that raised pair by pair, so that one bad pair fails alone and not with its neighbours."""
    if len(tasks) == 1:
        return [Failure("error", f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")]
    answers: list[object] = []
    for task in tasks:
        try:
            answers.extend(method.reenact([task]))
        except DgbenchError:
            raise
        except Exception as alone:  # noqa: BLE001 - as above
            answers.extend(_one_by_one(method, [task], alone))
    return answers


def _checked(answer: object, size: int) -> Image | Failure:
    if isinstance(answer, Failure):
        return answer
    if not isinstance(answer, np.ndarray) or answer.dtype != np.uint8:
        what = f"{answer.dtype} array" if isinstance(answer, np.ndarray) else type(answer).__name__
        return Failure("error", f"the method gave a {what}, not a uint8 image")
    if answer.shape != (size, size, 3):
        return Failure("wrong-size", f"the method gave shape {answer.shape}, the protocol wants {(size, size, 3)}")
    return answer
