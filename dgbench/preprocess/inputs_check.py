"""Whether a copy's pictures are the ones that a protocol's constants belong to: their size and form, and a sample.

Points shipped with a protocol, and crops declared for a set, hold for the photographs as they were published. Copies
that were cropped, padded, stretched, shrunk, mirrored, drained of colour or encoded anew under the original names, and
SynthFace trees written in a set's grammar, are found here; runs over them say so and are never ranked.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image as Pillow

from dgbench.core.digests import digest, sha256_bytes
from dgbench.core.errors import MissingError
from dgbench.core.face import Failure, Image
from dgbench.datasets.manifest import Manifest
from dgbench.io.arrays import DAMAGED_ARRAYS
from dgbench.io.images import FORMATS, says_rendered, shown_size
from dgbench.networks.judges import Judges, load_judges
from dgbench.preprocess.inputs_sample import Observe, SampleFinding, look_at_sample
from dgbench.preprocess.media import MediaFile, read_rows
from dgbench.synthface.head.truth import EXTRAS

State = Literal["original", "altered", "rendered"]
#: Images whose header is read at most, and images decoded and looked at, chosen by the digests of their keys.
HEADERS, SAMPLE = 2000, 24
_SQUARE = 200
_PROPORTION = 0.005
#: The shorter side is at least so many times the frame's: under it, crops would be magnified.
_LEAST = 1.3
#: JPEG quality (of the common quantisation tables) under which a picture counts as encoded anew.
LEAST_QUALITY = 50
#: Share of the images looked at that a fault must have before the copy counts as altered.
_SHARE = 1 / 3
_ON_ITS_SIDE = (5, 6, 7, 8)
_DAMAGED: tuple[type[Exception], ...] = (Pillow.DecompressionBombError, *DAMAGED_ARRAYS)


@dataclass(frozen=True)
class InputsReport:
    """What is known of a copy's pictures.

    Attributes:
        state: ``original``; ``altered``: not the published pictures; ``rendered``: a SynthFace tree in the set's names.
        reasons: what is wrong, one sentence part each; with ``original``, what a few images have.
        headers: how many files' headers were read.
        sampled: how many images were looked at.
        detector: what found the faces that shipped points were compared with, or "".
        unusable: whether no image that was looked at can be brought into the protocol's frame.
    """

    state: State
    reasons: tuple[str, ...] = ()
    headers: int = 0
    sampled: int = 0
    detector: str = ""
    unusable: bool = False

    def __str__(self) -> str:
        """Return the fact as records hold it: ``original``, ``altered: …`` or ``rendered: …``."""
        return f"{self.state}: {'; '.join(self.reasons)}" if self.reasons else self.state


@dataclass(frozen=True)
class _Header:
    width: int
    height: int
    quality: float


def check_inputs(
    manifest: Manifest,
    keys: Collection[str],
    *,
    size: int,
    photograph: tuple[int, int] | None = None,
    square: bool = False,
    frozen: Mapping[str, NDArray] | None = None,
    observe: Observe | None = None,
) -> InputsReport:
    """Check the pictures of a raw copy.

    Args:
        manifest: the copy.
        keys: the images that the protocol uses; those that are not here are left aside.
        size: side of the protocol's frame in pixels.
        photograph: width and height of the published photographs, of which copies may be smaller in proportion;
            where they have no one size, only rendered trees are found.
        square: whether the protocol keeps images as stored, which must be square.
        frozen: key → (5, 2) points as shares of width and height, as shipped with the protocol.
        observe: finds five points in pixels in each of some images, and names itself; called only where points are
            to be compared and the headers raise no doubt.
    """
    if rendered := _rendered(manifest):
        return InputsReport("rendered", (rendered,))
    if photograph is None:
        odd, seen = _not_square(manifest, keys) if square else (Counter[str](), 0)
        said = (f"{odd.total()} of {seen} images looked at are not square (such as {next(iter(odd))})",) if odd else ()
        unusable = bool(odd) and odd.total() == seen
        return InputsReport("altered" if unusable else "original", said, headers=seen, unusable=unusable)
    wanted = manifest.frames[manifest.frames["key"].isin(set(keys)) & (manifest.frames["container"] == "image")]
    places = dict(zip(wanted["key"], wanted["path"], strict=True))
    chosen = sorted(places, key=lambda key: sha256_bytes(key.encode()))
    points = {key: np.asarray(frozen[key]).tolist() for key in sorted(frozen or {})} if frozen else {}
    marks = [_mark(manifest.root / places[key]) for key in chosen[:HEADERS]]
    name = digest(
        [manifest.dataset, str(manifest.root.resolve()), chosen, marks, size, points, photograph, observe is None]
    )
    if name not in _CHECKED:  # a copy is opened many times in one process: by the run, its score and the report
        _CHECKED[name] = _checked(manifest, places, chosen, photograph, size=size, frozen=frozen or {}, observe=observe)
    return _CHECKED[name]


_CHECKED: dict[str, InputsReport] = {}


def _checked(
    manifest: Manifest,
    places: Mapping[str, str],
    chosen: Sequence[str],
    photograph: tuple[int, int],
    *,
    size: int,
    frozen: Mapping[str, NDArray],
    observe: Observe | None,
) -> InputsReport:
    headers = {key: _header(manifest.root / places[key]) for key in chosen[:HEADERS]}
    known = [header for header in headers.values() if header is not None]
    faults = _shares([_fault(header, photograph, size) for header in known])
    if faults:
        return InputsReport("altered", faults, headers=len(known))
    sample = [key for key in chosen if not frozen or key in frozen][:SAMPLE]
    images: dict[str, Image] = {}
    for key in sample:
        ((_, image),) = read_rows(manifest.root, MediaFile(places[key], "image", ((key, 0),)))
        if not isinstance(image, Failure):
            images[key] = image
    if not images:
        return InputsReport("original", headers=len(known))
    seen = look_at_sample(images, frozen, observe)
    return InputsReport(*_judged(seen, len(images)), len(known), len(images), seen.detector)


def face_finder(weights: Path | None) -> Observe:
    """Return what finds faces for the check: the open detector where its file is here, the embedded one where not."""
    judges: list[Judges] = []

    def observe(images: Sequence[Image]) -> tuple[list[NDArray | None], str]:
        if not judges:
            try:
                judges.append(load_judges("open", weights=weights, roles=("detector",)))
            except MissingError:
                judges.append(load_judges("embedded", roles=("detector", "landmarks")))
        roles = sorted({network.role for network in judges[0].networks})
        seen = judges[0].observe(images, roles=roles)
        return [one.points5 if one.detected else None for one in seen], judges[0].name

    return observe


def _judged(seen: SampleFinding, count: int) -> tuple[State, tuple[str, ...]]:
    """Return what a sample's findings make of a copy: what many have, or all have a little of, alters it."""
    few = tuple(f"{n} of {count} images looked at {what}" for what, n in seen.faults.items() if n)
    many = any(n > _SHARE * count for n in seen.faults.values())
    return ("altered", (*seen.common, *few)) if many or seen.common else ("original", few)


