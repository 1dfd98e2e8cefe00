"""The training images of a protocol in the layouts that the authors' loaders read: frames, or strips of frames."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from dgbench.core.face import Image
from dgbench.io.atomic import write_bytes, write_json
from dgbench.training.dg.frames import FrameSource, TrainingRow

Layout = Literal["frames", "strips"]
ABOUT = "about.json"


@dataclass(frozen=True)
class Exported:
    """What was exported: folder, people, images, and the digest of all pixels with the names they lie under."""

    folder: Path
    people: tuple[str, ...]
    images: int
    sha256: str


def export_images(
    source: FrameSource,
    rows: Sequence[TrainingRow],
    *,
    out: Path,
    layout: Layout,
    size: int,
    progress: Callable[[int, int], None] | None = None,
) -> Exported:
    """Write the images of ``rows`` at ``size`` pixels below ``out``/train, a clip per person and moment.

    ``frames``: a folder of PNG files per clip; ``strips``: one PNG per clip, its frames side by side. Two images of
    a clip are what a method learns from as source and driving frame, so a clip of one image is left out. An empty
    folder ``test`` lies beside ``train``: the loaders want one.
    """
    clips: dict[str, list[TrainingRow]] = {}
    for row in rows:
        clips.setdefault(_name(row.subject, row.moment), []).append(row)
    clips = {name: shown for name, shown in sorted(clips.items()) if len(shown) > 1}
    total, done, hasher = sum(map(len, clips.values())), 0, hashlib.sha256()
    shutil.rmtree(out / "train", ignore_errors=True)  # the loaders take every file that lies there
    (out / "train").mkdir(parents=True)
    (out / "test").mkdir(exist_ok=True)
    for name, shown in clips.items():
        images = [_at(source.image(row.key), size) for row in sorted(shown, key=lambda row: row.key)]
        for image in images:
            hasher.update(name.encode() + b"\0" + image.tobytes())
        if layout == "strips":
            _write_png(out / "train" / f"{name}.png", np.concatenate(images, axis=1))
        else:
            (out / "train" / name).mkdir(exist_ok=True)
            for number, image in enumerate(images):
                _write_png(out / "train" / name / f"{number:05d}.png", image)
        done += len(images)
        if progress is not None:
            progress(done, total)
    people = tuple(sorted({row.subject for shown in clips.values() for row in shown}))
    made = Exported(folder=out, people=people, images=total, sha256=hasher.hexdigest())
    write_json(out / ABOUT, {"layout": layout, "size": size, "images": total, "people": people, "sha256": made.sha256})
    return made


def _name(subject: str, moment: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9]+", "-", f"{subject} {moment}".strip())
    # '#' would mean a part of a person's clips to two of the loaders; a digest keeps odd names apart.
    return plain if plain == f"{subject} {moment}".strip() else f"{plain}-{_digest(subject, moment)}"


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:8]


def _at(image: Image, size: int) -> Image:
    if image.shape[0] == size:
        return image
    kernel = cv2.INTER_AREA if image.shape[0] > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (size, size), interpolation=kernel))


def _write_png(path: Path, image: Image) -> None:
    _, encoded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    write_bytes(path, encoded.tobytes())
