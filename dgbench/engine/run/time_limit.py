"""A time limit for code in this process: interrupted where Python can, reported where nothing can."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

#: How long code that cannot be interrupted may go on past its limit.
_GRACE_S = 30.0


class TooLate(BaseException):
    """The time is over."""


@contextlib.contextmanager
def time_limit(seconds: float | None, *, hung: Callable[[], object] | None = None) -> Iterator[None]:
    """Raise :class:`TooLate` in the block once ``seconds`` are over.

    Python code is interrupted, in the main thread alone; code that comes back to Python too late for that, such as a
    library's loop, goes on, and then ``hung`` is called from another thread.

    Args:
        seconds: the limit; ``None`` for none.
        hung: what to do about a block that cannot be interrupted.
    """
    if seconds is None:
        yield
        return
    last = threading.Timer(seconds + _GRACE_S, hung) if hung else None
    if last:
        last.daemon = True
        last.start()
    try:
        if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
            with _alarm(seconds):
                yield
        else:
            yield
    finally:
        if last:
            last.cancel()


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise TooLate

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again each second, should the code take the exception
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
