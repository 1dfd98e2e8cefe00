"""Full and read-only disks, lost permission, vanishing files, a jumping clock, eight processes: nothing lost, nothing
doubled, one line said, and the same command goes on."""

from __future__ import annotations

import errno
import itertools
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from colour_judges import ColourJudges
from drawn_frll import make_copy

from dgbench.core.errors import DgbenchError, UsageError, WorkFailedError
from dgbench.core.face import Failure, Image
from dgbench.engine.run.plan import RunFolder, Shard
from dgbench.engine.run.runner import RunSummary, run_method
from dgbench.engine.run.state import journal_state
from dgbench.engine.score.scorer import score_run
from dgbench.io.atomic import write_bytes
from dgbench.io.journal import Journal, read_journal
from dgbench.io.locks import BusyError
from dgbench.io.space import require_space
from dgbench.methods.contract import Need, Reenactor, Task
from dgbench.protocols.registry import load_protocol
from dgbench.results.records.store import publish
from dgbench.results.tables.leaderboard import build, render

PROTOCOL = load_protocol("frll-self@1")
PEOPLE = 10
NOBODY = 65534


class Noise(Reenactor):
    """Noise drawn from the pair's seed; calls ``before`` with the number of pairs begun."""

    name = "noise"
    needs: ClassVar[frozenset[Need]] = frozenset({"source"})
    batch_size = 2

    def __init__(self, before: Callable[[int], None] = lambda done: None, *, colour: int = 0) -> None:
        self.before, self.colour, self.begun = before, colour, 0

    def parameters(self) -> dict[str, str | int | float | bool]:
        return {"colour": self.colour}

    def reenact(self, tasks: Sequence[Task]) -> list[Image | Failure]:
        self.before(self.begun)
        self.begun += len(tasks)
        return [
            np.random.default_rng([task.seed, self.colour]).integers(0, 256, (256, 256, 3), dtype=np.uint8)
            for task in tasks
        ]


@pytest.fixture(autouse=True)
def _colour_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dgbench.engine.score.scorer.load_judges", lambda name, weights=None: ColourJudges())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_copy(tmp_path_factory.mktemp("data") / "frll", people=PEOPLE)


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The images of a run that nothing disturbed."""
    out = tmp_path_factory.mktemp("whole") / "run"
    _run(out, data)
    return _images(out)


def _run(out: Path, data: Path, method: Noise | None = None, **options: Any) -> RunSummary:
    return run_method(PROTOCOL, method or Noise(), out=out, data=data, **options)


def _images(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((out / "images").glob("*.png"))}


def _pairs_in_journals(out: Path) -> list[str]:
    return [line["pair_id"] for path in (out / "journal").glob("*.jsonl") for line in read_journal(path)]


def _ends_well(out: Path, data: Path, whole: dict[str, bytes]) -> None:
    """The same command ends in the undisturbed run, every pair once, and leaves no temp file."""
    summary = _run(out, data)
    assert summary.complete and not summary.failed
    assert _images(out) == whole
    assert len(_pairs_in_journals(out)) == len(set(_pairs_in_journals(out))) == len(whole)
    assert not list(out.rglob("*.tmp"))


# The disk


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("after", [0, 5, 20])
def test_a_disk_that_fails_midway(
    tmp_path: Path, data: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, code: int, after: int
) -> None:
    """The kernel's answer is put in at the calls where it would come: making, syncing and renaming files."""
    left = itertools.count(after, -1)

    def failing(call: Callable[..., Any]) -> Callable[..., Any]:
        def answer(*arguments: Any, **options: Any) -> Any:
            if next(left) <= 0:
                raise OSError(code, os.strerror(code))
            return call(*arguments, **options)

        return answer

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing(os.fsync))
        patch.setattr(Path, "replace", failing(Path.replace))
        patch.setattr("tempfile.mkstemp", failing(__import__("tempfile").mkstemp))
        with pytest.raises(DgbenchError) as caught:
            _run(tmp_path / "run", data)
    said = str(caught.value)
    assert "\n" not in said and str(tmp_path) in said
    assert ("no space left" in said) == (code in (errno.ENOSPC, errno.EDQUOT))
    _ends_well(tmp_path / "run", data, whole)


def test_a_disk_that_is_really_full(tmp_path: Path, data: Path, whole: dict[str, bytes]) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=900k tmpfs {small} 2>/dev/null") != 0:
        pytest.skip("a file system of 900 KB can only be mounted by root")
    try:
        with pytest.raises(WorkFailedError, match="need about"):
            _run(small / "run", data)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("dgbench.engine.run.runner.require_space", lambda *_, **__: None)
            with pytest.raises(WorkFailedError, match="no space left on the disk"):
                _run(small / "run", data)
            assert _images(small / "run").items() <= whole.items()
            assert os.system(f"mount -o remount,size=64m {small}") == 0
            _ends_well(small / "run", data, whole)
            assert os.system(f"mount -o remount,ro {small}") == 0
            with pytest.raises(UsageError, match="cannot be written"):
                score_run(small / "run", judges="embedded", data=data)
    finally:
        os.system(f"umount {small}")


