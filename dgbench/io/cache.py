"""The cache folder: what can be made or fetched again, keyed by content, so deleting it costs time and nothing else."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(part: str = "") -> Path:
    """Return ``DGBENCH_CACHE``, else ``~/.cache/dgbench``, or the folder ``part`` below it; it need not exist yet."""
    given = os.environ.get("DGBENCH_CACHE")
    base = Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "dgbench"
    return base.expanduser() / part
