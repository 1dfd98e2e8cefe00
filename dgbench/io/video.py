"""Frame-exact video by PyAV: a presentation-time table per clip, and one sequential decode for all frames wanted.

Frames are named by their position in presentation order, never by time: containers lie about their rate. The
container's own frame rate is therefore not even read.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Image
from dgbench.io.images import MAX_PIXELS, MAX_SIDE
from dgbench.io.video_container import (
    VideoError,
    orientation,
    require_index,
    require_whole,
    shown,
    video_stream,
)

__all__ = ["ClipTable", "VideoError", "decode_frames", "decoder_name", "read_table", "write_video"]


@dataclass(frozen=True)
class ClipTable:
    """What is known of a clip: size in pixels as shown, and each frame's presentation time in the stream's own unit."""

    width: int
    height: int
    pts: NDArray[np.int64]

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.pts)


def decoder_name() -> str:
    """Return name and version of the decoder, for the record: decoders differ by grey levels."""
    import av

    codec = av.library_versions.get("libavcodec", ())
    return f"pyav {av.__version__}, libavcodec {'.'.join(map(str, codec))}"


def read_table(path: Path) -> ClipTable:
    """Read the table of a clip from its packets; where they carry no times, by decoding it once.

    Raises:
        VideoError: missing, not a video, damaged, or fewer frames than its header promises.
    """
    with _open(path) as (container, stream):
        width, height = stream.codec_context.width, stream.codec_context.height
        if not 0 < max(width, height) <= MAX_SIDE or width * height > MAX_PIXELS:
            raise VideoError(f"{path}: frames of {width}x{height} px are refused")
        times: list[int | None] = []
        count, end = 0, 0.0
        for packet in container.demux():
            if packet.size and packet.stream.type in ("video", "audio"):
                end = max(end, _end_of(packet, container.start_time))
            if packet.size and packet.stream.index == stream.index:
                count += 1
                if not packet.is_discard:
                    times.append(packet.pts)
        promised = int(stream.frames or 0)
        if promised > count:
            raise VideoError(f"{path}: truncated, {count} of {promised} frames are there; copy it again")
        if not promised and count:
            require_whole(container, path, end=end, step=end / count, frames=count)
    if any(time is None for time in times) or len(set(times)) != len(times):
        times = list(_times_by_decoding(path))
    if not times:
        raise VideoError(f"{path}: holds no frame; copy it again")
    if _is_transposed(path):
        width, height = height, width
    return ClipTable(width, height, np.array(sorted(time for time in times if time is not None), dtype=np.int64))


def decode_frames(
    path: Path, positions: Collection[int] | None = None, *, table: ClipTable | None = None
) -> Iterator[tuple[int, Image]]:
    """Yield (position, uint8 HWC RGB) for the positions wanted (all by default), in order, decoding once.

    Raises:
        VideoError: the clip cannot be decoded that far, a position lies outside it, or the decoder gives a frame
            that the table does not know.
    """
    table = table or read_table(path)
    wanted = set(range(table.n_frames)) if positions is None else set(positions)
    outside = sorted(position for position in wanted if not 0 <= position < table.n_frames)
    if outside:
        raise VideoError(f"{path}: no frame {outside[0]}, the clip has {table.n_frames}", kind="missing")
    place = {int(time): position for position, time in enumerate(table.pts)}
    last = max(wanted, default=-1)
    turn: tuple[bool, bool, bool] | None = None
    with _open(path) as (container, stream):
        for count, frame in enumerate(container.decode(stream)):
            position = count if frame.pts is None else place.get(int(frame.pts))
            if position is None:
                raise VideoError(f"{path}: the decoder gives a frame at {frame.pts} that no packet announced")
            turn = orientation(frame, path) if turn is None else turn
            if position in wanted:
                wanted.discard(position)
                yield position, shown(frame, path, turn)
            if not wanted or position > last:
                break
    if wanted:
        raise VideoError(f"{path}: decoding ended before frame {min(wanted)} of {table.n_frames}; copy it again")


def write_video(path: Path, frames: Collection[Image], *, fps: int = 25, quality: int = 18) -> None:
    """Write frames as H.264 (4:2:0, lossy) at ``fps``, atomically; sides must be even.

    Raises:
        ValueError: no frames, or odd sides.
    """
    import io

    import av

    from dgbench.io.atomic import write_bytes

    if not frames:
        raise ValueError("a video needs at least one frame")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        height, width = next(iter(frames)).shape[:2]
        if height % 2 or width % 2:
            raise ValueError(f"H.264 4:2:0 needs even sides, got {width}x{height}")
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": str(quality), "threads": "1"}
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    write_bytes(path, buffer.getvalue())


def _is_transposed(path: Path) -> bool:
    """Whether the clip is shown with its sides exchanged: frames carry the display matrix, packets do not."""
    with _open(path) as (container, stream):
        frame = next(iter(container.decode(stream)), None)
        return frame is not None and orientation(frame, path)[0]


def _end_of(packet: Any, start: int | None) -> float:
    """Return when a packet ends, in seconds from the clip's start."""
    begin = packet.pts if packet.pts is not None else packet.dts
    if begin is None:
        return 0.0
    return float((begin + (packet.duration or 0)) * packet.time_base) - (start or 0) / 1e6


def _times_by_decoding(path: Path) -> list[int]:
    with _open(path) as (container, stream):
        times = [frame.pts for frame in container.decode(stream)]
    if any(time is None for time in times) or len(set(times)) != len(times):
        return list(range(len(times)))
    return [int(time) for time in times if time is not None]


#: A playlist under a clip's name could make FFmpeg open other files or addresses: only clips are read, and only here.
_ONLY_CLIPS = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,flv,asf",
}


#: What the system, and not the file, is to blame for.
_SYSTEM = (errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE, errno.ENOENT)


class _open:  # noqa: N801
    """Open a clip's video stream with one decoding thread; FFmpeg's errors leave as :class:`VideoError`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self):  # type: ignore[no-untyped-def]  # PyAV's classes are not typed for strict use
        import av

        if not self.path.is_file():
            raise VideoError(f"{self.path}: no such video", kind="missing")
        require_index(self.path)
        try:
            # Tags in odd encodings are nobody's reason to lose a clip.
            self.container = av.open(str(self.path), options=_ONLY_CLIPS, metadata_errors="replace")
        except av.FFmpegError as error:
            raise self._explain(error) from error
        try:
            stream = video_stream(self.container, self.path)
        except av.FFmpegError as error:
            self.container.close()
            raise self._explain(error) from error
        except VideoError:
            self.container.close()
            raise
        stream.thread_count = 1
        return self.container, stream

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        import av

        self.container.close()
        if isinstance(error, av.FFmpegError):
            raise self._explain(error) from error

    def _explain(self, error: Exception) -> VideoError:
        reason = getattr(error, "strerror", None) or type(error).__name__
        if getattr(error, "errno", None) in _SYSTEM:
            return VideoError(f"{self.path}: cannot be read ({reason})")
        return VideoError(f"{self.path}: damaged or truncated video ({reason}); copy it again")
