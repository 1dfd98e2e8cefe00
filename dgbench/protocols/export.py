"""A protocol's inputs as plain files: images in its crop, a pair list with relative paths, landmarks, and what to do.

``DIR/export.json`` is written first and names what the folder is for; ``README.md`` is written last.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol as Interface

from dgbench.core.digests import digest, sha256_bytes
from dgbench.core.errors import UsageError
from dgbench.core.face import Image, Landmarks
from dgbench.core.pair import Pair
from dgbench.core.protocol import Protocol
from dgbench.io.atomic import write_bytes, write_json, write_text
from dgbench.io.images import RENDER_NOTE, ImageError, decode, encode_png
from dgbench.io.space import picture_bytes, require_space
from dgbench.protocols.pairs_file import pair_set_digest

PLAN_FILE = "export.json"
PAIRS_FILE = "pairs.csv"
_UNSAFE = re.compile(r"[^A-Za-z0-9._@+-]+")


class Images(Interface):
    """What an export needs of an image source."""

    def image(self, key: str) -> Image:
        """Return uint8 (size, size, 3) RGB in the protocol's crop; raises ImageError."""

    def landmarks(self, key: str) -> Landmarks | None:
        """Return the landmarks in the image's pixels, or ``None``."""


@dataclass(frozen=True)
class Exported:
    """What an export wrote: pairs listed, images and landmark files, and (image key, reason) of what failed."""

    pairs: int
    images: int
    landmarks: int
    failed: dict[str, str] = field(default_factory=dict)


def export_pairs(
    protocol: Protocol,
    pairs: Sequence[Pair],
    images: Images,
    out: Path,
    *,
    with_targets: bool,
    readme: str,
    progress: Callable[[int, int], None] | None = None,
) -> Exported:
    """Write the inputs of pairs under ``out``; stopped, the same call goes on.

    Args:
        protocol: whose pairs they are.
        pairs: those whose images the copy holds.
        images: the copy.
        out: a new or empty folder, or one that holds this same export, finished or not.
        with_targets: write the targets too.
        readme: text that goes below the counts in ``README.md``.
        progress: called with (done, all images).

    Raises:
        UsageError: the folder holds something else. WorkFailedError: the disk is full.
    """
    roles = ("source", "reference", "target") if with_targets else ("source", "reference")
    keys = sorted({key for pair in pairs for role in roles if (key := getattr(pair, role))}, key=str.encode)
    plan = {
        "schema_version": 1,
        "protocol": protocol.name,
        "protocol_digest": protocol.digest,
        "pair_set": pair_set_digest([pair.pair_id for pair in pairs]),
        "with_targets": with_targets,
        "size": protocol.frame.size,
    }
    _begin(out, plan)
    require_space(out, len(keys) * picture_bytes(protocol.frame.size), what=f"{len(keys)} images")
    names = file_names(keys)
    note = RENDER_NOTE if protocol.dataset.startswith("synthface") else ""
    written: dict[str, str] = {}
    marked: dict[str, str] = {}
    failed: dict[str, str] = {}
    for done, key in enumerate(keys, start=1):
        file = f"images/{names[key]}.png"
        try:
            written[key] = _put_image(out / file, lambda key=key: images.image(key), note=note)  # type: ignore[misc]
            landmarks = images.landmarks(key)
        except ImageError as error:
            failed[key] = " ".join(str(error).split())
            landmarks = None
        if landmarks is not None:
            marked[key] = f"landmarks/{names[key]}.json"
            points = [[round(float(value), 4) for value in row] for row in landmarks.points]
            write_bytes(out / marked[key], json.dumps(points).encode(), durable=False)
        if progress:
            progress(done, len(keys))
    whole = [pair for pair in pairs if not any(getattr(pair, role) in failed for role in roles)]
    image_of = {key: f"images/{names[key]}.png" for key in written}
    write_text(
        out / "images.csv", _table([("key", "file", "sha256"), *((k, image_of[k], written[k]) for k in written)])
    )
    write_text(out / PAIRS_FILE, _table(_rows(whole, image_of, marked, with_targets=with_targets)))
    counts = f"{len(whole)} of {protocol.expected_pairs or len(pairs)} pairs, {len(written)} images"
    write_text(out / "README.md", f"# {protocol.name}: {counts}\n\n{readme}")
    return Exported(pairs=len(whole), images=len(written), landmarks=len(marked), failed=failed)


def file_names(keys: Iterable[str]) -> dict[str, str]:
    """Return key → path without suffix: readable, safe on every system, and unique where case is folded."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for key in sorted(keys, key=str.encode):
        parts = [_UNSAFE.sub("_", part).lstrip(".-").rstrip(".") or "_" for part in key.split("/")]
        name = "/".join(parts)
        if name.casefold() in taken:
            name = f"{name}-{digest(key)[:12]}"
        taken.add(name.casefold())
        names[key] = name
    return names


def _begin(out: Path, plan: dict[str, object]) -> None:
    file = out / PLAN_FILE
    try:
        others = sorted(path.name for path in out.iterdir()) if out.exists() else []
        held = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{out}: is no folder to export into ({' '.join(str(error).split())[:120]})") from error
    if held is None and any(not name.startswith(f".{PLAN_FILE}") for name in others):
        raise UsageError(f"{out}: holds something else ({others[0]}); choose a new or an empty folder")
    if held is not None and held != plan:
        what = held.get("protocol") if isinstance(held, dict) else None
        raise UsageError(
            f"{out}: holds another export ({what or 'unknown'}: other pairs, data or --with-targets); choose another "
            "folder, or remove this one"
        )
    write_json(file, plan)


def _put_image(path: Path, make: Callable[[], Image], *, note: str) -> str:
    """Write an image unless it is there, whole; returns the sha256 of its file."""
    try:
        data = path.read_bytes()
        decode(data, where=str(path))
    except (OSError, ImageError):
        data = encode_png(make(), note=note)
        write_bytes(path, data, durable=False)
    return sha256_bytes(data)


def _rows(
    pairs: Sequence[Pair], image_of: dict[str, str], marked: dict[str, str], *, with_targets: bool
) -> list[tuple[str, ...]]:
    """Return header and rows of ``pairs.csv``: the columns that workers read, landmarks only where any are known."""
    header = ["pair_id", "source", "reference", *(["target"] if with_targets else [])]
    rows = []
    for pair in pairs:
        row = [pair.pair_id, image_of[pair.source], image_of[pair.reference]]
        row += [image_of[pair.target] if pair.target else ""] if with_targets else []
        row += [marked.get(pair.source, ""), marked.get(pair.reference, "")] if marked else []
        rows.append(tuple(row))
    return [(*header, *(("source_landmarks", "reference_landmarks") if marked else ())), *rows]


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
