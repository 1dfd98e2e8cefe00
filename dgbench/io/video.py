"""Frame-exact video by PyAV: a presentation-time table per clip, and one sequential decode for all frames wanted.

Frames are named by their position in presentation order, never by time: containers lie about their rate. The
container's own frame rate is therefore not even read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Image
from dgbench.io.images import MAX_PIXELS, MAX_SIDE, ImageError


class VideoError(ImageError):
    """A clip that is missing, damaged, truncated or holds no video; one failure, counted once for the clip."""


@dataclass(frozen=True)
class ClipTable:
    """What is known of a clip: size in pixels and the presentation time of each frame, in the stream's own unit."""

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
        packets = [packet for packet in container.demux(stream) if packet.size]
        times = [packet.pts for packet in packets if not packet.is_discard]
        promised = int(stream.frames or 0)
    if any(time is None for time in times) or len(set(times)) != len(times):
        times = _times_by_decoding(path)
    if not times:
        raise VideoError(f"{path}: holds no frame; copy it again")
    if promised > len(packets):
        raise VideoError(f"{path}: truncated, {len(packets)} of {promised} frames are there; copy it again")
    return ClipTable(width, height, np.array(sorted(times), dtype=np.int64))


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
    with _open(path) as (container, stream):
        for count, frame in enumerate(container.decode(stream)):
            position = count if frame.pts is None else place.get(int(frame.pts))
            if position is None:
                raise VideoError(f"{path}: the decoder gives a frame at {frame.pts} that no packet announced")
            if position in wanted:
                wanted.discard(position)
                yield position, np.ascontiguousarray(frame.to_ndarray(format="rgb24"))
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


class _open:  # noqa: N801
    """Open a clip's first video stream with one decoding thread; FFmpeg's errors leave as :class:`VideoError`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self):  # type: ignore[no-untyped-def]  # PyAV's classes are not typed for strict use
        import av

        if not self.path.is_file():
            raise VideoError(f"{self.path}: no such video", kind="missing")
        try:
            # Tags in odd encodings are nobody's reason to lose a clip.
            self.container = av.open(str(self.path), options=_ONLY_CLIPS, metadata_errors="replace")
        except av.FFmpegError as error:
            raise self._explain(error) from error
        if not self.container.streams.video:
            self.container.close()
            raise VideoError(f"{self.path}: holds no video stream")
        stream = self.container.streams.video[0]
        if stream.codec_context is None:
            self.container.close()
            raise VideoError(f"{self.path}: holds a video stream that no decoder knows")
        stream.thread_count = 1
        return self.container, stream

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        import av

        self.container.close()
        if isinstance(error, av.FFmpegError):
            raise self._explain(error) from error

    def _explain(self, error: Exception) -> VideoError:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return VideoError(f"{self.path}: damaged or truncated video ({reason}); copy it again")
