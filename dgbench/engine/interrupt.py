"""Ctrl-C and SIGTERM ask for a stop between batches; a second one stops at once."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class StopRequest:
    """Whether somebody asked for a stop."""

    def __init__(self) -> None:
        self.asked = False


@contextlib.contextmanager
def graceful_stop() -> Iterator[StopRequest]:
    """Yield a :class:`StopRequest` that the first SIGINT or SIGTERM sets; the second one interrupts as usual.

    Outside the main thread, where Python takes no signals, nothing is ever asked.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if request.asked:
            raise KeyboardInterrupt
        request.asked = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
