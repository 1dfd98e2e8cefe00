"""Ctrl-C and SIGTERM ask for a stop between batches; a second one stops at once, whatever a method is doing."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

from dgbench.core.errors import WorkFailedError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: How long the second signal's KeyboardInterrupt may take to end the work before the process is ended.
_GRACE_S = 5.0


class StoppedError(WorkFailedError):
    """Somebody asked for a stop: what was finished is kept, and nothing after it is begun."""

    stopped = True


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

    Where even that does not end the work within seconds, as in a method that hangs in compiled code, the process ends.
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
    before = {number: signal.signal(number, request) for number in _SIGNALS}
    try:
        with _end_on_the_second():
            yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _end_on_the_second() -> Iterator[None]:
    """End the process if the block goes on for :data:`_GRACE_S` after a second signal.

    Python runs a signal's handler only between two steps of the main thread; the number of the signal reaches the
    pipe at once, and a thread reads it there.
    """
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    over = threading.Event()
    earlier = signal.set_wakeup_fd(writes, warn_on_full_buffer=False)
    watcher = threading.Thread(target=_watch, args=(reads, over), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        signal.set_wakeup_fd(earlier)
        os.close(writes)
        watcher.join()
        os.close(reads)


def _watch(reads: int, over: threading.Event) -> None:
    signals = 0
    while data := os.read(reads, 64):
        signals += sum(number in _SIGNALS for number in data)
        if signals >= 2:
            if not over.wait(_GRACE_S):
                end_now("stopped at once by the second signal; finished pairs are kept")
            return


def end_now(why: str) -> None:
    """End the process with one line and exit code 1, from any thread; open files are left as a kill leaves them."""
    with contextlib.suppress(OSError):
        os.write(2, f"dgbench: {why}\n".encode(errors="replace"))
    sys.stdout = None  # type: ignore[assignment]
    os._exit(1)
