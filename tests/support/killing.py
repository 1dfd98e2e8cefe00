"""Kills a piece of work at its n-th commit point: before and after every sync and every rename, in a forked child."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path


class Killed(Exception):  # noqa: N818 - it is an outcome, not an error
    """The child was killed before its work was done."""


def survive(work: Callable[[], object], point: int) -> bool:
    """Do ``work`` in a child that is killed by SIGKILL at commit point ``point``; return whether it finished first.

    The points are counted over every ``os.fsync`` and every rename: just before it and just after it, the two
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

    sync, rename = os.fsync, Path.replace

    def watched_sync(descriptor: int) -> None:
        reached()
        sync(descriptor)
        reached()

    def watched_rename(self: Path, target: Path) -> Path:
        reached()
        done = rename(self, target)
        reached()
        return done

    os.fsync = watched_sync  # type: ignore[assignment]
    Path.replace = watched_rename  # type: ignore[method-assign,assignment]
