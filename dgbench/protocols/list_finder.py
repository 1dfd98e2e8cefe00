"""From a name in somebody's pair list to the image of a manifest: by the whole name, never by a file's name alone.

A VoxCeleb name is matched by person, video and clip, in whatever layout list and copy have; file numbers of frames are
compared as numbers. Names of RaFD, Multi-PIE and FRLL photographs say everything by themselves. In any other set a
name is matched by as many folders as it takes to be the only one.
"""

from __future__ import annotations

import unicodedata

import pandas as pd

from dgbench.datasets.frll import frll_key_of
from dgbench.datasets.listing import VIDEO_SUFFIXES, suffix
from dgbench.datasets.multipie import multipie_key_of
from dgbench.datasets.rafd import rafd_key_of
from dgbench.datasets.voxceleb.names import Name, parse

_BY_NAME = {"rafd": rafd_key_of, "multipie": multipie_key_of, "frll": frll_key_of}
_Clip = tuple[str, str, str]


class Finder:
    """Finds the images that a list names in the frames table of one copy; ``subject`` is key → person."""

    def __init__(self, frames: pd.DataFrame) -> None:
        usable = frames[frames["frame"].notna() | (frames["container"] == "image")]
        self.subject: dict[str, str] = dict(zip(usable["key"], usable["subject"], strict=True))
        self._set = str(usable["dataset"].iloc[0]) if len(usable) else ""
        self._clips: dict[_Clip, _Frames] = {}
        self._tails: dict[str, list[tuple[list[str], str]]] = {}
        positions = usable["frame"].fillna(-1).astype("int64")
        columns = (usable[name] for name in ("key", "subject", "path", "container"))
        for key, subject, path, container, position in zip(*columns, positions, strict=True):
            plain = _plain(path)
            name = _vox_name(plain)
            if name is None:
                parts = plain.split("/")
                self._tails.setdefault(_stem(parts[-1]), []).append((parts, key))
                continue
            number = int(position) if container != "image" or name.number is None else name.number
            # In some layouts folders carry people's names: a list may name them so, or by the id.
            for person in {name.person, subject or name.person}:
                clip = self._clips.setdefault((person, name.video, name.clip), _Frames())
                clip.put(number, int(position), key)

    def find(self, foreign: str, frame: int | None, *, first: bool = True) -> str:
        """Return the key of the image that a list names.

        Args:
            foreign: a path of another machine, or a clip's name.
            frame: the frame of the clip (0-based), where the list says it apart.
            first: whether a clip's name alone means its first frame.

        Raises:
            LookupError: it is not in this copy, is not named by its whole name, or could be several.
        """
        plain = _plain(foreign)
        if not plain.strip("/"):
            raise LookupError("an empty name")
        if self._set in _BY_NAME and not self._clips:
            return self._still(foreign, plain, frame)
        name = _vox_name(plain)
        if name is None:
            if self._clips and not self._tails:
                raise LookupError(
                    f"not in this copy as written (person, video and clip are all needed, a file's name alone is never "
                    f"matched): {foreign}"
                )
            return self._by_tail(foreign, plain, frame)
        clip = self._clips.get((name.person, name.video, name.clip))
        if clip is None:
            raise LookupError(f"not in this copy: {foreign}")
        if name.number is not None:
            if frame is not None and frame != name.number:
                raise LookupError(f"names frame {name.number}, and the list's frame column says {frame}: {foreign}")
            return _of(clip.numbers, name.number, foreign)
        if frame is None and not first:
            raise LookupError(f"names a clip and no frame of it: {foreign}")
        return _of(clip.positions, frame or 0, foreign)

    def _still(self, foreign: str, plain: str, frame: int | None) -> str:
        if frame:
            raise LookupError(f"is one photograph, and the list's frame column says {frame}: {foreign}")
        key = _BY_NAME[self._set](plain)
        if key is None:
            raise LookupError(f"no name of a photograph of {self._set}: {foreign}")
        if key not in self.subject:
            raise LookupError(f"not in this copy: {foreign}")
        return key

    def _by_tail(self, foreign: str, plain: str, frame: int | None) -> str:
        parts = plain.strip("/").split("/")
        candidates = self._tails.get(_stem(parts[-1]), [])
        exact = [one for one in candidates if one[0][-1] == parts[-1]]
        candidates = exact or candidates
        if frame:
            raise LookupError(f"is one image, and the list's frame column says {frame}: {foreign}")
        if not candidates:
            raise LookupError(f"not in this copy: {foreign}")
        shared = [(_shared(parts, local), local, key) for local, key in candidates]
        most = max(depth for depth, _, _ in shared)
        best = [(local, key) for depth, local, key in shared if depth == most]
        if len(best) > 1:
            raise LookupError(f"could be {len(best)} images of this copy, such as {'/'.join(best[0][0])}: {foreign}")
        ((local, key),) = best
        if most < min(2, len(local)):
            raise LookupError(
                f"agrees with an image of this copy in its file name alone ({'/'.join(local)}): {foreign}"
            )
        return key


class _Frames:
    """The frames of one clip: by the number in a file's name, and by place in the clip."""

    def __init__(self) -> None:
        self.numbers: dict[int, str] = {}
        self.positions: dict[int, str] = {}

    def put(self, number: int, position: int, key: str) -> None:
        """Note a frame; a place that two images claim is neither's."""
        for places, place in ((self.numbers, number), (self.positions, position)):
            if places.setdefault(place, key) != key:
                places[place] = ""


def _of(frames: dict[int, str], number: int, foreign: str) -> str:
    if number not in frames:
        raise LookupError(f"frame {number} is not in this copy's extraction: {foreign}")
    if not frames[number]:
        raise LookupError(f"could be frame {number} of several clips of this copy: {foreign}")
    return frames[number]


def _vox_name(path: str) -> Name | None:
    """Return what a path says by VoxCeleb's grammars; a clip may be named without suffix, or by another container's."""
    ending = suffix(path)
    if ending in VIDEO_SUFFIXES:
        return parse(f"{path[: -len(ending)]}.mp4")
    if (name := parse(path)) is not None:
        return name
    # Clip names hold dots of their own: what no grammar reads may be a clip's name without its suffix.
    return parse(f"{path}.mp4")


def _plain(path: str) -> str:
    return unicodedata.normalize("NFC", path.strip().replace("\\", "/"))


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def _shared(one: list[str], other: list[str]) -> int:
    """Return how many parts two paths share, from their ends; the first compared has no suffix."""
    depth = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if (_stem(a), depth) != (_stem(b), depth) and a != b:
            break
        depth += 1
    return depth
