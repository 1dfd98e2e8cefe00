"""Which rows of a leaderboard a branch changes: what a reviewer of a pull request wants to see first."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dgbench.core.errors import UsageError
from dgbench.io.git import git
from dgbench.results.boards.board import Board, make_boards
from dgbench.results.records.rules import Rules
from dgbench.results.records.store import find_records
from dgbench.results.tables import formats
from dgbench.results.tables.markdown import markdown_table

#: A comment shows so many rows; a change of more has other readers.
_MOST = 100
_Key = tuple[str, str, str]


def changed_rows(results_root: Path, *, base: str, rules: Rules | None = None) -> str:
    """Return Markdown of the rows that are new, gone, or hold other places or values than at the merge base.

    Args:
        results_root: the results folder, in a git work tree.
        base: a git revision.
        rules: what records are held against, now and then.

    Raises:
        UsageError: no git work tree, no such revision, or records that cannot be read.
    """
    now = _rows(make_boards(find_records(results_root), rules=rules))
    with tempfile.TemporaryDirectory(prefix="dgbench-base-") as scratch:
        before = Path(scratch) / "results"
        _extract(results_root, base, before)
        old = _rows(make_boards(find_records(before), rules=rules)) if before.is_dir() else {}
    rows = []
    for key in sorted(now.keys() | old.keys()):
        if now.get(key) != old.get(key):
            then, here = old.get(key, ("–", "–", "–")), now.get(key, ("gone", "–", "–"))
            rows.append([*key, then[0], here[0], then[1], here[1], here[2]])
    if not rows:
        return "No row of the leaderboard changes."
    header = ["Protocol", "Judges", "Method", "Rank before", "Rank", "Primary before", "Primary", "Tier"]
    more = f"\n\n{len(rows) - _MOST} more rows change." if len(rows) > _MOST else ""
    return f"{len(rows)} row(s) of the leaderboard change.\n\n{markdown_table(header, rows[:_MOST])}{more}"


def _rows(boards: Sequence[Board]) -> dict[_Key, tuple[str, str, str]]:
    rows: dict[_Key, tuple[str, str, str]] = {}
    for board in boards:
        for section in board.sections:
            for row in section.rows:
                place = formats.place(row.rank, group=row.group, reason=row.reason)
                value = formats.short_cell(row.metric(section.primary), row.spread(section.primary))
                key = (board.protocol, section.judges or "none", row.text)
                rows[key] = (place, f"{section.primary} {value}", row.tier)
    return rows


def _extract(results_root: Path, base: str, out: Path) -> None:
    """Unpack the results of the merge base into ``out``; links stay out."""
    try:
        top = Path(git(results_root, "rev-parse", "--show-toplevel").decode().strip())
        commit = git(top, "merge-base", base, "HEAD").decode().strip()
        inside = results_root.resolve().relative_to(top.resolve()).as_posix()
        packed = git(top, "archive", "--format=tar", commit if inside == "." else f"{commit}:{inside}")
    except (OSError, subprocess.CalledProcessError) as error:
        raise UsageError(
            f"{results_root}: git cannot say what it held at {base}; is it a revision, fetched?"
        ) from error
    out.mkdir()
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(out, members=[m for m in archive if m.isreg() or m.isdir()], filter="data")
