"""What a clip's container says beside its frames: which stream is the video, how it is turned, whether it was cut."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Image
from dgbench.io.images import ImageError

#: Streams that hold a picture beside the video: attached cover, timed thumbnails, a still.
_NOT_VIDEO = 0x400 | 0x800 | 0x100000
#: Transfer curves of high dynamic range (PQ, HLG): read as 8-bit RGB they come out grey.
_HDR = (16, 18)
_TS_PACKETS = (188, 192, 204)
#: Containers whose header states how long the clip is, where no count of frames does.
_TIMED = ("matroska", "webm", "mov", "flv")


_FIRST_BOXES = ("ftyp", "mdat", "wide", "free", "skip", "moov")


class VideoError(ImageError):
    """A clip that is missing, damaged, truncated or holds no video; one failure, counted once for the clip."""


def video_stream(container: Any, path: Path) -> Any:
    """Return the stream that is the video: no attached picture, and of several the default one.

    Raises:
        VideoError: there is none, or no decoder knows it.
    """
    streams = [stream for stream in container.streams.video if not int(stream.disposition) & _NOT_VIDEO]
    if not streams:
        pictures = len(container.streams.video)
        raise VideoError(f"{path}: holds no video stream" + (f", only {pictures} attached picture(s)" * bool(pictures)))
    if len(streams) > 1:
        counts = dict.fromkeys((stream.index for stream in streams), 0)
        for packet in container.demux(streams):
            counts[packet.stream.index] += bool(packet.size)
        container.seek(0)
        moving = [stream for stream in streams if counts[stream.index] > 1]
        streams = sorted(moving or streams, key=lambda stream: not int(stream.disposition) & 1)
    if streams[0].codec_context is None:
        raise VideoError(f"{path}: holds a video stream that no decoder knows")
    return streams[0]


def orientation(frame: Any, path: Path) -> tuple[bool, bool, bool]:
    """Return how a frame is to be shown by its display matrix: (transposed, then mirrored, then upside down).

    Raises:
        VideoError: the matrix turns by another angle than quarter turns.
    """
    raw = next((bytes(data) for data in frame.side_data if data.type.name == "DISPLAYMATRIX"), None)
    if raw is None or len(raw) < 36:
        return False, False, False
    a, b, _, c, d, *_ = struct.unpack("=9i", raw[:36])
    # A point (x, y) is shown at (a x + c y, b x + d y).
    size = max(abs(value) for value in (a, b, c, d))
    straight, crossed = min(abs(a), abs(d)), min(abs(b), abs(c))
    if size == 0 or (straight > 0.99 * size and max(abs(b), abs(c)) < 0.01 * size):
        return False, a < 0, d < 0
    if crossed > 0.99 * size and max(abs(a), abs(d)) < 0.01 * size:
        return True, c < 0, b < 0
    raise VideoError(f"{path}: its display matrix turns it by no quarter turn; re-encode it upright")


def shown(frame: Any, path: Path, turn: tuple[bool, bool, bool]) -> Image:
    """Return a frame as uint8 HWC RGB, turned as it is to be shown.

    Raises:
        VideoError: the frame is damaged, or of high dynamic range.
    """
    if frame.is_corrupt:
        raise VideoError(f"{path}: a frame is damaged (the file is cut or overwritten); copy it again")
    if int(frame.color_trc) in _HDR:
        raise VideoError(f"{path}: high dynamic range (PQ or HLG) is refused; convert it to standard range first")
    transposed, mirrored, flipped = turn
    image: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
    if transposed:
        image = image.transpose(1, 0, 2)
    if mirrored:
        image = image[:, ::-1]
    if flipped:
        image = image[::-1]
    return np.ascontiguousarray(image)


def require_whole(container: Any, path: Path, *, end: float, step: float, frames: int) -> None:
    """Refuse a clip that ends before its container says, where no count of frames tells.

    Args:
        container: the open container.
        path: the file.
        end: when the last packet of any stream ends, in seconds from the start.
        step: seconds from frame to frame.
        frames: frames read.

    Raises:
        VideoError: it was cut off.
    """
    names = container.format.name.split(",")
    if "mpegts" in names and all(path.stat().st_size % size for size in _TS_PACKETS):
        raise VideoError(f"{path}: truncated, its last packet is incomplete ({frames} frames were read); copy it again")
    if not set(names) & set(_TIMED) or not container.duration:
        return
    declared = container.duration / 1e6
    if end < declared - max(2.5 * step, 0.05):
        raise VideoError(
            f"{path}: truncated, {frames} frames of {end:.2f} s were read and {declared:.2f} s are declared; "
            "copy it again"
        )


def require_index(path: Path) -> None:
    """Refuse an MP4 or MOV file whose index was cut off with its end, which decoders call by many names.

    Raises:
        VideoError: the outermost boxes are those of such a file, and none is a whole ``moov``.
    """
    boxes = _boxes(path)
    whole = [kind for kind, complete in boxes if complete]
    if boxes and boxes[0][0] in _FIRST_BOXES and "moov" not in whole:
        raise VideoError(f"{path}: index (moov) missing: file cut off, or still being written; copy it again")


def _boxes(path: Path, limit: int = 64) -> list[tuple[str, bool]]:
    """Return kind and completeness of a file's outermost boxes, as far as they follow one another."""
    kinds: list[tuple[str, bool]] = []
    try:
        with path.open("rb") as handle:
            length, place = os.fstat(handle.fileno()).st_size, 0
            while len(kinds) < limit and "moov" not in (kind for kind, _ in kinds):
                handle.seek(place)
                head = handle.read(16)
                if len(head) < 8 or not head[4:8].isalnum():
                    break
                size = int.from_bytes(head[:4], "big")
                if size == 1 and len(head) == 16:
                    size = int.from_bytes(head[8:16], "big")
                size = size or length - place  # 0 means: to the end of the file
                kinds.append((head[4:8].decode("ascii", "replace"), place + size <= length))
                if size < 8:
                    break
                place += size
    except OSError:
        return []
    return kinds
