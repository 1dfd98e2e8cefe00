"""Listing a tree: every file once, sorted bytewise, hidden ones apart, so that all machines see the same order."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from dgbench.core.errors import MissingError, UsageError

HIDDEN = "hidden file (resource forks, thumbnails and editor files among them)"
NOT_AN_IMAGE = "not an image file"
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
VIDEO_SUFFIXES = (".mp4", ".mpg", ".mpeg", ".avi", ".mov", ".mkv", ".webm", ".m4v")


@dataclass(frozen=True)
class Listing:
    """The files of a tree, relative to its root with '/' separators, sorted bytewise.

    Attributes:
        files: the visible files.
        hidden: files whose own name, or whose folder's, begins with a dot.
        undecodable: names that are not UTF-8, shown with escapes; nothing can refer to them safely.
    """

    files: list[str]
    hidden: list[str] = field(default_factory=list)
    undecodable: list[str] = field(default_factory=list)


def list_tree(root: Path) -> Listing:
    """List every file under ``root``. Links to folders are followed once; a folder is a folder whatever its name.

    Raises:
        MissingError: ``root`` does not exist.
        UsageError: ``root`` is a file, or a folder in it cannot be read.
    """
    if not root.exists():
        raise MissingError(f"{root}: no such folder; give the folder that holds the data set")
    if not root.is_dir():
        raise UsageError(f"{root}: is a file; give the folder that holds the data set, unpacked")
    files: list[str] = []
    hidden: list[str] = []
    undecodable: list[str] = []
    seen: set[tuple[int, int]] = set()
    pending = [("", False)]
    while pending:
        relative, is_hidden = pending.pop()
        for entry in _entries(root, relative, seen):
            path = f"{relative}{entry.name}"
            below = is_hidden or entry.name.startswith(".")
            if entry.is_dir():
                pending.append((f"{path}/", below))
            elif not _is_utf8(path):
                undecodable.append(path.encode("utf-8", "backslashreplace").decode())
            elif below:
                hidden.append(path)
            else:
                files.append(path)
    return Listing(bytewise(files), bytewise(hidden), bytewise(undecodable))


def bytewise(names: list[str]) -> list[str]:
    """Return the names in the order of their UTF-8 bytes.

    Python's own order of strings is by code point, which for UTF-8 is the same order as by byte.
    """
    return sorted(names)


def case_clashes(names: list[str]) -> list[list[str]]:
    """Return groups of names that differ only in case: one file on a disk that folds case, several elsewhere."""
    once: set[str] = set()
    twice: set[str] = set()
    for name in names:
        folded = name.casefold()
        (twice if folded in once else once).add(folded)
    groups: dict[str, list[str]] = {}
    for name in names if twice else ():
        if name.casefold() in twice:
            groups.setdefault(name.casefold(), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def stem(path: str) -> str:
    """Return the last part of a path without its last suffix."""
    name = path.rsplit("/", 1)[-1]
    return name.rsplit(".", 1)[0] if "." in name[1:] else name


def suffix(path: str) -> str:
    """Return the last suffix of a path in lower case, with its dot, or ""."""
    name = path.rsplit("/", 1)[-1]
    return f".{name.rsplit('.', 1)[1].lower()}" if "." in name[1:] else ""


def is_image(path: str) -> bool:
    """Whether the name is that of an image file."""
    return suffix(path) in IMAGE_SUFFIXES


def _entries(root: Path, relative: str, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    folder = root / relative
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:
            return []
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise UsageError(
            f"{folder}: the folder cannot be read ({error.strerror or error}); "
            "give yourself the right to read it, or copy the data set again"
        ) from error


def _is_utf8(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
