"""From the paths of a VoxCeleb copy to clips: which variant, whose, in what order, and what is left out and why."""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dgbench.datasets.listing import IMAGE_SUFFIXES, VIDEO_SUFFIXES, suffix
from dgbench.datasets.voxceleb.metadata import Person, plain_name
from dgbench.datasets.voxceleb.names import CLIP_FILES, PREFERENCE, SPARSE, Name, parse, partition
from dgbench.datasets.voxceleb.people import VoxSet

_RANK = {variant: rank for rank, variant in enumerate(PREFERENCE)}
_AUDIO = (".wav", ".m4a", ".aac", ".mp3", ".flac")


@dataclass(slots=True)
class Clip:
    """One clip of a copy: one video or strip file, or a folder of numbered images.

    Attributes:
        path: the file, or the folder.
        files: of a folder, (number, path) of its images in order of number; ``None`` for a file.
    """

    key: str
    variant: str
    person: str
    video: str
    clip: str
    path: str
    files: list[tuple[int, str]] | None = None

    def places(self) -> list[int]:
        """Return the place of each image in the clip, 0-based, by the numbers in the files' names.

        A lost image leaves its place empty and the others keep theirs. Numbers begin where the layout says, or else
        at the first image; the step between them is what all their distances share. Where most places would be
        empty, the numbers do not count frames one after the other: then images are counted in order.
        """
        numbers = [number for number, _ in self.files or ()]
        if not numbers or self.variant in SPARSE:
            return list(range(len(numbers)))
        first = 0 if self.variant == "vp-png" else numbers[0]
        step = math.gcd(*(number - first for number in numbers)) or 1
        places = [(number - first) // step for number in numbers]
        return places if 2 * len(places) > places[-1] else list(range(len(numbers)))


@dataclass
class Index:
    """What was found: clips by key, and the paths left out by reason."""

    clips: dict[str, Clip]
    skipped: dict[str, list[str]]

    def skip(self, reason: str, *paths: str) -> None:
        """Note why paths are left out."""
        self.skipped.setdefault(reason, []).extend(paths)


def index_paths(paths: Sequence[str], vox: VoxSet, *, people: Mapping[str, Person] | None = None) -> Index:
    """Group sorted paths into clips. Looks at names only, never at the disk.

    Args:
        paths: relative paths with '/' separators, sorted bytewise.
        vox: which of the two sets.
        people: the metadata, needed where folders carry people's names in place of ids.
    """
    index = Index({}, {})
    identities = {plain_name(person.name): identity for identity, person in (people or {}).items() if person.name}
    copies: dict[str, Clip | list[Clip]] = {}
    same: dict[str, str] = {}  # one object for each text that many rows share: a million rows must fit in memory
    for path in paths:
        # The disk may write a letter with marks in another form than tables and lists do; keys have one.
        name = parse(path if path.isascii() else unicodedata.normalize("NFC", path))
        if name is None:
            index.skip(_why_not(path), path)
            continue
        person = identities.get(plain_name(name.person), "") if name.named else name.person
        if not person:
            index.skip("person's name that the metadata does not hold (or vox1_meta.csv is missing)", path)
        elif not vox.owns(person):
            index.skip(f"identity '{person[:20]}' is not one of {vox.dataset}", path)
        elif vox.split(person) == "test" and partition(path) in ("train", "dev"):
            index.skip("test person in a training folder (identity leak)", path)
        else:
            person, video, clip = (same.setdefault(text, text) for text in (person, name.video, name.clip))
            key = f"{vox.prefix}/{person}/{video}/{clip}"
            _add(index, copies, Clip(key, name.variant, person, video, clip, path), name)
    _choose(index, copies)
    return index


def _add(index: Index, copies: dict[str, Clip | list[Clip]], clip: Clip, name: Name) -> None:
    """Put a file where it belongs: a clip of its own, or one more image of a folder already begun."""
    path = clip.path
    if name.number is not None:
        clip.path = path.rpartition("/")[0]
    known = copies.setdefault(clip.key, clip)
    if known is not clip:
        others = [known] if isinstance(known, Clip) else known
        begun = next((other for other in others if other.variant == clip.variant), None)
        if begun is None:
            copies[clip.key] = [*others, clip]
        elif clip.path != begun.path or name.number is None:
            index.skip("second copy of a clip (the first in name order is used)", path)
            return
        else:
            clip = begun
    if name.number is not None:
        if clip.files is None:
            clip.files = []
        clip.files.append((name.number, path))


def digest_order(key: str) -> bytes:
    """Return the sort key by which a person's clips are taken: even over videos, the same on every machine."""
    return hashlib.sha256(key.encode()).digest()


def _choose(index: Index, copies: dict[str, Clip | list[Clip]]) -> None:
    """Keep one variant per clip: lossless before lossy, extracted before raw. Empties ``copies`` as it goes."""
    extracted = {
        key.rpartition("/")[0]
        for key, known in copies.items()
        for clip in ([known] if isinstance(known, Clip) else known)
        if clip.variant in ("stelabou", "stelabou-uncropped")
    }
    for key in sorted(copies):
        known = copies.pop(key)
        best, *rest = [known] if isinstance(known, Clip) else sorted(known, key=lambda clip: _RANK[clip.variant])
        if best.variant == "stelabou-chunk" and key.rpartition("/")[0] in extracted:
            index.skip("chunk video whose frames are here as images", best.path)
            continue
        if best.files:
            best.files.sort(key=lambda file: (file[0], suffix(file[1]) != ".png", file[1]))
            _drop_doubles(index, best.files)
        index.clips[key] = best
        for clip in rest:
            paths = [path for _, path in clip.files or ()] or [clip.path]
            index.skip(f"{clip.variant} copy of a clip that is here as {best.variant}", *paths)


def _drop_doubles(index: Index, files: list[tuple[int, str]]) -> None:
    """Keep one image of each number; ``files`` are sorted by number, the one to keep first."""
    doubled = [files[i] for i in range(1, len(files)) if files[i][0] == files[i - 1][0]]
    if doubled:
        index.skip("second image of one frame number (lossless first, then in name order)", *(p for _, p in doubled))
        drop = set(doubled)
        files[:] = [file for file in files if file not in drop]


def _why_not(path: str) -> str:
    kind = suffix(path)
    if path.endswith(("data.mdb", "lock.mdb")):
        return "LMDB container: not read; extract its images into clip folders"
    if kind in _AUDIO:
        return "audio"
    if kind in (".txt", ".csv"):
        return "text file (tracks and metadata are read where they are needed)"
    if kind in IMAGE_SUFFIXES or kind in VIDEO_SUFFIXES:
        return "image or video whose path follows no VoxCeleb grammar"
    return "neither image nor video"


def is_clip_file(clip: Clip) -> bool:
    """Whether the clip is one file whose frames are known only after opening it."""
    return clip.variant in CLIP_FILES
