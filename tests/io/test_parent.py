"""Children end with the process that started them, however that one ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BOUND = """
import subprocess, sys
from dgbench.io.parent import bound_to_parent
command = bound_to_parent([sys.executable, "-c", "import time; time.sleep(600)"])
child = subprocess.Popen(command, start_new_session=True)
print(child.pid, flush=True)
child.wait()
"""
ASKING = """
import os, subprocess, sys
code = "from dgbench.io.parent import end_with_parent as e; e(); print('up', flush=True); import time; time.sleep(600)"
env = {**os.environ, "DGBENCH_PARENT": str(os.getpid())}
child = subprocess.Popen([sys.executable, "-c", code], env=env, start_new_session=True)
print(child.pid, flush=True)
child.wait()
"""


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.mark.parametrize("code", [BOUND, ASKING])
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system's promise to children is Linux's")
def test_a_killed_parent_takes_its_child_along(code: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert parent.stdout is not None
    lines = [parent.stdout.readline()]
    if code is ASKING:
        lines.append(parent.stdout.readline())
    child = next(int(line) for line in lines if line.strip().isdigit())
    time.sleep(0.5)
    assert _is_there(child)
    parent.kill()
    parent.wait()
    for _ in range(100):
        if not _is_there(child):
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    raise AssertionError("the child outlived its parent by 10 s")
