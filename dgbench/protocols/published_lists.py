"""Pair lists that others published, read as pairs: CSVs of clip names or frame paths, and lists of bare paths.

They name files of their authors' machines, which are matched by the whole of what identifies an image
(:mod:`dgbench.protocols.list_finder`). Rows may be short (a header with more names than values), separators may be
mixed, and nothing is dropped silently: each row that cannot be used is returned with its reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from dgbench.core.digests import digest
from dgbench.core.errors import UsageError
from dgbench.core.pair import Pair
from dgbench.io.delimited import DELIMITERS, parse_table, read_text
from dgbench.protocols.list_columns import columns_of, frame_in, is_header, refuse_best_frame
from dgbench.protocols.list_finder import Finder

#: What the columns of a list without header mean. ``src gt ref`` and ``src ref gt`` both occur: it must be said.
Columns = tuple[Literal["source", "reference", "target", "ignored"], ...]
COLUMN_ORDERS: dict[str, Columns] = {
    "source reference": ("source", "reference"),
    "source reference target": ("source", "reference", "target"),
    "source target reference": ("source", "target", "reference"),
    "landmarks source reference": ("ignored", "source", "reference"),
    "source reference target landmarks": ("source", "reference", "target", "ignored"),
}
#: Names of columns that tell which of two delimiters in a header is meant.
_KNOWN = ("source", "source_frame", "driving", "driving_video", "driver", "reference", "frame")
_SPACES = re.compile(r"[ \t]+")


@dataclass(frozen=True)
class ListedPair:
    """One row as written: paths or clip names; ``frame`` is the reference's frame where a list says it apart.

    ``source_frame`` and ``target_frame`` are the frames of the other two, where a list has columns for them.
    """

    line: int
    source: str
    reference: str
    target: str | None = None
    frame: int | None = None
    source_frame: int | None = None
    target_frame: int | None = None


@dataclass(frozen=True)
class PublishedPairs:
    """A list laid on a manifest: the pairs found, and (line, reason) of every row that was not."""

    pairs: list[Pair]
    unused: list[tuple[int, str]] = field(default_factory=list)


def read_list(path: Path, *, order: str | None = None) -> list[ListedPair]:
    """Read a published list.

    Args:
        path: a CSV with a header that names a source and a driving column, or a list of bare paths.
        order: for a list of bare paths, one of :data:`COLUMN_ORDERS`.

    Raises:
        UsageError: the file cannot be read, its header names no such columns or one that is not understood, a frame
            is no whole number, or a row has more cells than the header or another count of paths than ``order``
            says.
    """
    text = read_text(path, what="a pair list")
    first = next((line for line in text.splitlines() if line.strip()), "")
    header = any(is_header(first.split(mark)) for mark in DELIMITERS)
    if header or first.lstrip(' "').casefold().startswith("sep=") or (order is None and _has_columns(first)):
        return _read_table(path, text)
    if is_header(_SPACES.split(first.strip())):
        raise UsageError(f"{path}: its columns are parted by spaces; part them with commas, or remove the header")
    if order is None:
        raise UsageError(f"{path}: a list without header; say what its columns are: {', '.join(COLUMN_ORDERS)}")
    if order not in COLUMN_ORDERS:
        raise UsageError(f"{path}: no column order '{order}'; the orders are {', '.join(COLUMN_ORDERS)}")
    return _read_bare(path, text, COLUMN_ORDERS[order])


def pairs_from_list(rows: list[ListedPair], frames: pd.DataFrame) -> PublishedPairs:
    """Find the images of a list in a manifest.

    A clip's name means its first frame as source and the listed ``frame`` (else its first) as reference. A target
    is what the list says; without one, the reference itself where both are of one person (self), else none. A name
    that is not the whole name of an image, or could be several, makes its row unused.
    """
    finder = Finder(frames)
    pairs: dict[str, Pair] = {}
    unused: list[tuple[int, str]] = []
    for row in rows:
        try:
            source = finder.find(row.source, row.source_frame)
            reference = finder.find(row.reference, row.frame)
            target = finder.find(row.target, row.target_frame, first=False) if row.target else None
        except LookupError as error:
            unused.append((row.line, str(error.args[0])))
            continue
        same = finder.subject[source] == finder.subject[reference]
        if target is None and same:
            target = reference
        name = digest([source, reference, target or ""])[:16]
        pair_id = f"{finder.subject[source]}-{finder.subject[reference]}-{name}"
        if pair_id in pairs:
            unused.append((row.line, "the same pair stands in an earlier row"))
            continue
        pairs[pair_id] = Pair(
            pair_id=pair_id,
            relation="self" if same else "cross",
            source=source,
            reference=reference,
            target=target,
            source_identity=finder.subject[source],
            reference_identity=finder.subject[reference],
        )
    return PublishedPairs(sorted(pairs.values(), key=lambda pair: pair.pair_id), unused)


def _has_columns(first: str) -> bool:
    """Whether a first line is that of a table, whose columns must then be named: bare paths hold no commas."""
    return not first.lstrip().startswith(("/", "\\")) and ("," in first or ";" in first)


def _read_table(path: Path, text: str) -> list[ListedPair]:
    table = parse_table(text, where=str(path), known=_KNOWN)
    columns = columns_of(table, where=str(path))
    rows = []
    for line, cells in table.rows:
        if len(cells) <= max(columns.source, columns.reference):
            raise UsageError(f"{path}: line {line}: {len(cells)} values, source and driving are not both there")
        # A header may name more columns than the rows fill: what is absent is absent, not an error.
        frames = {name: frame_in(cells, index, where=str(path), line=line) for name, index in columns.frames.items()}
        refuse_best_frame(cells, columns.best, where=str(path), line=line)
        target = cells[columns.target] if columns.target is not None and columns.target < len(cells) else ""
        rows.append(
            ListedPair(
                line,
                cells[columns.source],
                cells[columns.reference],
                target or None,
                frames.get("reference"),
                source_frame=frames.get("source"),
                target_frame=frames.get("target"),
            )
        )
    return rows


def _read_bare(path: Path, text: str, columns: Columns) -> list[ListedPair]:
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        cells = [cell for cell in _SPACES.split(line.strip()) if cell]
        if not cells or cells[0].startswith("#"):
            continue
        if len(cells) != len(columns):
            raise UsageError(f"{path}: line {number}: {len(cells)} paths, the order names {len(columns)}")
        named = dict(zip(columns, cells, strict=True))
        rows.append(ListedPair(number, named["source"], named["reference"], named.get("target")))
    return rows
