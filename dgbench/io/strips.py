"""Strips: the frames of a clip side by side in one image, as many as its height goes into its width."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from dgbench.core.face import Image
from dgbench.io.images import FORMATS, MAX_PIXELS, ImageError, decode
from dgbench.io.video import ClipTable, VideoError

#: A strip is wider than any single image that is accepted: some 2,000 frames of 256 px.
_MAX_PIXELS = 2 * MAX_PIXELS
_MAX_WIDTH = 1 << 20


def strip_table(path: Path) -> ClipTable:
    """Return the table of a strip, from its header alone.

    Raises:
        VideoError: not an image, or its width is no multiple of its height.
    """
    try:
        with Pillow.open(path, formats=FORMATS) as picture:
            width, height = picture.size
    except (OSError, UnidentifiedImageError, Pillow.DecompressionBombError) as error:
        raise VideoError(f"{path}: not a readable image strip; copy it again") from error
    if width % height or width * height > _MAX_PIXELS or width > _MAX_WIDTH:
        raise VideoError(f"{path}: {width}x{height} is no row of square frames")
    return ClipTable(height, height, np.arange(width // height, dtype=np.int64))


def strip_frames(path: Path, positions: Collection[int] | None = None) -> Iterator[tuple[int, Image]]:
    """Yield (position, uint8 HWC RGB) of the frames wanted (all by default), in order.

    Raises:
        VideoError: not a strip, damaged, or a position lies outside it.
    """
    table = strip_table(path)
    wanted = range(table.n_frames) if positions is None else sorted(set(positions))
    try:
        whole = decode(path.read_bytes(), where=str(path), max_side=_MAX_WIDTH, max_pixels=_MAX_PIXELS)
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror or error})") from error
    side = table.height
    if whole.shape[:2] != (side, side * table.n_frames):
        raise ImageError(f"{path}: its EXIF turns it, and a strip runs from left to right; save it upright")
    for position in wanted:
        if not 0 <= position < table.n_frames:
            raise VideoError(f"{path}: no frame {position}, the strip has {table.n_frames}", kind="missing")
        yield position, np.ascontiguousarray(whole[:, position * side : (position + 1) * side])
