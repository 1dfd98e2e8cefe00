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
    """Whether somebody asked for a stop; as a signal's handler it is what the first signal asks."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Take note of a signal; the second one interrupts as usual."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextlib.contextmanager
def graceful_stop() -> Iterator[StopRequest]:
    """Yield a :class:`StopRequest` that the first SIGINT or SIGTERM sets; the second one interrupts as usual.

    Outside the main thread, where Python takes no signals, nothing is ever asked. Nested blocks share one request: a
    suite whose run was stopped stops as well, and a run knows what its suite was asked while the model was loaded.
    """
    if threading.current_thread() is not threading.main_thread():
        yield StopRequest()
        return
    outer = signal.getsignal(signal.SIGINT)
    if isinstance(outer, StopRequest):
        yield outer
        return
    request = StopRequest()
    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
