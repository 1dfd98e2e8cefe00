"""The cache folder: what can be made or fetched again, keyed by content, so deleting it costs time and nothing else."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

_LOG = logging.getLogger(__name__)


def cache_folder(part: str = "") -> Path:
    """Return ``DGBENCH_CACHE``, else ``~/.cache/dgbench``, or the folder ``part`` below it; it need not exist yet.

    A user without a home gets a folder of their own in the system's temporary one.
    """
    given = os.environ.get("DGBENCH_CACHE")
    base = Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "dgbench"
    try:
        return base.expanduser() / part
    except RuntimeError:  # no home directory
        return Path(tempfile.gettempdir()) / f"dgbench-cache-{os.getuid() if hasattr(os, 'getuid') else 'user'}" / part


def at_home(text: str) -> Path:
    """Return a path with ``~`` filled in; of a user without a home it stays as it is, and nothing lies there."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - pathlib's own raises where there is no home


def writable_cache_folder(part: str) -> Path | None:
    """Return :func:`cache_folder` made and found writable, else ``None`` with a warning: then nothing is kept."""
    folder = cache_folder(part)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        _LOG.warning("%s: the cache cannot be written (%s); nothing is kept for the next run", folder, error.strerror)
        return None
    if hasattr(os, "getuid") and folder.is_relative_to(tempfile.gettempdir()) and folder.stat().st_uid != os.getuid():
        _LOG.warning("%s: belongs to another user; nothing is kept for the next run", folder)
        return None
    return folder
