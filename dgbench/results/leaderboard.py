"""Leaderboard files: one CSV per protocol, one over all, and Markdown; same records, same bytes."""

from __future__ import annotations

import os
from pathlib import Path

from dgbench.io.atomic import write_text
from dgbench.results.board import make_boards
from dgbench.results.markdown import index_markdown, protocol_markdown
from dgbench.results.published import load_published
from dgbench.results.store import find_records
from dgbench.results.tables import overall_csv, protocol_csv


def build(results_root: Path, out: Path | None = None) -> list[Path]:
    """Write the leaderboard of every record under ``results_root`` into ``out`` (default ``…/leaderboards``).

    Files of an earlier build that this one does not make are removed, so that the folder is what the records say.

    Raises:
        UsageError: no such folder, or a damaged record.
    """
    folder = out or results_root / "leaderboards"
    files = render(results_root, link=f"{Path(os.path.relpath(results_root, folder)).as_posix()}/")
    for name, text in files.items():
        write_text(folder / name, text)
    for stale in sorted({*folder.glob("*@*.csv"), *folder.glob("*@*.md")}):
        if stale.name not in files:
            stale.unlink()
    return [folder / name for name in files]


def render(results_root: Path, *, link: str = "../") -> dict[str, str]:
    """Return the leaderboard's files by name; ``link`` leads from their folder to ``results_root``."""
    published = load_published(results_root)
    boards = make_boards(find_records(results_root), published)
    files = {"README.md": index_markdown(boards, published)}
    for board in boards:
        files[f"{board.protocol}.csv"] = protocol_csv(board)
        files[f"{board.protocol}.md"] = protocol_markdown(board, link=link)
    files["overall.csv"] = overall_csv(boards, published)
    return dict(sorted(files.items()))