def test_low_space_is_said_before_the_work(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=50 << 20))
    method = Noise()
    with pytest.raises(WorkFailedError, match=r"20 images need about 66 MB, and 50 MB are free"):
        _run(tmp_path / "run", data, method)
    assert method.begun == 0
    require_space(tmp_path / "not" / "yet", -(20 << 20), what="nothing much")


def test_a_full_temporary_folder_ends_a_scoring_with_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing to a mapped file on a full disk would kill the process: its room is taken before."""
    from dgbench.scoring.feature_spool import FeatureSpool

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(WorkFailedError, match="no space left on the disk"):
        FeatureSpool(tmp_path, 4).put(0, np.zeros(8, np.float32), np.zeros(8, np.float32))


def test_a_journal_that_tore_is_cut_to_its_whole_lines(tmp_path: Path, data: Path, whole: dict[str, bytes]) -> None:
    out = tmp_path / "run"
    _run(out, data)
    journal = out / "journal" / "1-of-1.jsonl"
    journal.write_bytes(journal.read_bytes()[:-30])
    _ends_well(out, data, whole)


def test_an_image_cut_short_by_a_power_cut_is_made_again(tmp_path: Path, data: Path, whole: dict[str, bytes]) -> None:
    out = tmp_path / "run"
    _run(out, data)
    first, second, *_ = sorted((out / "images").iterdir())
    first.write_bytes(b"")
    second.write_bytes(second.read_bytes()[:4096])
    method = Noise()
    _run(out, data, method)
    assert method.begun == 2
    assert _images(out) == whole


# Permission


def _as_nobody(work: Callable[[], None], owned: Path) -> None:
    """Do ``work`` as a user whom permissions bind; root is bound by none."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.geteuid() == 0:
                for path in (owned, *owned.rglob("*")):
                    os.chown(path, NOBODY, NOBODY)
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            work()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "the child failed; its words are above"


