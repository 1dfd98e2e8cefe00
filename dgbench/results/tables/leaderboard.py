"""Leaderboard files: one CSV per protocol, one over all, and Markdown; same records, same bytes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from dgbench.core.errors import UsageError
from dgbench.io.atomic import write_text
from dgbench.io.locks import folder_lock
from dgbench.results.boards.board import Board, iter_boards, make_boards
from dgbench.results.records.published import Published, load_published
from dgbench.results.records.rules import rules_beside
from dgbench.results.records.store import find_light_records, find_records, refuse_links
from dgbench.results.tables.blocks import asked_protocols, filled
from dgbench.results.tables.csv_files import overall_csv, overall_rows, protocol_csv
from dgbench.results.tables.markdown import index_markdown, index_rows, protocol_markdown

#: How long a build waits for another one of the same folder.
_WAIT_S = 300.0


#: The table of every value of every record.
OVERALL = "overall.csv"


def build(
    results_root: Path,
    out: Path | None = None,
    *,
    readmes: Sequence[Path] = (),
    protocols_root: Path | None = None,
    verified_only: bool = False,
) -> list[Path]:
    """Write the leaderboard of every record under ``results_root`` into ``out`` (default ``…/leaderboards``).

    Files of an earlier build that this one does not make are removed, so that the folder is what the records say.
    The marked tables of ``readmes`` are filled too.

    Args:
        results_root: the results folder, or a folder of run folders.
        out: where the tables go.
        readmes: Markdown files with marked tables.
        protocols_root: the protocols that records are held against; default: ``protocols`` beside the results.
        verified_only: rank only records that were measured again.

    Raises:
        UsageError: no such folder, a damaged record, a link, or a table that cannot be filled; then nothing is written.
    """
    folder = out or results_root / "leaderboards"
    refuse_links(results_root)  # before a lock is written through one
    if not results_root.is_dir():
        raise UsageError(f"{results_root}: no such folder; give a results folder or a folder of run folders")
    for file in readmes:
        if file.is_symlink():
            raise UsageError(f"{file}: is a link; a table is not written through it")
    # Records are read under the lock: whoever builds last has seen every record that was there before.
    with folder_lock(out or results_root, purpose="leaderboard build", timeout_s=_WAIT_S):
        published = load_published(results_root)
        rules = rules_beside(results_root, protocols_root)
        link = f"{Path(os.path.relpath(results_root, folder)).as_posix()}/"
        records = find_light_records(results_root)
        boards = iter_boards(records, published, rules=rules, verified_only=verified_only, light=True)
        kept: list[Board] = []
        files = render_boards(keeping(boards, asked_protocols(readmes), kept), published, link=link)
        texts = {file: filled(file, kept) for file in readmes}
        for name, text in files.items():
            if (folder / name).is_symlink():
                raise UsageError(f"{folder / name}: is a link; a table is not written through it")
            write_text(folder / name, text)
        for stale in sorted({*folder.glob("*@*.csv"), *folder.glob("*@*.md")}):
            if stale.name not in files:
                stale.unlink()
    for file, text in texts.items():
        write_text(file, text)
    return [*(folder / name for name in files), *texts]


def keeping(boards: Iterable[Board], names: set[str], kept: list[Board]) -> Iterator[Board]:
    """Pass boards on, and keep those of the protocols ``names`` for the tables that other pages show."""
    for board in boards:
        if board.protocol in names:
            kept.append(board)
        yield board


def render(results_root: Path, *, link: str = "../", protocols_root: Path | None = None) -> dict[str, str]:
    """Return the leaderboard's files by name; ``link`` leads from their folder to ``results_root``."""
    published = load_published(results_root)
    boards = make_boards(find_records(results_root), published, rules=rules_beside(results_root, protocols_root))
    return render_boards(boards, published, link=link)


def render_boards(boards: Iterable[Board], published: Published, *, link: str = "../") -> dict[str, str]:
    """The same of boards, each of which is looked at once and not kept."""
    files: dict[str, str] = {}
    index: list[list[str]] = []
    overall: list[list[str]] = []
    for board in boards:
        files[f"{board.protocol}.csv"] = protocol_csv(board)
        files[f"{board.protocol}.md"] = protocol_markdown(board, link=link)
        index += index_rows(board)
        overall += overall_rows(board)
    files["README.md"] = index_markdown(index, published)
    files[OVERALL] = overall_csv(overall, published)
    return dict(sorted(files.items()))
