"""The path grammars of VoxCeleb copies: from a path alone to variant, person, video, clip and frame number.

Nothing is split at '-' or '_', which YouTube ids may begin with, nor at '.', which generated clip names hold.
A folder may be named like a video (``….mp4/0000000.png``): what follows the name decides, not the name.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Name(NamedTuple):
    """What a path says.

    Attributes:
        variant: name of the grammar; part of every result's key, since copies differ in pixels.
        person: an id (``id10280``), or a person's name where ``named`` is true.
        video: YouTube id.
        clip: clip within the video.
        number: number of the frame as written in the name, or ``None`` where the file is a whole clip.
        named: whether ``person`` is a name that the metadata must turn into an id.
    """

    variant: str
    person: str
    video: str
    clip: str
    number: int | None
    named: bool = False


_IMAGE = r"\.(?i:png|jpe?g)$"
_VIDEO = r"(?P<video>[^/#]+)"
_START = r"(?:^|/)"
_VP = _START + r"(?P<person>[^/#]+)#(?P<video>[^/#]+)#(?P<clip>[^/]+?)"

_ID = rf"{_START}(?P<person>id\d{{5}})/{_VIDEO}"
_NAMED = rf"{_START}(?P<name>[^/]+)/\d+\.\d+/{_VIDEO}"
_ANYONE = rf"{_START}(?P<person>[^/]+)/{_VIDEO}"
_Grammars = tuple[tuple[str, re.Pattern[str]], ...]


def _compile(*grammars: tuple[str, str]) -> _Grammars:
    return tuple((variant, re.compile(pattern)) for variant, pattern in grammars)


#: (variant, pattern) by whether the path holds '#' and whether the file is a video; the first that matches wins.
_GRAMMARS: dict[tuple[bool, bool], _Grammars] = {
    (True, True): _compile(
        ("stelabou-chunk", rf"{_ANYONE}/chunk_videos/[^/#]+#(?P<clip>[^/]+)\.(?i:mp4)$"),
        ("vp-mp4", rf"{_VP}\.(?i:mp4)$"),
    ),
    (True, False): _compile(
        ("vp-png", rf"{_VP}\.(?i:mp4)/(?P<number>\d+){_IMAGE}"),
        ("vp-strip", rf"{_VP}{_IMAGE}"),
    ),
    (False, True): _compile(("official-mp4", rf"{_ID}/(?P<clip>\d{{5}})\.(?i:mp4)$")),
    (False, False): _compile(
        ("stelabou", rf"{_ANYONE}/frames_cropped/(?P<clip>\d+)_(?P<number>\d{{6}}){_IMAGE}"),
        ("stelabou-uncropped", rf"{_ANYONE}/frames/(?P<clip>\d+)_(?P<number>\d{{6}}){_IMAGE}"),
        ("cmb-dense", rf"{_NAMED}/(?P<clip>\d+)/(?P<number>\d+){_IMAGE}"),
        ("cmb-1fps", rf"{_NAMED}/(?P<number>\d+){_IMAGE}"),
        ("frames", rf"{_ID}/(?P<clip>[^/]+)/(?P<number>\d+){_IMAGE}"),
        ("frames", rf"{_ID}/(?P<number>\d+){_IMAGE}"),
    ),
}

#: Variants whose files are whole clips.
CLIP_FILES = frozenset({"vp-mp4", "vp-strip", "official-mp4", "stelabou-chunk"})
#: Variants that already hold about one frame a second: every image is a row.
SPARSE = frozenset({"cmb-1fps", "stelabou", "stelabou-uncropped"})
#: Variants whose numbers count 25 fps frames of the original video.
NUMBERED_AT_25 = frozenset({"cmb-1fps", "cmb-dense", "stelabou", "stelabou-uncropped"})
#: The order in which copies of one clip are preferred: lossless first, cropped before whole.
PREFERENCE = (
    "vp-png",
    "vp-strip",
    "vp-mp4",
    "official-mp4",
    "stelabou",
    "cmb-dense",
    "cmb-1fps",
    "frames",
    "stelabou-uncropped",
    "stelabou-chunk",
)

_RANGE = re.compile(r"(\d+)#(\d+)")
_CHUNK = re.compile(r"(\d+)\.txt#(\d+)")
_UTTERANCE_RANGE = re.compile(r"(\d+)#(\d+)-(\d+)")
_PARTITION = re.compile(r"(?:^|/)(train|dev|val|test)(?=/)")


def parse(path: str) -> Name | None:
    """Return what a path says, or ``None`` where it follows no grammar of VoxCeleb copies."""
    for variant, pattern in _GRAMMARS["#" in path, path[-4:].lower() == ".mp4"]:
        match = pattern.search(path)
        if match is None:
            continue
        groups = match.groupdict()
        number = groups.get("number")
        named = "name" in groups
        return Name(
            variant,
            groups["name"] if named else groups["person"],
            groups["video"],
            _clip(variant, groups.get("clip")),
            None if number is None else int(number),
            named,
        )
    return None


def partition(path: str) -> str | None:
    """Return the last folder of a path that is named train, dev, val or test."""
    found = _PARTITION.findall(path)
    return found[-1] if found else None


def start_at_25(clip: str) -> int | None:
    """Return the 25 fps index at which a clip begins in its video, where the clip's name says so."""
    match = re.fullmatch(r"(?:u\d+-)?(\d{6})-(\d{6})", clip)
    return int(match[1]) if match else None


def _clip(variant: str, raw: str | None) -> str:
    """Return the clip's name without '#': ``001093-001192``, ``00001.000``, ``00001``, ``c03``, ``1fps``."""
    if raw is None:
        return "1fps" if variant == "cmb-1fps" else "all"
    if match := _RANGE.fullmatch(raw):
        return f"{match[1]}-{match[2]}"
    if match := _CHUNK.fullmatch(raw):
        return f"{match[1]}.{match[2]}"
    if match := _UTTERANCE_RANGE.fullmatch(raw):
        return f"u{match[1]}-{int(match[2]):06d}-{int(match[3]):06d}"
    if variant.startswith("stelabou"):
        return f"c{raw}"
    return raw.replace("#", ".")