def test_permission_lost_midway(
    tmp_path: Path, data: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    for folder in (tmp_path, *tmp_path.parents[:3], *data.parents[:3]):
        folder.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    out = home / "run"

    def lose(begun: int) -> None:
        if begun == 8:
            (out / "images").chmod(0o555)

    def work() -> None:
        with pytest.raises(UsageError, match=r"cannot be written \(Permission denied\)"):
            _run(out, data, Noise(lose))

    _as_nobody(work, home)
    assert len(_images(out)) == 8
    (out / "images").chmod(0o755)
    _as_nobody(lambda: _ends_well(out, data, whole), home)


def test_a_folder_that_may_not_be_written_is_one_line(tmp_path: Path, data: Path) -> None:
    tmp_path.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir(mode=0o555)

    def work() -> None:
        with pytest.raises(UsageError, match="choose a folder that you may write to"):
            write_bytes(home / "file", b"x")
        with pytest.raises(UsageError, match="choose a folder that you may write to"):
            Journal(home / "journal" / "1-of-1.jsonl")

    _as_nobody(work, home)


# Files that vanish


def test_a_photograph_that_vanishes_midway_costs_its_own_pairs(tmp_path: Path, whole: dict[str, bytes]) -> None:
    data = make_copy(tmp_path / "frll", people=PEOPLE)
    victim = sorted((data / "smiling_front").iterdir())[-1]

    def lose(begun: int) -> None:
        if begun == 2:
            victim.unlink()

    summary = _run(tmp_path / "run", data, Noise(lose))
    assert summary.complete and set(summary.failed) == {"missing"}
    assert 0 < summary.failed["missing"] < summary.planned / 2
    assert _images(tmp_path / "run").items() < whole.items()
    make_copy(data, people=PEOPLE)
    _run(tmp_path / "run", data, retry_failed=True)
    assert _images(tmp_path / "run") == whole


def test_a_run_folder_that_vanishes_midway_is_one_line(tmp_path: Path, data: Path, whole: dict[str, bytes]) -> None:
    import shutil

    out = tmp_path / "run"
    _run(out, data)
    images = _images(out)
    (out / "images" / next(iter(images))).unlink()
    with pytest.raises(WorkFailedError, match=f"1 of {len(images)} pairs have no result yet"):
        score_run(out, judges="embedded")
    record = score_run(out, judges="embedded", partial=True).record
    assert not record.coverage.complete and record.coverage.generated == len(images) - 1
    shutil.rmtree(out / "journal")
    with pytest.raises(WorkFailedError, match="have no result yet"):
        score_run(out, judges="embedded")
    _ends_well(out, data, whole)


# The clock


def test_a_clock_that_jumps_changes_nothing(
    tmp_path: Path, data: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    _run(tmp_path / "calm", data)
    calm = score_run(tmp_path / "calm", judges="embedded").record
    real = time.time
    jumps = itertools.cycle([0.0, -4e8, 9e8, -1.7e9, 3600.0])
    monkeypatch.setattr(time, "time", lambda: real() + next(jumps))

    def leave(begun: int) -> None:
        if begun == 6:
            raise WorkFailedError("stopped here")

    with pytest.raises(WorkFailedError, match="stopped here"):
        _run(out, data, Noise(leave))
    for number, path in enumerate(sorted(out.rglob("*"))):
        os.utime(path, (4e9, 4e9) if number % 2 else (0, 0))
    (out / "journal" / "1-of-1" / ".lock-owner.json").write_text(
        json.dumps({"pid": 1, "host": "gone", "purpose": "run", "since": "2099-01-01T00:00:00+00:00"})
    )
    _ends_well(out, data, whole)
    record = score_run(out, judges="embedded").record
    assert record.run_id == calm.run_id and record.metrics == calm.metrics


# Eight processes


def _together(works: Sequence[Callable[[], None]]) -> list[int]:
    """Do all of it at the same time, each in a process of its own; return the exit codes."""
    gate_read, gate_write = os.pipe()
    children = []
    for work in works:
        child = os.fork()
        if child == 0:
            code = 9
            try:
                os.close(gate_write)
                os.read(gate_read, 1)  # all begin when the gate closes
                work()
                code = 0
            except DgbenchError as error:
                code = 3 if isinstance(error, BusyError) else 1
            finally:
                os._exit(code)
        children.append(child)
    os.close(gate_read)
    os.close(gate_write)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def test_eight_processes_on_one_run_folder(tmp_path: Path, data: Path, whole: dict[str, bytes]) -> None:
    out = tmp_path / "run"

    def part(index: int, count: int) -> Callable[[], None]:
        return lambda: _run(out, data, shard=Shard(index, count)) and None  # type: ignore[func-returns-value]

    # Four parts, each asked for twice: a second owner is refused or finds nothing left to do.
    codes = _together([part(index, 4) for index in (1, 2, 3, 4)] * 2)
    assert set(codes) <= {0, 3} and codes.count(0) >= 4
    assert _images(out) == whole
    assert sorted(_pairs_in_journals(out)) == sorted(name.removesuffix(".png") for name in whole)
    _ends_well(out, data, whole)


def test_two_ways_of_cutting_a_run_never_work_at_once(tmp_path: Path, data: Path, whole: dict[str, bytes]) -> None:
    out = tmp_path / "run"

    def barge_in(begun: int) -> None:
        if begun == 2:
            with pytest.raises(BusyError, match=r"2-of-3: in use by process \d+"):
                _run(out, data, shard=Shard(1, 2))

    _run(out, data, Noise(barge_in), shard=Shard(2, 3))
    _run(out, data, wait_s=5)
    assert _images(out) == whole
    assert len(_pairs_in_journals(out)) == len(whole)


def test_eight_processes_on_one_results_folder(tmp_path: Path, data: Path) -> None:
    results = tmp_path / "results"
    folders = []
    for colour in range(4):
        _run(tmp_path / f"run{colour}", data, Noise(colour=colour))
        folders.append(score_run(tmp_path / f"run{colour}", judges="embedded").folder)

    def work(folder: Path) -> Callable[[], None]:
        def publish_and_build() -> None:
            publish(folder, results)
            build(results)

        return publish_and_build

    assert _together([work(folder) for folder in folders * 2]) == [0] * 8
    records = sorted(results.rglob("record.json"))
    assert len(records) == 4
    assert {path.read_bytes() for path in records} == {(folder / "record.json").read_bytes() for folder in folders}
    made = {path.name: path.read_text() for path in (results / "leaderboards").iterdir()}
    assert made == render(results)
    assert all(path.parent.name in made["frll-self@1.csv"] for path in records)
    assert not list(results.rglob("*.tmp"))


def test_one_scoring_at_a_time(tmp_path: Path, data: Path) -> None:
    out = tmp_path / "run"
    _run(out, data)
    codes = _together([lambda: score_run(out, judges="embedded") and None] * 8)  # type: ignore[func-returns-value]
    assert set(codes) <= {0, 3} and 0 in codes
    record = json.loads((out / "scores" / "embedded" / "record.json").read_text())
    assert record["coverage"]["generated"] == len(journal_state(RunFolder(out)))
