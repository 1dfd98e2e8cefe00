"""Reading files that a stranger may have made: regular ones of a stated size, never a link, pipe or device."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from dgbench.core.errors import UsageError


def read_regular(path: Path, *, limit: int) -> bytes:
    """Read a regular file whole.

    Raises:
        UsageError: it is a symbolic link, no regular file, or holds more than ``limit`` bytes.
        OSError: it is missing or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise UsageError(f"{path}: is a link, and links are not followed here; put the file itself") from error
        raise
    with os.fdopen(descriptor, "rb") as handle:
        about = os.fstat(handle.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise UsageError(f"{path}: is no regular file; remove it")
        if about.st_size > limit:
            raise UsageError(f"{path}: {about.st_size:,} bytes, refused; at most {limit:,} are read")
        data = handle.read(limit + 1)
    if len(data) > limit:
        raise UsageError(f"{path}: grew past {limit:,} bytes while it was read")
    return data


def odd_entries(root: Path, *, skip: frozenset[str] = frozenset()) -> list[str]:
    """Return the links and special files under ``root``, relative to it with '/', sorted; links are not followed.

    Args:
        root: the folder to look through.
        skip: names of folders that are not entered, wherever they are.
    """
    found: list[str] = []
    waiting = [root]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_symlink() or not (entry.is_file() or entry.is_dir()):
                    found.append(Path(entry.path).relative_to(root).as_posix())
                elif entry.is_dir() and entry.name not in skip:
                    waiting.append(Path(entry.path))
    return sorted(found)
