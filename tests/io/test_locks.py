"""Folder locks: one writer at a time, and the waiting one is told who holds it."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from dgbench.core.errors import WorkFailedError
from dgbench.io.locks import folder_lock


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
