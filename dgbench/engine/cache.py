"""The cache folder: what can be made again, keyed by content, so deleting it costs time and nothing else."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return ``DGBENCH_CACHE``, else ``~/.cache/dgbench``; it need not exist yet."""
    given = os.environ.get("DGBENCH_CACHE")
    return Path(given) if given else Path.home() / ".cache" / "dgbench"
