"""The journal: every finished line survives, half a line never counts."""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import pytest

from dgbench.core.errors import UsageError
from dgbench.io.journal import Journal, read_journal


def test_a_half_line_left_by_a_kill_is_cut_off_and_work_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    with Journal(path) as journal:
        journal.append([{"pair_id": "a"}, {"pair_id": "b"}])
    with path.open("ab") as handle:
        handle.write(b'{"pair_id": "c", "sta')
    assert [r["pair_id"] for r in read_journal(path)] == ["a", "b"]
    with Journal(path) as journal:
        journal.append([{"pair_id": "c"}])
    assert [r["pair_id"] for r in read_journal(path)] == ["a", "b", "c"]


def test_a_disk_that_fills_is_one_error_and_keeps_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file may not grow past the limit: EFBIG, as ENOSPC
    try:
        with pytest.raises(UsageError, match="cannot be written"), Journal(path) as journal:
            journal.append([{"pair_id": "a"}])
            resource.setrlimit(resource.RLIMIT_FSIZE, (40, limits[1]))
            journal.append([{"pair_id": "b" * 100}])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert read_journal(path) == [{"pair_id": "a"}]
    with Journal(path) as journal:
        journal.append([{"pair_id": "b"}])
    assert [r["pair_id"] for r in read_journal(path)] == ["a", "b"]


def test_an_absent_journal_is_empty(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "none") == []


@pytest.mark.parametrize("line", [b"not json\n", b"[1]\n", b"\xff\xfe\n"])
def test_a_finished_line_that_is_no_record_is_bad_input(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "j").write_bytes(b'{"pair_id": "a"}\n' + line)
    with pytest.raises(UsageError, match=":2: not a journal line"):
        read_journal(tmp_path / "j")