def _rendered(manifest: Manifest) -> str:
    """Return what tells that a licensed set's tree was rendered, or ""."""
    if manifest.dataset == "synthface":
        return ""
    root = manifest.root.resolve()
    folders = {root, *root.parents[:3]}
    for path in manifest.frames["path"].iloc[:: max(1, len(manifest.frames) // 64)]:
        folders |= {root / parent for parent in Path(path).parents}
    for folder in sorted(folders):
        if any(_layout_of(folder / EXTRAS / name) == manifest.dataset for name in ("about.json", "plan.json")):
            return f"a SynthFace tree in the names of {manifest.dataset} ({folder.name}/{EXTRAS} says so)"
    stills = manifest.frames["path"][manifest.frames["container"] == "image"]
    for path in stills.iloc[:: max(1, len(stills) // 64)]:
        if _is_render(manifest.root / path):
            return f"SynthFace images in the names of {manifest.dataset} ({path} says so)"
    return ""


def _is_render(path: Path) -> bool:
    try:
        with Pillow.open(path, formats=FORMATS) as picture:
            return says_rendered(picture)
    except _DAMAGED:
        return False


def _not_square(manifest: Manifest, keys: Collection[str]) -> tuple[Counter[str], int]:
    """Return the sizes of images that are not square, counted, and how many were looked at: one of each clip."""
    wanted = manifest.frames[manifest.frames["key"].isin(set(keys))].drop_duplicates("path")
    rows = zip(wanted["path"], wanted["container"], wanted["width"], wanted["height"], strict=True)
    order = sorted(rows, key=lambda row: sha256_bytes(str(row[0]).encode()))[:_SQUARE]
    sizes: list[tuple[int, int]] = []
    for path, container, width, height in order:
        if container != "image" and not (pd.isna(width) or pd.isna(height)):
            sizes.append((int(width), int(height)))
        elif container == "image" and (shape := shown_size(manifest.root / path)) is not None:
            sizes.append((shape[1], shape[0]))
    return Counter(f"{width}x{height}" for width, height in sizes if width != height), len(sizes)


def _mark(path: Path) -> list[int]:
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]


def _layout_of(path: Path) -> str:
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return ""
    return str(about.get("layout", "")) if isinstance(about, dict) else ""


def _fault(header: _Header, photograph: tuple[int, int], size: int) -> tuple[str, str]:
    """Return what is wrong with a picture's form, and its own case of it, or ("", "")."""
    width, height = photograph
    shown = f"{header.width}x{header.height}"
    proportion = header.width * height / (header.height * width)
    if abs(proportion - 1) > max(_PROPORTION, 1.0 / min(header.width, header.height)):
        return f"of another form than the published {width}x{height}", shown
    if min(header.width, header.height) < _LEAST * size:
        return f"too small for a frame of {size} px", shown
    if header.quality < LEAST_QUALITY:
        return "encoded anew too coarsely", f"JPEG quality {header.quality:.0f}"
    return "", ""


def _shares(faults: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return a reason for each kind of fault, where faults are many enough to alter the copy."""
    kinds = Counter(kind for kind, _ in faults if kind)
    if kinds.total() <= _SHARE * len(faults):
        return ()
    case = dict(reversed(faults))
    return tuple(f"{n} of {len(faults)} pictures are {kind} ({case[kind]})" for kind, n in kinds.most_common())


def _header(path: Path) -> _Header | None:
    """Return a picture's size as shown and its JPEG quality (100 where it is no JPEG), or ``None`` where unreadable."""
    try:
        with Pillow.open(path, formats=FORMATS) as picture:
            width, height = picture.size
            if picture.getexif().get(0x0112, 1) in _ON_ITS_SIDE:
                width, height = height, width
            return _Header(width, height, _quality(getattr(picture, "quantization", None)))
    except _DAMAGED:
        return None


def _quality(tables: Mapping[int, Sequence[int]] | None) -> float:
    """Return the quality whose luminance table, of the JPEG standard's example, has the same mean."""
    if not tables or 0 not in tables:
        return 100.0
    scale = 100 * sum(tables[0]) / _EXAMPLE_SUM
    return 5000 / scale if scale > 100 else (200 - scale) / 2


#: Sum of the example luminance table of the JPEG standard (annex K), which quality 50 uses as it is.
_EXAMPLE_SUM = 3688
