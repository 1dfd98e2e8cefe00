"""What the columns of a published pair list are called, and which of them say a frame."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dgbench.core.errors import UsageError
from dgbench.io.delimited import Table, fold, whole_number

_KIND = "(?:video|image|img|path|clip|file|name|videoname|clipname)?"
_SOURCE = re.compile(rf"(?:source|src){_KIND}")
_REFERENCE = re.compile(rf"(?:driving|driver|drive|drv|reference|ref){_KIND}")
_TARGET = re.compile(rf"(?:target|groundtruth|gt){_KIND}")
_NUMBER = "(?:frame|frames|t)(?:idx|index|id|no|nr|num|number|pos|position)?"
_FRAME = {
    "source": re.compile(rf"(?:source|src)(?:video)?{_NUMBER}|{_NUMBER}(?:of)?(?:source|src)"),
    "reference": re.compile(
        rf"(?:driving|driver|drive|drv|reference|ref)?(?:video)?{_NUMBER}"
        rf"|{_NUMBER}(?:of)?(?:driving|driver|drive|drv|reference|ref)"
    ),
    "target": re.compile(rf"(?:target|groundtruth|gt)(?:video)?{_NUMBER}"),
}
#: Columns that say nothing of which images are meant. ``best_frame`` names a further frame of the driving clip, which
#: some methods take relative motion from; as a path it is no part of the pair.
_NO_MATTER = re.compile(r"|distance|dist|unnamed[0-9]*|index|id|pairid|row|comment|split|partition")
_BEST = "bestframe"


@dataclass(frozen=True)
class Columns:
    """Where a list's columns stand: the three images, and the frame of each where it is said apart."""

    source: int
    reference: int
    target: int | None
    frames: dict[str, int]
    best: int | None


def is_header(cells: list[str]) -> bool:
    """Whether the cells are names of columns: one of a source and one of what drives it."""
    names = [fold(cell) for cell in cells]
    return any(_is_source(name) for name in names) and any(_is_reference(name) for name in names)


def columns_of(table: Table, *, where: str) -> Columns:
    """Find the columns of a list; none is ignored unless it is known to say nothing of the images.

    Raises:
        UsageError: no source or driving column, two for one thing, or a column that is not understood.
    """
    places: dict[str, int] = {}
    names = [fold(name) for name in table.header]

    def put(thing: str, index: int) -> None:
        if thing in places:
            both = f"'{table.header[places[thing]]}' and '{table.header[index]}'"
            raise UsageError(f"{where}: columns {both} both name the {thing}; keep one")
        places[thing] = index

    for index, name in enumerate(names):
        for thing, pattern in (("source", _SOURCE), ("reference", _REFERENCE), ("target", _TARGET)):
            if pattern.fullmatch(name):
                put(thing, index)
    # `source_frame` is a path where no other column names the source, and the frame's number where one does.
    for index, name in enumerate(names):
        owner = next((thing for thing, pattern in _FRAME.items() if pattern.fullmatch(name)), None)
        if owner is not None:
            bare = re.fullmatch(_NUMBER, name) is not None
            put(owner if owner not in places and not bare else f"{owner} frame", index)
        elif name == _BEST:
            put("best frame", index)
    if "source" not in places or "reference" not in places:
        raise UsageError(f"{where}: columns {', '.join(table.header)[:120]}; one must be 'source' and one 'driving'")
    odd = [
        table.header[index]
        for index, name in enumerate(names)
        if index not in places.values() and not _NO_MATTER.fullmatch(name)
    ]
    if odd:
        raise UsageError(
            f"{where}: column '{odd[0]}' is not understood; the frame of the driving clip is called 'frame'. Rename "
            "the column, or remove it if it says nothing of the images"
        )
    frames = {name.removesuffix(" frame"): index for name, index in places.items() if name.endswith(" frame")}
    frames.pop("best", None)
    return Columns(places["source"], places["reference"], places.get("target"), frames, places.get("best frame"))


def frame_in(cells: tuple[str, ...], index: int | None, *, where: str, line: int) -> int | None:
    """Return the frame that a cell says, or ``None`` where the column or the cell is absent.

    Raises:
        UsageError: it is no whole number of at least 0.
    """
    cell = cells[index] if index is not None and index < len(cells) else ""
    if not cell:
        return None
    try:
        return whole_number(cell)
    except ValueError as error:
        raise UsageError(f"{where}: line {line}: frame {error}") from error


def refuse_best_frame(cells: tuple[str, ...], index: int | None, *, where: str, line: int) -> None:
    """Refuse a number in ``best_frame``: which frame is meant to drive could not be told.

    Raises:
        UsageError: the cell holds a number other than 0.
    """
    cell = cells[index] if index is not None and index < len(cells) else ""
    if re.fullmatch(r"[0-9.]+", cell) and float(cell) != 0:
        raise UsageError(
            f"{where}: line {line}: best_frame {cell}: is it the frame that drives? Call the column 'frame' if so, "
            "remove it if not"
        )


def _is_source(name: str) -> bool:
    return bool(_SOURCE.fullmatch(name) or _FRAME["source"].fullmatch(name))


def _is_reference(name: str) -> bool:
    return bool(_REFERENCE.fullmatch(name) or re.fullmatch(rf"(?:driving|driver|reference){_NUMBER}", name))
