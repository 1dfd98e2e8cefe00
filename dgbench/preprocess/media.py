"""The images behind manifest rows, file by file: a still, or a clip decoded once for all rows wanted of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dgbench.core.errors import UsageError
from dgbench.core.face import Failure, Image
from dgbench.datasets.manifest import Manifest
from dgbench.io.images import ImageError, read_image
from dgbench.io.strips import strip_frames
from dgbench.io.video import decode_frames


@dataclass(frozen=True)
class MediaFile:
    """One file and the rows wanted of it.

    Attributes:
        path: relative to the root.
        container: ``image``, ``video`` or ``strip``.
        rows: (key, position in the file); for an image one row whose position means nothing.
    """

    path: str
    container: str
    rows: tuple[tuple[str, int], ...]


def files_of(manifest: Manifest, keys: Iterable[str]) -> list[MediaFile]:
    """Group the rows of ``keys`` by the file that holds them, sorted bytewise by path; rows in order of position.

    Raises:
        UsageError: a key is not in the manifest, or names a clip that was not opened.
    """
    wanted = set(keys)
    mine = manifest.frames[manifest.frames["key"].isin(wanted)]
    unknown = sorted(wanted - set(mine["key"]))
    if unknown:
        raise UsageError(f"{manifest.root}: no image '{unknown[0]}' among {len(manifest.frames)} rows")
    groups: dict[tuple[str, str], list[tuple[str, int]]] = {}
    positions = mine["frame"].fillna(-1).astype("int64")
    for key, path, container, position in zip(mine["key"], mine["path"], mine["container"], positions, strict=True):
        if container not in ("image", "video", "strip"):
            raise UsageError(f"{manifest.root / path}: container '{container}' cannot be read")
        if container != "image" and position < 0:
            raise UsageError(f"'{key}' is a clip that was not opened; only frames can be prepared")
        groups.setdefault((path, container), []).append((key, int(position)))
    return [
        MediaFile(path, container, tuple(sorted(rows, key=lambda row: (row[1], row[0]))))
        for (path, container), rows in sorted(groups.items())
    ]


def read_rows(root: Path, file: MediaFile) -> Iterator[tuple[str, Image | Failure]]:
    """Yield (key, image or why there is none) for every row of a file, each once; never raises for bad files."""
    left = dict(file.rows)
    try:
        if file.container == "image":
            image = read_image(root / file.path)
            for key, _ in file.rows:
                del left[key]
                yield key, image
            return
        keys: dict[int, list[str]] = {}
        for key, position in file.rows:
            keys.setdefault(position, []).append(key)
        read = decode_frames if file.container == "video" else strip_frames
        for position, image in read(root / file.path, list(keys)):
            for key in keys[position]:
                del left[key]
                yield key, image
    except ImageError as error:
        for key in left:
            yield key, Failure(error.kind, str(error))
