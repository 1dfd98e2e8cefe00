"""Tables of text in the dialects that people save: commas, semicolons or tabs, with every doubt refused by line.

A byte order mark, CRLF, blank lines and spreadsheets' first line ``sep=;`` are read. Quotes are those of CSV. A row
with more cells than the header is refused: it is how a decimal comma, or a comma in a path, looks.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dgbench.core.errors import UsageError

DELIMITERS = (",", ";", "\t")
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs"}
_SEP = re.compile(r"\s*\"?sep=(.)\"?\s*", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
MAX_BYTES = 1 << 28


@dataclass(frozen=True)
class Table:
    """A table as written: stripped header cells, and (line number, stripped cells) of every row that is not blank."""

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def read_text(path: Path, *, what: str, max_bytes: int = MAX_BYTES) -> str:
    """Return a UTF-8 file's text without byte order mark.

    Raises:
        UsageError: it cannot be read, is over ``max_bytes``, is no UTF-8, or holds NUL characters.
    """
    try:
        if path.stat().st_size > max_bytes:
            raise UsageError(f"{path}: over {max_bytes >> 20} MiB; not {what}")
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text ({error.reason}); save it as UTF-8") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from error
    if "\0" in text:
        raise UsageError(f"{path}: holds NUL characters; not {what}")
    return text


def delimiter_of(line: str, *, where: str, known: Sequence[str] = ()) -> str | None:
    """Return the delimiter that a header line uses, or ``None`` where it holds none.

    Args:
        line: the header.
        where: names the file in errors.
        known: names of columns in lower case; where two delimiters occur, the one that yields such a name is meant.

    Raises:
        UsageError: two delimiters occur and the names do not tell which is meant.
    """
    bare = re.sub(r'"[^"]*"', "", line)
    found = [delimiter for delimiter in DELIMITERS if delimiter in bare]
    if len(found) > 1 and known:
        named = [d for d in found if any(cell.strip(' "').casefold() in known for cell in line.split(d))]
        found = named or found
    if len(found) > 1:
        names = " and ".join(_NAMES[delimiter] for delimiter in found)
        raise UsageError(f"{where}: the header holds {names}; use one of them to part the columns")
    return found[0] if found else None


def parse_table(text: str, *, where: str, known: Sequence[str] = (), short_rows: bool = True) -> Table:
    """Read a table with a header.

    Args:
        text: its content.
        where: names the file in errors.
        known: see :func:`delimiter_of`.
        short_rows: whether a row may end before the header does (its last cells are then absent).

    Raises:
        UsageError: no header, a doubled column, a row with more cells than the header (or fewer, unless allowed), or
            quotes that do not close.
    """
    lines = text.splitlines(keepends=True)
    skip = next((i for i, line in enumerate(lines) if line.strip()), len(lines))
    said = _SEP.fullmatch(lines[skip].strip("\r\n")) if skip < len(lines) else None
    skip += said is not None
    skip = next((i for i in range(skip, len(lines)) if lines[i].strip()), len(lines))
    if skip == len(lines):
        raise UsageError(f"{where}: the table is empty")
    delimiter = said[1] if said else delimiter_of(lines[skip], where=where, known=known)
    reader = csv.reader(io.StringIO("".join(lines[skip:]), newline=""), delimiter=delimiter or ",", strict=True)
    try:
        header = tuple(cell.strip() for cell in next(reader))
        rows = []
        first = reader.line_num + 1
        for row in reader:
            line, first = skip + first, reader.line_num + 1
            cells = tuple(cell.strip() for cell in row)
            if any(cells):
                rows.append((line, _fitted(cells, header, where=where, line=line, short_rows=short_rows)))
    except csv.Error as error:
        raise UsageError(f"{where}: line {skip + reader.line_num}: not a row of a table ({error})") from error
    twice = next((name for i, name in enumerate(header) if name and fold(name) in map(fold, header[:i])), None)
    if twice is not None:
        raise UsageError(f"{where}: column '{twice}' occurs twice in the header")
    return Table(header, tuple(rows))


def fold(name: str) -> str:
    """Return a column's name as names are compared: letters and digits in lower case, in one Unicode form."""
    return "".join(c for c in unicodedata.normalize("NFC", name).casefold() if c.isalnum())


def number(cell: str) -> float:
    """Return a plain decimal number.

    Raises:
        ValueError: anything else, with what it looks like: a decimal comma, a percentage, NaN, a separator of
            thousands, an uncertainty, a date.
    """
    if _NUMBER.fullmatch(cell):
        return float(cell)
    raise ValueError(f"{cell!r} is no plain number{_hint(cell)}")


def whole_number(cell: str) -> int:
    """Return a whole number of at least 0, which may be written with a point and zeros (``5.0``).

    Raises:
        ValueError: a fraction, a sign, a word, or anything else.
    """
    if match := re.fullmatch(r"([0-9]{1,12})(\.0*)?", cell):
        return int(match[1])
    if re.fullmatch(r"[0-9]+\.[0-9]+", cell):
        raise ValueError(f"{cell!r} is a fraction, frames are whole")
    raise ValueError(f"{cell!r} is no whole number of at least 0")


def _fitted(
    cells: tuple[str, ...], header: tuple[str, ...], *, where: str, line: int, short_rows: bool
) -> tuple[str, ...]:
    while len(cells) > len(header) and not cells[-1]:
        cells = cells[:-1]  # spreadsheets end rows with empty cells
    if len(cells) > len(header):
        raise UsageError(
            f"{where}: line {line}: {len(cells)} cells under {len(header)} columns; a decimal comma, or a comma inside "
            "a cell? Write numbers with a point, and put quotes around cells that hold the delimiter"
        )
    if len(cells) < len(header) and not short_rows:
        raise UsageError(f"{where}: line {line}: {len(cells)} cells under {len(header)} columns; fill in the others")
    return cells


def _hint(cell: str) -> str:
    hints = (
        (r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]+)?", "a comma of thousands, or a decimal comma: write neither"),
        (r"[+-]?[0-9]+,[0-9]+", "a decimal comma: write a point"),
        (r".*%", "a percentage: write the share"),
        (r"[+-]?nan|[+-]?inf(inity)?", "leave the cell empty where there is no number"),
        (r"[−‒–—].*[0-9].*", "another minus sign: write -"),
        (r".*(±|\+-|\+/-).*", "a mean with its spread: write the mean alone"),
        (r"[0-9]+(_[0-9]+)+", "an underscore between digits"),
        (r"[0-9]+([   '][0-9]{3})+.*", "a separator of thousands"),
        (r"[*_`].*|.*[*_`]", "marked up: write the number alone"),
    )
    for pattern, hint in hints:
        if re.fullmatch(pattern, cell, re.IGNORECASE):
            return f" ({hint})"
    return ""
