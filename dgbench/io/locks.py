"""Locks between processes: one writer per folder, with the owner's name in the message of whoever waits."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import filelock

from dgbench.core.errors import UsageError, WorkFailedError
from dgbench.io.atomic import remove_stale, user_error, write_json

_LOG = logging.getLogger(__name__)
#: What `flock` fails with on file systems that have no locks, or whose lock service is not running.
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP)


class BusyError(WorkFailedError):
    """Another process works here now; the message names it."""


@contextlib.contextmanager
def folder_lock(folder: Path, *, purpose: str, timeout_s: float = 0.0) -> Iterator[None]:
    """Hold the one writer's lock of ``folder`` for the block.

    The lock is the operating system's and ends with the process, so a killed owner never blocks anyone; the
    owner file beside it only tells who holds it. On a file system without locks a file with the owner's process takes
    its place, with a warning; one that a dead process of this machine left is taken over. What killed writers left in
    the folder is removed.

    Raises:
        BusyError: another process holds it still after ``timeout_s`` seconds.
        UsageError: the folder cannot be made or written.
    """
    owner = folder / ".lock-owner.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _acquire(folder, timeout_s)
    except filelock.Timeout as error:
        raise BusyError(f"{folder}: in use by {_describe(owner)}; wait for it or choose another folder") from error
    except OSError as error:
        raise user_error(error, folder) from error
    try:
        remove_stale(folder)
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


def _acquire(folder: Path, timeout_s: float) -> filelock.BaseFileLock:
    try:
        lock: filelock.BaseFileLock = filelock.FileLock(folder / ".lock")
        lock.acquire(timeout=timeout_s)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        _LOG.warning(
            "%s: this file system has no locks (%s); a file keeps other processes of this machine out",
            folder, error.strerror,
        )  # fmt: skip
        lock = filelock.SoftFileLock(folder / ".lock-soft")
        lock.acquire(timeout=timeout_s)
    return lock


def refuse_if_held(folder: Path) -> None:
    """Look whether a process holds the lock of ``folder``, without keeping it.

    Raises:
        BusyError: one does.
    """
    if (folder / ".lock").exists() or (folder / ".lock-soft").exists():
        with contextlib.suppress(UsageError), folder_lock(folder, purpose="look"):
            pass


def _describe(owner: Path) -> str:
    try:
        who = json.loads(owner.read_text(encoding="utf-8"))
        return f"process {who['pid']} on {who['host']} ({who['purpose']}, since {who['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
