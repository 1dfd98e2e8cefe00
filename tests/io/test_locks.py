"""Folder locks: one writer at a time, and the waiting one is told who holds it."""

from __future__ import annotations

import errno
import multiprocessing
import os
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from dgbench.core.errors import WorkFailedError
from dgbench.io.locks import folder_lock, refuse_if_held


def _hold(folder: Path, ready: Event, done: Event) -> None:
    with folder_lock(folder, purpose="test"):
        ready.set()
        done.wait(30)


def test_the_second_writer_learns_who_holds_the_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path, ready, done))
    other.start()
    assert ready.wait(30)
    with pytest.raises(WorkFailedError, match=f"process {other.pid} .*test"), folder_lock(tmp_path, purpose="b"):
        pass
    done.set()
    other.join(30)
    with folder_lock(tmp_path, purpose="c"):
        assert (tmp_path / ".lock-owner.json").exists()


def test_what_killed_writers_left_is_removed_and_what_is_being_written_is_not(tmp_path: Path) -> None:
    old, young = tmp_path / ".run.json.abc.tmp", tmp_path / ".run.json.xyz.tmp"
    for path in (old, young, tmp_path / "mine.tmp"):
        path.write_text("half")
        os.utime(path, (0, 0))
    os.utime(young)
    with folder_lock(tmp_path, purpose="test"):
        assert not old.exists()
        assert young.exists()
        assert (tmp_path / "mine.tmp").exists()


def test_a_killed_owner_blocks_nobody(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path, ready, done))
    other.start()
    assert ready.wait(30)
    assert other.pid is not None
    os.kill(other.pid, 9)
    other.join(30)
    with folder_lock(tmp_path, purpose="after"):
        assert (tmp_path / ".lock").exists()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_said_and_a_file_takes_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    context = multiprocessing.get_context("fork")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path, ready, done))
    other.start()
    assert ready.wait(30)
    with pytest.raises(WorkFailedError, match=f"process {other.pid} .*test"), folder_lock(tmp_path, purpose="b"):
        pass
    with pytest.raises(WorkFailedError, match="in use by"):
        refuse_if_held(tmp_path)
    assert "has no locks" in caplog.text
    assert other.pid is not None
    os.kill(other.pid, 9)
    other.join(30)
    with folder_lock(tmp_path, purpose="c"):  # the dead process's file is taken over
        assert (tmp_path / ".lock-soft").exists()
    assert not (tmp_path / ".lock-soft").exists()


def test_the_age_of_a_stale_file_is_told_by_the_clock_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    being_written = tmp_path / ".run.json.xyz.tmp"
    being_written.write_text("half")
    monkeypatch.setattr("time.time", lambda: being_written.stat().st_mtime + 1e6)  # this machine's clock is wrong
    with folder_lock(tmp_path, purpose="test"):
        assert being_written.exists()
