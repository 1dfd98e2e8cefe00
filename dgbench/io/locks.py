"""Locks between processes: one writer per folder, with the owner's name in the message of whoever waits."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import filelock

from dgbench.core.errors import UsageError, WorkFailedError
from dgbench.io.atomic import explain, remove_strays, write_json


class BusyError(WorkFailedError):
    """Another process works here now; the message names it."""


@contextlib.contextmanager
def folder_lock(folder: Path, *, purpose: str, timeout_s: float = 0.0) -> Iterator[None]:
    """Hold the one writer's lock of ``folder`` for the block.

    The lock is the operating system's and ends with the process, so a killed owner never blocks anyone; the
    owner file beside it only tells who holds it. What killed writers left in the folder is removed.

    Raises:
        BusyError: another process holds it still after ``timeout_s`` seconds.
        UsageError: the folder cannot be made or written.
    """
    lock = filelock.FileLock(folder / ".lock")
    owner = folder / ".lock-owner.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=timeout_s)
    except filelock.Timeout as error:
        raise BusyError(f"{folder}: in use by {_describe(owner)}; wait for it or choose another folder") from error
    except OSError as error:
        raise explain(error, folder) from error
    try:
        remove_strays(folder)
        write_json(
            owner,
            {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "purpose": purpose,
                "since": datetime.now(UTC).isoformat(timespec="seconds"),
            },
        )
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def refuse_if_held(folder: Path) -> None:
    """Look whether a process holds the lock of ``folder``, without keeping it.

    Raises:
        BusyError: one does.
    """
    if (folder / ".lock").exists():
        with contextlib.suppress(UsageError), folder_lock(folder, purpose="look"):
            pass


def _describe(owner: Path) -> str:
    try:
        who = json.loads(owner.read_text(encoding="utf-8"))
        return f"process {who['pid']} on {who['host']} ({who['purpose']}, since {who['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
