"""Outputs as people deliver them: which file is whose, whatever folder, archive or doubled suffix they come in."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image as Pillow

from dgbench.core.errors import UsageError
from dgbench.io.images import FORMATS

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
#: What systems and people put beside images.
_NOTES = ("thumbs.db", "desktop.ini", "__macosx")
#: What people deliver instead of images, and what to do about it.
_OTHER_KINDS = {
    ".npy": "arrays; write each as an 8-bit RGB image",
    ".npz": "arrays; write each as an 8-bit RGB image",
    ".pt": "tensors; write each as an 8-bit RGB image",
    ".mp4": "videos; write the one frame of each pair as an image",
    ".avi": "videos; write the one frame of each pair as an image",
    ".mov": "videos; write the one frame of each pair as an image",
    ".webm": "videos; write the one frame of each pair as an image",
    ".gif": "GIF files of 256 colours; write PNG",
    ".avif": "AVIF files; write PNG",
    ".heic": "HEIC files; write PNG",
}


@dataclass
class Delivery:
    """The files among some outputs.

    Attributes:
        images: pair id → file.
        unmatched: image files that are named after no pair, relative to the folder.
        others: how many other files there are, by suffix, and one of each.
    """

    images: dict[str, Path] = field(default_factory=dict)
    unmatched: list[str] = field(default_factory=list)
    others: dict[str, tuple[int, str]] = field(default_factory=dict)


def find_images(folder: Path, pair_ids: Collection[str], *, named: Path) -> Delivery:
    """Find the image of each pair in a folder and the folders below it.

    A name is a pair's with any image suffix, a doubled one, spaces around it, or in another case where only one pair
    can be meant.

    Raises:
        UsageError: no such folder, or a pair has two images; errors name ``named``.
    """
    if not folder.is_dir():
        raise UsageError(f"{named}: no such folder or archive of images")
    by_case: dict[str, list[str]] = {}
    for pair_id in pair_ids:
        by_case.setdefault(pair_id.casefold(), []).append(pair_id)
    found = Delivery()
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        if path.suffix.lower() not in SUFFIXES:
            count, example = found.others.get(path.suffix.lower(), (0, name))
            found.others[path.suffix.lower()] = (count + 1, example)
            continue
        owner = _pair_of(path, pair_ids, by_case)
        if owner is None:
            found.unmatched.append(name)
        elif owner in found.images:
            first = found.images[owner].relative_to(folder).as_posix()
            raise UsageError(f"{named}: pair {owner} has two images ({first}, {name}); keep one")
        else:
            found.images[owner] = path
    return found


def nothing_found(found: Delivery, *, named: Path, expected: str, protocol: str) -> UsageError:
    """Return the error for outputs without an image of any pair: what is there, and what should be."""
    parts = [f"{len(found.unmatched)} images such as {found.unmatched[0]}"] if found.unmatched else []
    for suffix, (count, example) in sorted(found.others.items(), key=lambda item: (-item[1][0], item[0]))[:3]:
        kind = _OTHER_KINDS.get(suffix, "")
        parts.append(f"{count} {suffix or 'files without a suffix'} such as {example}" + (f" ({kind})" if kind else ""))
    return UsageError(
        f"{named}: no image is named after a pair of {protocol}. Found: {'; '.join(parts) or 'no file at all'}. "
        f"Expected: one image a pair, named {expected}.png (or {', '.join(SUFFIXES[1:])})"
    )


def lossy_format(data: bytes) -> str:
    """Return the format of an image file that has lost detail when it was written, "" for a lossless one."""
    with Pillow.open(io.BytesIO(data), formats=FORMATS) as picture:
        kind, mode = str(picture.format), picture.mode
        if kind in ("JPEG", "MPO"):
            return "JPEG"
        if kind == "WEBP":
            return "" if b"VP8L" in data[:4096] else "lossy WebP"
        if kind == "TIFF" and "jpeg" in str(picture.info.get("compression", "")):
            return "TIFF with JPEG compression"
        return f"{kind} of a palette" if mode == "P" else ""


def _pair_of(path: Path, pair_ids: Collection[str], by_case: dict[str, list[str]]) -> str | None:
    stem = path.name[: -len(path.suffix)]
    while stem not in pair_ids and Path(stem).suffix.lower() in SUFFIXES:
        stem = stem[: -len(Path(stem).suffix)]
    for name in (stem, stem.strip()):
        if name in pair_ids:
            return name
    meant = by_case.get(stem.strip().casefold(), [])
    return meant[0] if len(meant) == 1 else None


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder in the order of their names; links to folders are not entered."""
    for path in sorted(folder.iterdir(), key=lambda item: item.name.encode(errors="surrogateescape")):
        if path.name.startswith(".") or path.name.lower() in _NOTES:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        elif path.is_file():
            yield path


def lossy_note(counts: Counter[str], total: int) -> str:
    """Return how many of the outputs were delivered in lossy formats, as a record says it."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    return f"outputs delivered in lossy formats: {kinds} of {total}"
