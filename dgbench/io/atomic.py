"""The one way dgbench writes a file: temp file in the same folder, fsync, rename; whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from dgbench.core.errors import UsageError, WorkFailedError

#: A writer touches its temp file far more often than this.
_STALE_S = 3600.0


@contextlib.contextmanager
def atomic_writer(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """Yield a binary file that becomes ``path`` when the block ends without an exception.

    The old content stays whole until the new one is on disk; on any exception, Ctrl-C included, the temp file is
    removed and ``path`` is as it was. A symbolic link is followed, so that the link itself survives. The file has the
    rights that the umask leaves.
    ``durable=False`` leaves out the syncs, for the many small files whose digests a journal keeps: a killed
    process still leaves whole files, a power cut may cost some, and the digests tell which.

    Raises:
        WorkFailedError: the disk is full or went read-only.
        UsageError: the folder cannot be written.
    """
    target = path.resolve() if path.is_symlink() else path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temp = _new_file(target.parent, f".{target.name[:80]}.")
    except OSError as error:
        raise user_error(error, path) from error
    try:
        with os.fdopen(descriptor, "wb") as handle:
            yield handle
            handle.flush()
            if durable:
                os.fsync(handle.fileno())
        temp.replace(target)
        if durable:
            _sync_folder(target.parent)
    except OSError as error:
        temp.unlink(missing_ok=True)
        raise user_error(error, path) from error
    except BaseException:
        temp.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write ``data`` to ``path`` atomically."""
    with atomic_writer(path, durable=durable) as handle:
        handle.write(data)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with LF line ends atomically."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write plain data as readable JSON (sorted keys, two spaces, final newline); refuses NaN and infinity."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def remove_stale(folder: Path) -> None:
    """Remove the temp files that killed writers left in ``folder`` itself: those that nobody touched for an hour.

    The hour is by the clock that stamps the folder's files: a file server's may differ from this machine's.
    """
    found = list(folder.glob(".*.tmp"))
    if not found:
        return
    with contextlib.suppress(OSError):
        descriptor, probe = _new_file(folder, ".clock.")
        os.close(descriptor)
        now = probe.stat().st_mtime
        probe.unlink()
        for stale in found:
            with contextlib.suppress(OSError):  # gone meanwhile, or not ours to remove
                if now - stale.stat().st_mtime > _STALE_S:
                    stale.unlink()


def _new_file(folder: Path, prefix: str) -> tuple[int, Path]:
    """Create a file of a new name with the rights that the umask leaves; ``tempfile`` would make it private."""
    while True:
        path = folder / f"{prefix}{secrets.token_hex(6)}.tmp"
        with contextlib.suppress(FileExistsError):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666), path


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the file system lets a folder be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def user_error(error: OSError, path: Path) -> UsageError | WorkFailedError:
    """Turn a failed write into the one line that says what to do about it."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WorkFailedError(f"{path}: no space left on the disk; free some and run the same command again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UsageError(f"{path}: cannot be written ({error.strerror}); choose a folder that you may write to")
    return UsageError(f"{path}: cannot be written ({error.strerror or error})")
