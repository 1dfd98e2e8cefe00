"""Asking git about a folder: always that folder's own repository, whatever a hook or an alias has set."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def git(folder: Path, *arguments: str, timeout_s: float | None = None) -> bytes:
    """Run git in ``folder`` and return what it prints.

    A hook's ``GIT_DIR`` or ``GIT_INDEX_FILE`` would name another repository, so no such variable is passed on.

    Raises:
        FileNotFoundError: git is not installed. subprocess.CalledProcessError: it failed; ``stderr`` says why.
        subprocess.TimeoutExpired: it took longer than ``timeout_s``.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-c", "core.quotePath=false", "-C", str(folder), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=timeout_s, check=True)  # noqa: S603
    return done.stdout
