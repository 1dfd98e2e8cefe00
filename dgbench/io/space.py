"""Room on the disk, looked at before long work: better refused now than stopped half way."""

from __future__ import annotations

import shutil
from pathlib import Path

from dgbench.core.errors import WorkFailedError

#: Left free beside the work's own need: journals, records and temp files want room too.
RESERVE = 64 << 20


def picture_bytes(size: int) -> int:
    """Return what the PNG of a ``size`` x ``size`` photograph takes, about half of its raw bytes.

    On the low side, so that no work is refused that would fit.
    """
    return size * size * 3 // 2


def require_space(folder: Path, need: int, *, what: str) -> None:
    """Check that the disk of ``folder`` (which need not exist yet) has room for ``need`` bytes and a reserve.

    A file system that does not tell its free space is trusted.

    Raises:
        WorkFailedError: it has not; says how much is needed and how much is free.
    """
    place = next((p for p in (folder.absolute(), *folder.absolute().parents) if p.is_dir()), None)
    try:
        usage = shutil.disk_usage(place) if place else None
    except OSError:
        return
    if usage is not None and usage.total > 0 and usage.free < need + RESERVE:
        raise WorkFailedError(
            f"{folder}: {what} need about {_words(need + RESERVE)}, and {_words(usage.free)} are free there; "
            "free some, or choose a folder on another disk"
        )


def _words(count: int) -> str:
    return f"{count / (1 << 30):.1f} GB" if count >= 1 << 30 else f"{count / (1 << 20):.0f} MB"
