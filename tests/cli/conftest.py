"""Running the command line as a user does: a process of its own, with its exit code and both streams."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Dgbench = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def dgbench(tmp_path: Path) -> Dgbench:
    """Return a caller of ``dgbench`` in a process of its own."""

    def call(*arguments: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from dgbench.cli.app import script; script()", *map(str, arguments)],
            capture_output=True, text=True, timeout=240, env={**os.environ, **(env or {})}, check=False,
        )  # fmt: skip

    return call
