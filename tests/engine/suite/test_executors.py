"""A suite on several processes: the records of one process, whatever dies on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_suite import TEXT, results_of, small_suite, write_suite

from dgbench.core.errors import UsageError
from dgbench.engine.run.plan import Shard
from dgbench.engine.suite.executors import Commands, ThisProcess, make_executor
from dgbench.engine.suite.file import cells
from dgbench.engine.suite.jobs import Job, RunPart, ScoreCell, perform
from dgbench.engine.suite.runner import RETRIES, run_suite
from dgbench.io.locks import folder_lock


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one process makes of the small suite."""
    folder = tmp_path_factory.mktemp("alone")
    outcomes, _ = run_suite(small_suite(folder))
    assert not [o.error for o in outcomes if o.error]
    found = results_of(folder)
    assert sum(name.endswith("record.json") for name in found) == 3
    return found


class Deadly(Commands):
    """Kills the process of every job whose number is in ``doomed``, as soon as it has the job."""

    def __init__(self, size: int, *, doomed: set[int] | None = None, victim: str = "") -> None:
        super().__init__(size)
        self.doomed, self.victim, self.count = doomed or set(), victim, 0

    def start(self, job: Job) -> None:
        super().start(job)
        if self.count in self.doomed or (self.victim and self.victim in job.name):
            next(slot for slot in self._slots if slot and slot[0].name == job.name)[1].kill()
        self.count += 1


@pytest.mark.slow  # starts several commands
def test_two_processes_and_three_parts_a_run_give_the_bytes_of_one(tmp_path: Path, alone: dict[str, bytes]) -> None:
    with Commands(2) as pool:
        outcomes, _ = run_suite(small_suite(tmp_path), executor=pool, parts=3)
    assert not [o.error for o in outcomes if o.error]
    assert results_of(tmp_path) == alone
    assert pool._slots == [None, None]
    assert len(list((tmp_path / "runs" / "frll-self@1" / "target-0" / "journal").glob("*.jsonl"))) == 3


@pytest.mark.slow  # starts several commands
def test_processes_that_are_killed_are_replaced_and_nothing_changes(tmp_path: Path, alone: dict[str, bytes]) -> None:
    with Deadly(2, doomed={0, 2, 4}) as pool:
        outcomes, _ = run_suite(small_suite(tmp_path), executor=pool)
    assert pool.count == 6 + 3
    assert not [o.error for o in outcomes if o.error]
    assert results_of(tmp_path) == alone


@pytest.mark.slow  # starts several commands
def test_a_job_that_kills_every_process_is_given_up_and_the_others_are_done(tmp_path: Path) -> None:
    text = TEXT.replace("{name: copy-source}, ", "")
    with Deadly(2, victim="shuffled") as pool:
        outcomes, _ = run_suite(small_suite(tmp_path, text=text), executor=pool)
    assert [bool(o.error) for o in outcomes] == [False, True]
    assert f"{RETRIES + 1} times" in str(outcomes[1].error) and "SIGKILL" in str(outcomes[1].error)


def test_a_run_that_lacks_a_pair_is_not_scored(tmp_path: Path) -> None:
    suite = small_suite(tmp_path)
    cell = next(iter(cells(suite)))
    for index in (1, 3):
        assert perform(RunPart(suite, cell, Shard(index, 3))).error is None
    result = perform(ScoreCell(suite, cell, "embedded"))
    assert "have no result yet" in str(result.error)
    perform(RunPart(suite, cell, Shard(2, 3)))
    assert perform(ScoreCell(suite, cell, "embedded")).error is None


def test_options_that_do_not_fit_are_said_before_any_work(tmp_path: Path) -> None:
    for wrong in ({"pull": True}, {"cpus": 2}, {"cluster": "10.0.0.1:6379", "workers": 2}):
        with pytest.raises(UsageError, match="--"), make_executor(shared=tmp_path, **wrong):  # type: ignore[arg-type]
            pass
    with make_executor(shared=tmp_path, workers=1) as executor:
        assert isinstance(executor, ThisProcess)


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "dgbench", "suite", str(write_suite(folder)), "--workers", "2"]


def _wait_for_a_journal(suite: Path, process: subprocess.Popen[str]) -> None:
    for _ in range(600):
        if any(suite.glob("runs/*/*/journal/*.jsonl")) or process.poll() is not None:
            return
        time.sleep(0.1)
    raise AssertionError("no journal within a minute")


@pytest.mark.slow  # starts several commands
def test_the_driver_is_killed_and_the_same_command_goes_on(tmp_path: Path, alone: dict[str, bytes]) -> None:
    command = _command(tmp_path)
    driver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
    _wait_for_a_journal(tmp_path, driver)
    driver.kill()
    driver.wait()
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert results_of(tmp_path) == alone


@pytest.mark.slow  # starts several commands
def test_ctrl_c_stops_the_pool_with_one_line(tmp_path: Path) -> None:
    command = _command(tmp_path)
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    _wait_for_a_journal(tmp_path, driver)
    driver.send_signal(signal.SIGINT)
    _, said = driver.communicate(timeout=120)
    last = said.strip().splitlines()[-1]
    assert driver.returncode == 1 and last.startswith("dgbench: suite 'small' was stopped; run the same command"), said
    assert "Traceback" not in said
    assert not list(tmp_path.rglob("*.tmp"))


HANGING = """
import time
from pathlib import Path
import dgbench

class Hanging(dgbench.Reenactor):
    name = "hanging"
    needs = frozenset({"source"})
    def reenact(self, tasks):
        Path(PLACE).write_text("here")
        while True:
            try:
                time.sleep(600)
            except BaseException:
                pass
dgbench.register(Hanging)
"""


@pytest.mark.slow  # starts several commands
def test_a_killed_suite_leaves_no_process_and_no_held_lock(tmp_path: Path) -> None:
    (tmp_path / "hanging.py").write_text(HANGING.replace("PLACE", repr(str(tmp_path / "hangs"))))
    path = write_suite(
        tmp_path, text=TEXT.replace("{name: copy-source}, {name: target}, {name: shuffled}", "{name: hanging}")
    )
    command = [sys.executable, "-m", "dgbench", "suite", str(path), "--workers", "2"]
    env = {**os.environ, "DGBENCH_PLUGINS": str(tmp_path / "hanging.py")}
    driver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    for _ in range(900):
        if (tmp_path / "hangs").exists():
            break
        time.sleep(0.1)
    assert (tmp_path / "hangs").exists()
    driver.kill()
    driver.wait()
    for shard in (tmp_path / "runs" / "frll-self@1" / "hanging-0" / "journal").glob("*-of-*/"):
        with folder_lock(shard, purpose="test", timeout_s=10):
            pass
