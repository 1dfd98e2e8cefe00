"""Methods that hang: one pair times out, and neither a limit nor a second signal can be slept through."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from drawn_frll import make_copy

from dgbench.core.face import Failure, Image
from dgbench.engine.run.plan import RunFolder
from dgbench.engine.run.runner import run_method
from dgbench.engine.run.state import journal_state
from dgbench.methods.contract import Need, Reenactor, Task
from dgbench.protocols.registry import load_protocol

PROTOCOL = load_protocol("frll-cross@1")


class Sleepy(Reenactor):
    """Hangs at one pair, and takes every exception for a reason to go on."""

    name = "sleepy"
    needs: ClassVar[frozenset[Need]] = frozenset({"source"})
    batch_size = 3

    def reenact(self, tasks: Sequence[Task]) -> list[Image | Failure]:
        answers: list[Image | Failure] = []
        for task in tasks:
            while task.seed == SLEPT:
                try:
                    time.sleep(60)
                except Exception:  # noqa: BLE001 - as careless as other people's code
                    continue
            assert task.source is not None
            answers.append(task.source)
        return answers


SLEPT = 0


def test_a_hanging_method_fails_one_pair_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_copy(tmp_path / "frll", people=12)
    from dgbench.core.digests import seed_of
    from dgbench.engine.run.data import open_data

    second = open_data(PROTOCOL, data).pairs[1].pair_id
    monkeypatch.setattr(sys.modules[__name__], "SLEPT", seed_of(PROTOCOL.protocol.name, second, 0))
    summary = run_method(PROTOCOL, Sleepy(), out=tmp_path / "run", data=data, limit=5, pair_timeout_s=0.2)
    assert (summary.generated, summary.failed) == (4, {"timeout": 1})
    line = journal_state(RunFolder(tmp_path / "run"))[second]
    assert line["message"] == "no answer within 0.2 s"
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


PLUGIN = """
import signal, sys, time
from pathlib import Path
import dgbench

class Deaf(dgbench.Reenactor):
    name = "deaf"
    needs = frozenset({"source"})
    def reenact(self, tasks):
        Path("hangs").touch()
        if BLOCKED:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM, signal.SIGINT, signal.SIGTERM})
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass
"""


def _start(tmp_path: Path, *, blocked: bool, timeout: int, patch: str) -> subprocess.Popen[str]:
    (tmp_path / "deaf.py").write_text(textwrap.dedent(PLUGIN).replace("BLOCKED", str(blocked)))
    make_copy(tmp_path / "frll", people=12)
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[3])!r}); {patch}; "
    words = ["run", "--protocol", "frll-cross@1", "--data", "frll", "--method", "./deaf.py:Deaf", "--out", "run"]
    words += ["--pair-timeout", str(timeout), "--limit", "2", "--batch-size", "1"]
    command = [sys.executable, "-c", code + "from dgbench.cli.app import script; script()", *words]
    return subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_method_that_cannot_be_interrupted_is_ended_and_its_pair_kept_as_timed_out(tmp_path: Path) -> None:
    patch = "import dgbench.engine.run.time_limit as t; t._GRACE_S = 0.5"
    process = _start(tmp_path, blocked=True, timeout=1, patch=patch)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "method 'deaf' hangs and cannot be interrupted; its 1 pairs are kept as timed out" in said
    (line,) = journal_state(RunFolder(tmp_path / "run")).values()
    assert (line["status"], line["kind"]) == ("failed", "timeout")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.slow
def test_the_second_signal_ends_even_a_method_that_takes_every_exception(
    tmp_path: Path, number: signal.Signals
) -> None:
    patch = "import dgbench.engine.run.interrupt as i; i._GRACE_S = 0.5"
    process = _start(tmp_path, blocked=False, timeout=300, patch=patch)
    for _ in range(600):
        if (tmp_path / "hangs").exists():
            break
        time.sleep(0.1)
    os.kill(process.pid, number)
    time.sleep(0.3)
    assert process.poll() is None
    os.kill(process.pid, number)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert said.strip().splitlines()[-1] == ("dgbench: stopped at once by the second signal; finished pairs are kept")
