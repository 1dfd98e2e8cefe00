"""Pair lists that others published, read as pairs: CSVs of clip names or frame paths, and lists of bare paths.

They name files of their authors' machines. A name is matched by its end: the clip's file name and, where given, the
frame's. Rows may be short (a header with more names than values), separators may be mixed, and nothing is dropped
silently: each row that cannot be used is returned with its reason.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from dgbench.core.digests import digest
from dgbench.core.errors import UsageError
from dgbench.core.pair import Pair
from dgbench.datasets.listing import suffix

#: What the columns of a list without header mean. ``src gt ref`` and ``src ref gt`` both occur: it must be said.
Columns = tuple[Literal["source", "reference", "target", "ignored"], ...]
COLUMN_ORDERS: dict[str, Columns] = {
    "source reference": ("source", "reference"),
    "source reference target": ("source", "reference", "target"),
    "source target reference": ("source", "target", "reference"),
    "landmarks source reference": ("ignored", "source", "reference"),
    "source reference target landmarks": ("source", "reference", "target", "ignored"),
}
_SOURCE = ("source", "source_frame")
_REFERENCE = ("driving", "driving_video", "driver")
_MAX_BYTES = 1 << 28
_SPACES = re.compile(r"[ \t]+")


@dataclass(frozen=True)
class ListedPair:
    """One row as written: paths or clip names; ``frame`` is the reference's frame where a list says it apart."""

    line: int
    source: str
    reference: str
    target: str | None = None
    frame: int | None = None


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
        UsageError: the file cannot be read, its header names no such columns, or its rows have another count of
            paths than ``order`` says.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UsageError(f"{path}: over {_MAX_BYTES >> 20} MiB; not a pair list")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the list cannot be read ({' '.join(str(error).split())[:120]})") from error
    first = text.split("\n", 1)[0]
    if "," in first and not first.startswith("/"):
        return _read_csv(path, text)
    if order is None:
        raise UsageError(f"{path}: a list without header; say what its columns are: {', '.join(COLUMN_ORDERS)}")
    if order not in COLUMN_ORDERS:
        raise UsageError(f"{path}: no column order '{order}'; the orders are {', '.join(COLUMN_ORDERS)}")
    return _read_bare(path, text, COLUMN_ORDERS[order])


def pairs_from_list(rows: list[ListedPair], frames: pd.DataFrame) -> PublishedPairs:
    """Find the images of a list in a manifest.

    A clip's name means its first frame as source and the listed ``frame`` (else its first) as reference. A target
    is what the list says; without one, the reference itself where both are of one person (self), else none.
    """
    finder = _Finder(frames)
    pairs: dict[str, Pair] = {}
    unused: list[tuple[int, str]] = []
    for row in rows:
        try:
            source, reference = finder.find(row.source, None), finder.find(row.reference, row.frame)
            target = finder.find(row.target, None) if row.target else None
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


class _Finder:
    """From the end of a foreign path to a manifest key."""

    def __init__(self, frames: pd.DataFrame) -> None:
        usable = frames[frames["frame"].notna() | (frames["container"] == "image")]
        self.subject: dict[str, str] = dict(zip(usable["key"], usable["subject"], strict=True))
        self._by_tail: dict[str, list[str]] = {}
        self._clips: dict[str, dict[int, str]] = {}
        positions = usable["frame"].fillna(0).astype("int64")
        for key, path, container, position in zip(
            usable["key"], usable["path"], usable["container"], positions, strict=True
        ):
            folder, _, name = path.rpartition("/")
            clip = path if container != "image" else folder
            self._clips.setdefault(_stem(clip), {})[int(position)] = key
            for tail in (name, f"{folder.rpartition('/')[2]}/{name}"):
                self._by_tail.setdefault(tail, []).append(key)

    def find(self, foreign: str, frame: int | None) -> str:
        parts = [part for part in foreign.replace("\\", "/").split("/") if part]
        if not parts:
            raise LookupError("an empty name")
        clip = self._clips.get(_stem(parts[-1]))
        if clip is not None and suffix(parts[-1]) in ("", ".mp4"):
            return self._position(clip, frame or 0, foreign)
        if len(parts) > 1 and _stem(parts[-2]) in self._clips and parts[-1].split(".")[0].isdecimal():
            by_name = self._unique("/".join(parts[-2:]))
            return by_name or self._position(self._clips[_stem(parts[-2])], int(parts[-1].split(".")[0]), foreign)
        found = self._unique("/".join(parts[-2:])) or self._unique(parts[-1])
        if found is None:
            raise LookupError(f"not in this copy: {foreign}")
        return found

    def _unique(self, tail: str) -> str | None:
        keys = self._by_tail.get(tail, [])
        return keys[0] if len(keys) == 1 else None

    @staticmethod
    def _position(clip: dict[int, str], position: int, foreign: str) -> str:
        if position not in clip:
            raise LookupError(f"frame {position} is not in this copy's extraction: {foreign}")
        return clip[position]


def _stem(name: str) -> str:
    """Return a clip's name without folders and its last suffix; clip names hold '#' and inner dots."""
    last = name.rpartition("/")[2]
    return last[: -len(suffix(last))] if suffix(last) in (".mp4", ".png", ".jpg", ".jpeg") else last


def _read_csv(path: Path, text: str) -> list[ListedPair]:
    reader = csv.reader(io.StringIO(text))
    header = [name.strip() for name in next(_whole(reader, path), [])]
    source = next((header.index(name) for name in _SOURCE if name in header), None)
    reference = next((header.index(name) for name in _REFERENCE if name in header), None)
    if source is None or reference is None:
        raise UsageError(f"{path}: columns {', '.join(header)[:120]}; one must be 'source' and one 'driving'")
    frame = header.index("frame") if "frame" in header else None
    rows = []
    for row in _whole(reader, path):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) <= max(source, reference):
            raise UsageError(
                f"{path}: line {reader.line_num}: {len(row)} values, source and driving are not both there"
            )
        # A header may name more columns than the rows fill: what is absent is absent, not an error.
        listed = row[frame].strip() if frame is not None and frame < len(row) else ""
        try:
            position = int(float(listed)) if listed else None
        except (ValueError, OverflowError) as error:
            raise UsageError(f"{path}: line {reader.line_num}: frame '{listed}' is no number") from error
        rows.append(ListedPair(reader.line_num, row[source].strip(), row[reference].strip(), None, position))
    return rows


def _whole(reader: Any, path: Path) -> Iterator[list[str]]:
    """Yield a CSV reader's rows; what it cannot parse is said with its line."""
    try:
        yield from reader
    except csv.Error as error:
        raise UsageError(f"{path}: line {reader.line_num}: not a row of a table ({error})") from error


def _read_bare(path: Path, text: str, columns: Columns) -> list[ListedPair]:
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        cells = [cell for cell in _SPACES.split(line.strip()) if cell]
        if not cells:
            continue
        if len(cells) != len(columns):
            raise UsageError(f"{path}: line {number}: {len(cells)} paths, the order names {len(columns)}")
        named = dict(zip(columns, cells, strict=True))
        rows.append(ListedPair(number, named["source"], named["reference"], named.get("target")))
    return rows
