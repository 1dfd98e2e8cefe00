"""Processes that end with the one that started them, also where that one is killed and can stop nothing any more."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence

#: Set for a child of ours to the process id of its parent.
PARENT = "DGBENCH_PARENT"
_POLL_S = 1.0
#: ``PR_SET_PDEATHSIG`` of Linux.
_DEATH_SIGNAL = 1
#: Run by an interpreter of ours: asks for the signal, looks whether the parent is still there, and becomes the program.
_BECOME = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); "
    "os.getppid() == int(sys.argv[1]) or os._exit(1); os.execv(sys.argv[2], sys.argv[2:])"
)


def bound_to_parent(command: Sequence[str]) -> list[str]:
    """Return a command that runs ``command`` (its first part a path) and is killed when this process ends.

    On Linux alone, and from the main thread alone, as the system's promise is to the thread that starts it; elsewhere
    the command is returned as it is: a worker then ends when it next reads from its closed input.
    """
    if not sys.platform.startswith("linux") or threading.current_thread() is not threading.main_thread():
        return list(command)
    return [sys.executable, "-I", "-S", "-c", _BECOME, str(os.getpid()), *command]


def end_with_parent() -> None:
    """Make this process end when the parent that ``DGBENCH_PARENT`` names does; without the variable do nothing.

    What is written is written whole, so the process is killed and not asked: it may hang in a method's code.
    """
    parent = os.environ.pop(PARENT, "")
    if not parent.isdecimal():
        return
    if sys.platform.startswith("linux"):
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_DEATH_SIGNAL, int(signal.SIGKILL))
    if os.getppid() != int(parent):
        os._exit(1)
    threading.Thread(target=_watch, args=(int(parent),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os._exit(1)
