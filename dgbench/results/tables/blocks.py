"""Tables in other Markdown files, such as README.md: marked blocks that the records fill and that CI can check.

A block begins with a line ``<!-- leaderboard: PROTOCOL JUDGES: METRIC, METRIC -->`` and ends with
``<!-- /leaderboard -->``; what stands between is the ranked rows of that table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from dgbench.core.errors import UsageError
from dgbench.results.boards.board import SMALL_SAMPLE_NOTE, Board, Section
from dgbench.results.tables import formats
from dgbench.results.tables.markdown import ARROWS, markdown_table

_BEGIN = re.compile(r"^<!-- leaderboard: *(?P<protocol>\S+) +(?P<judges>\S+?) *: *(?P<metrics>.+?) *-->$")
_MARK, _END = "<!-- leaderboard:", "<!-- /leaderboard -->"


def has_blocks(file: Path) -> bool:
    """Whether ``file`` is there and has a block."""
    return file.is_file() and any(line.startswith(_MARK) for line in _read(file).splitlines())


def asked_protocols(files: Sequence[Path]) -> set[str]:
    """The protocols whose tables the blocks of some files show.

    Raises:
        UsageError: a file cannot be read.
    """
    lines = [line.strip() for file in files for line in _read(file).splitlines() if line.startswith(_MARK)]
    return {asked["protocol"] for line in lines if (asked := _BEGIN.fullmatch(line))}


def filled(file: Path, boards: Sequence[Board]) -> str:
    """Return the text of ``file`` with its blocks made from ``boards``.

    Raises:
        UsageError: the file cannot be read or has no block; a block is not closed, or asks for what the boards lack.
    """
    lines = _read(file).splitlines()
    out: list[str] = []
    place, found = 0, 0
    while place < len(lines):
        line = lines[place]
        out.append(line)
        place += 1
        if not line.startswith(_MARK):
            continue
        found += 1
        where = f"{file}:{place}"
        closing = next((end for end in range(place, len(lines)) if lines[end].strip() == _END), None)
        if closing is None:
            raise UsageError(f"{where}: the block is not closed; end it with a line '{_END}'")
        out += ["", _block(line, boards, where), "", lines[closing]]
        place = closing + 1
    if not found:
        raise UsageError(f"{file}: has no line '{_MARK} PROTOCOL JUDGES: METRIC, METRIC -->' to be filled")
    return "\n".join(out) + "\n"


def _block(line: str, boards: Sequence[Board], where: str) -> str:
    asked = _BEGIN.fullmatch(line.strip())
    if asked is None:
        raise UsageError(f"{where}: write '{_MARK} PROTOCOL JUDGES: METRIC, METRIC -->'")
    names = [name.strip() for name in asked["metrics"].split(",")]
    sections = [(board.protocol, section.judges or "none", section) for board in boards for section in board.sections]
    # Where every record is by older cards, they stand in a table of their own, and that one is meant.
    wanted = (asked["protocol"], asked["judges"])
    of = [section for protocol, judges, section in sections if (protocol, judges.split(" (")[0]) == wanted]
    whole = [section for section in of if set(names) <= {*section.metric_names(), *section.metric_names(compat=True)}]
    if not of:
        known = ", ".join(f"{protocol} {judges}" for protocol, judges, _ in sections) or "none"
        raise UsageError(f"{where}: no record of {asked['protocol']} by {asked['judges']} judges; there are: {known}")
    return _table((whole or of)[0], names, where)


def _table(section: Section, names: Sequence[str], where: str) -> str:
    known = section.metric_names() + section.metric_names(compat=True)
    strange = [name for name in names if name not in known]
    if strange:
        raise UsageError(f"{where}: no metric {', '.join(strange)}; there are: {', '.join(known)}")
    header = ["rank", "method"]
    for name in names:
        card = section.card(name)
        unit = f", {card.unit}" if card.unit else ""
        header.append(f"{card.title}{unit} {ARROWS[card.direction]}")
    digits = {name: section.decimals(name) for name in names}
    rows = [
        [
            formats.place(row.rank, group=row.group, reason=row.reason),
            row.text,
            *(
                formats.short_cell(row.metric(name), row.spread(name), decimals=digits[name]) + row.mark(name)
                for name in names
            ),
        ]
        for row in section.rows
        if not row.reason
    ]
    marked = any(row.mark(name) for row in section.rows if not row.reason for name in names)
    return markdown_table(header, rows) + (f"\n\n{SMALL_SAMPLE_NOTE}" if marked else "")


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read as text ({error})") from error
