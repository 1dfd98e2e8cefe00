"""Ctrl-C and SIGTERM ask for a stop between batches; a second one stops at once."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from dgbench.core.errors import WorkFailedError


class StoppedError(WorkFailedError):
    """Somebody asked for a stop: what was finished is kept, and nothing after it is begun."""


class StopRequest:
    """Whether somebody asked for a stop."""

    def __init__(self) -> None:
        self.asked = False


@contextlib.contextmanager
def graceful_stop() -> Iterator[StopRequest]:
    """Yield a :class:`StopRequest` that the first SIGINT or SIGTERM sets; the second one interrupts as usual.

    Outside the main thread, where Python takes no signals, nothing is ever asked. Nested inside another block, the
    outer request is set too, so that a suite whose run was stopped stops as well.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if request.asked:
            raise KeyboardInterrupt
        request.asked = True
        outer = before[signal.Signals(number)]
        if getattr(outer, "asks_for_a_stop", False) and callable(outer):
            outer(number, frame)

    ask.asks_for_a_stop = True  # type: ignore[attr-defined]
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
