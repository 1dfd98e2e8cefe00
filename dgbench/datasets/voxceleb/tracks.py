"""VoxCeleb's face tracks: one text file per utterance, with boxes in one of three units."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dgbench.core.errors import UsageError
from dgbench.io.delimited import number, whole_number

BoxSpace = Literal["pixels", "h360", "unit"]
_MAX_BYTES = 1 << 24


@dataclass(frozen=True)
class Track:
    """One face track.

    Attributes:
        head: the keys before the table, as written (``Identity``, ``Reference``, ``Offset``, ``FV Conf``, …).
        frames: int64 (N,) index into the video resampled to 25 fps.
        boxes: float64 (N, 4) left, top, width, height as written.
        space: ``h360``: pixels of the video scaled to height 360 (VoxCeleb1); ``unit``: shares of width and height
            (VoxCeleb2); ``pixels``: pixels of the video itself, where the caller knows that they are.
    """

    head: dict[str, str]
    frames: NDArray[np.int64]
    boxes: NDArray[np.float64]
    space: BoxSpace

    def to_pixels(self, *, width: int, height: int) -> NDArray[np.float64]:
        """Return (N, 4) left, top, right, bottom in pixels of a ``width`` x ``height`` video, half-open."""
        if self.space == "h360":
            scale = np.full(4, height / 360)
        elif self.space == "unit":
            scale = np.array([width, height, width, height], dtype=np.float64)
        else:
            scale = np.ones(4)
        scaled = self.boxes * scale
        return np.hstack([scaled[:, :2], scaled[:, :2] + scaled[:, 2:]])


def read_track(path: Path, *, space: BoxSpace | None = None) -> Track:
    """Read one track file.

    Args:
        path: ``txt/ID/VIDEO/UTTERANCE.txt``.
        space: unit of the boxes; by default a value with a decimal point means ``unit``, none means ``h360``.

    Raises:
        UsageError: the file cannot be read, holds no table ``FRAME X Y W H``, or a row is no track row.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UsageError(f"{path}: over {_MAX_BYTES >> 20} MiB; not a track file")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the track cannot be read ({' '.join(str(error).split())[:120]})") from error
    start = next((i for i, line in enumerate(lines) if line.split() == ["FRAME", "X", "Y", "W", "H"]), None)
    if start is None:
        raise UsageError(f"{path}: no line 'FRAME X Y W H'; not a VoxCeleb track file")
    head = {}
    for line in lines[:start]:
        key, _, value = line.partition(":")
        if key.strip():
            head[key.strip()] = value.strip()
    cells = [line.split() for line in lines[start + 1 :] if line.strip()]
    try:
        frames = np.array([whole_number(row[0]) for row in cells], dtype=np.int64)
        boxes = np.array([[number(value) for value in row[1:]] for row in cells], dtype=np.float64).reshape(-1, 4)
        if len(frames) != len(boxes) or not np.isfinite(boxes).all():
            raise ValueError("a row has no four finite numbers")
    except (ValueError, IndexError, OverflowError) as error:
        raise UsageError(f"{path}: not a track table ({' '.join(str(error).split())[:120]})") from error
    guessed: BoxSpace = "unit" if any("." in value for row in cells for value in row[1:]) else "h360"
    return Track(head, frames, boxes, space or guessed)
