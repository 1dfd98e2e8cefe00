"""Kills work at its commit points: before and after every sync, rename and removal, in a forked child."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Far above the number of commit points of any work in the tests: reaching it means that the count is broken.
_MOST = 2000


def kill_everywhere(start: Callable[[], object], work: Callable[[], object], check: Callable[[int], None]) -> int:
    """Kill ``work`` at each of its commit points in turn, each time from a fresh ``start``; after each kill, ``check``.

    Returns the number of points; once the point lies past the last one, the work ends by itself.
    """
    for point in range(_MOST):
        start()
        if survive(work, point):
            return point
        check(point)
    raise AssertionError("more commit points than there can be")


def survive(work: Callable[[], object], point: int) -> bool:
    """Do ``work`` in a child that is killed by SIGKILL at commit point ``point``; return whether it finished first.

    The points are counted over every ``os.fsync``, rename and removal: just before it and just after it, the two
    moments at which a crash could leave something half done.

    Raises:
        AssertionError: the child failed otherwise than by the kill.
    """
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _arm(point)
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0, "the work failed by itself"
    return True


def _arm(point: int) -> None:
    count = 0

    def reached() -> None:
        nonlocal count
        if count == point:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1

    def watched(call: Callable[..., Any]) -> Callable[..., Any]:
        def both_sides(*arguments: Any, **options: Any) -> Any:
            reached()
            done = call(*arguments, **options)
            reached()
            return done

        return both_sides

    os.fsync = watched(os.fsync)
    for name in ("replace", "rename", "unlink"):
        setattr(Path, name, watched(getattr(Path, name)))
