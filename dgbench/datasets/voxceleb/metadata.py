"""VoxCeleb's tables in both dialects: who is who (vox1_meta, vox2_meta) and the clip list vox-metadata.csv."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dgbench.core.errors import UsageError
from dgbench.io.delimited import Table, parse_table, read_text, whole_number


@dataclass(frozen=True)
class Person:
    """One person of the metadata; ``sex`` is f, m or None, ``official`` is dev, test or None."""

    identity: str
    name: str
    sex: str | None
    nationality: str | None
    official: str | None


@dataclass(frozen=True)
class ListedClip:
    """What is used of a row of vox-metadata.csv: whose clip, frames ``start..end`` at 25 fps. Its box is not."""

    identity: str
    video: str
    start: int
    end: int
    partition: str

    @property
    def clip(self) -> str:
        """The clip's name as in keys."""
        return f"{self.start:06d}-{self.end:06d}"


class ClipList(NamedTuple):
    """What a ``vox-metadata.csv`` lists.

    Attributes:
        clips: the distinct clips of each partition, in the order of the file.
        repeated: how many rows repeat an earlier one.
        odd_lines: the lines that are not understood; the others stand without them.
    """

    clips: list[ListedClip]
    repeated: int
    odd_lines: list[int]


def plain_name(name: str) -> str:
    """Return a person's name as used to match folders: the metadata sometimes ends it with a dot, folders do not.

    Disks and tables write letters with marks in two forms; both become one.
    """
    return unicodedata.normalize("NFC", name).strip().rstrip(".").casefold()


def read_people(path: Path) -> dict[str, Person]:
    """Read ``vox1_meta.csv`` or ``vox2_meta.csv`` in any dialect: tab or comma, blanks around everything.

    Returns:
        id → person.

    Raises:
        UsageError: no column holds the ids, an id is malformed, or an id is repeated with different content.
    """
    table = _table(path)
    columns = {_column(name): index for index, name in enumerate(table.header)}
    where = next((columns[name] for name in ("voxceleb1id", "voxceleb2id") if name in columns), None)
    if where is None:
        raise UsageError(
            f"{path}: columns {', '.join(table.header)[:120]}; one must be 'VoxCeleb1 ID' or 'VoxCeleb2 ID': "
            "get the metadata file of the set anew"
        )
    people: dict[str, Person] = {}
    for number, row in table.rows:
        cell = {name: row[index] if index < len(row) else "" for name, index in columns.items()}
        identity = row[where] if where < len(row) else ""
        if not re.fullmatch(r"id\d{5}", identity):
            raise UsageError(f"{path}: line {number}: '{identity}' is no VoxCeleb id (idNNNNN); the columns are wrong")
        name = cell.get("name") or cell.get("vggface1id") or cell.get("vggface2id") or ""
        sex = cell.get("gender", "")[:1].lower()
        person = Person(
            identity,
            name,
            sex if sex in ("f", "m") else None,
            cell.get("nationality") or None,
            cell.get("set") or None,
        )
        if people.setdefault(identity, person) != person:
            raise UsageError(f"{path}: line {number}: {identity} is repeated and the two rows differ")
    return people


def read_listed_clips(path: Path) -> ClipList:
    """Read ``vox-metadata.csv``: the published table (with ``person_id``) or the generator's (``video#person``).

    Raises:
        UsageError: columns are missing, or not one row is understood.
    """
    table = _table(path)
    columns = {name: index for index, name in enumerate(table.header)}
    missing = [
        name for name in ("video_id", "start", "end", "bbox", "width", "height", "partition") if name not in columns
    ]
    if missing:
        raise UsageError(f"{path}: columns {', '.join(missing)} are missing; this is not vox-metadata.csv")
    clips: dict[ListedClip, None] = {}
    odd_lines = []
    for number, row in table.rows:
        try:
            clip = _listed_clip(row, columns)
        except (IndexError, ValueError):
            odd_lines.append(number)
            continue
        clips[clip] = None
    if odd_lines and not clips:
        raise UsageError(f"{path}: not one of {len(table.rows)} rows is a row of vox-metadata.csv; get the table anew")
    return ClipList(list(clips), len(table.rows) - len(odd_lines) - len(clips), odd_lines)


def _listed_clip(row: tuple[str, ...], columns: dict[str, int]) -> ListedClip:
    video = row[columns["video_id"]]
    if "person_id" in columns:
        person = row[columns["person_id"]]
    else:
        video, _, person = video.partition("#")
    start, end = whole_number(row[columns["start"]]), whole_number(row[columns["end"]])
    return ListedClip(person, video, start, end, row[columns["partition"]])


def _column(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _table(path: Path) -> Table:
    """Return header and rows with every cell stripped, in whichever dialect the copy came."""
    return parse_table(read_text(path, what="a metadata table"), where=str(path))
