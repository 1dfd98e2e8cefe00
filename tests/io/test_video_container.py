"""Clips that say more than their frames: turned, with a cover, cut off, of high range; each read right or told."""

from __future__ import annotations

import errno
import itertools
import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from dgbench.core.face import Image
from dgbench.io.clip_tables import ClipTables
from dgbench.io.video import ClipTable, VideoError, decode_frames, read_table

WIDTH, HEIGHT = 96, 64


def _picture(number: int) -> Image:
    """Four quarters of different grey, and a stripe that moves: no turn or flip leaves it as it is."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for value, (row, column) in zip((30, 90, 150, 220), itertools.product((0, 1), (0, 1)), strict=True):
        image[row * 32 : row * 32 + 32, column * 48 : column * 48 + 48] = value
    image[:, 2 + number : 4 + number] = 255
    return image


def _write(
    path: Path, *, matrix: tuple[int, ...] | None = None, cover: str = "", frames: int = 12, codec: str = "libx264"
) -> Path:
    options = {"movflags": "+faststart"} if "fast" in path.name else {}
    with av.open(str(path), "w", options=options) as container:
        if cover:
            picture = container.add_stream(cover, rate=1)
            picture.width, picture.height, picture.pix_fmt = 32, 32, "yuvj420p" if cover == "mjpeg" else "rgb24"
            picture.disposition = av.stream.Disposition.attached_pic
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv444p"
        stream.options = {"crf": "1", "threads": "1"}
        if matrix:
            stream.set_display_matrix(matrix)
        if cover:
            still = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 77, np.uint8), format="rgb24")
            container.mux(picture.encode(still))
            container.mux(picture.encode(None))
        for number in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(_picture(number), format="rgb24")))
        container.mux(stream.encode(None))
    return path


_ONE = 1 << 16


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [
        ((_ONE, 0, 0, _ONE), lambda i: i),
        ((0, _ONE, -_ONE, 0), lambda i: np.rot90(i, -1)),  # a quarter turn clockwise
        ((0, -_ONE, _ONE, 0), lambda i: np.rot90(i, 1)),
        ((-_ONE, 0, 0, -_ONE), lambda i: np.rot90(i, 2)),
        ((-_ONE, 0, 0, _ONE), lambda i: i[:, ::-1]),
        ((_ONE, 0, 0, -_ONE), lambda i: i[::-1]),
        ((0, _ONE, _ONE, 0), lambda i: i.transpose(1, 0, 2)),
    ],
)
def test_display_matrices_are_applied(tmp_path: Path, matrix: tuple[int, ...], shown) -> None:
    a, b, c, d = matrix
    path = _write(tmp_path / "a.mp4", matrix=(a, b, 0, c, d, 0, 0, 0, 1 << 30))
    table = read_table(path)
    expected = shown(_picture(5))
    assert (table.height, table.width, table.n_frames) == (*expected.shape[:2], 12)
    ((_, image),) = decode_frames(path, [5])
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).mean() < 4


def test_another_angle_is_refused(tmp_path: Path) -> None:
    half = round(_ONE * 0.7071)
    path = _write(tmp_path / "a.mp4", matrix=(half, half, 0, -half, half, 0, 0, 0, 1 << 30))
    with pytest.raises(VideoError, match="no quarter turn"):
        list(decode_frames(path))


@pytest.mark.parametrize(("cover", "name"), [("mjpeg", "a.mp4"), ("png", "a.mp4"), ("mjpeg", "a.mkv")])
def test_an_attached_picture_is_not_the_video(tmp_path: Path, cover: str, name: str) -> None:
    path = _write(tmp_path / name, cover=cover)
    table = read_table(path)
    assert (table.width, table.height, table.n_frames) == (WIDTH, HEIGHT, 12)
    assert np.abs(next(iter(decode_frames(path, [3])))[1].astype(int) - _picture(3)).mean() < 4


def test_a_picture_that_no_flag_marks_is_not_the_video_either(tmp_path: Path) -> None:
    path = tmp_path / "a.mov"
    with av.open(str(path), "w") as container:
        still, moving = container.add_stream("mjpeg", rate=25), container.add_stream("libx264", rate=25)
        for stream, size, kind in ((still, 32, "yuvj420p"), (moving, 64, "yuv420p")):
            stream.width, stream.height, stream.pix_fmt = size, size, kind
        container.mux(still.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        container.mux(still.encode(None))
        for _ in range(5):
            container.mux(moving.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        container.mux(moving.encode(None))
    assert (read_table(path).width, read_table(path).n_frames) == (64, 5)


def _cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


@pytest.mark.parametrize(
    ("name", "share", "said"),
    [
        ("a.mp4", 0.7, r"index \(moov\) missing: file cut off"),
        ("a.mov", 0.99, r"index \(moov\) missing: file cut off"),
        ("fast.mp4", 0.7, "truncated"),
        ("a.mkv", 0.7, r"truncated, [0-9]+ frames of [0-9.]+ s were read and 2.00 s are declared"),
        ("a.webm", 0.5, r"truncated, [0-9]+ frames of"),
        ("a.ts", 0.7, "its last packet is incomplete"),
        ("a.avi", 0.7, "truncated"),
        ("a.flv", 0.7, "truncated"),
    ],
)
def test_cut_files_are_told(tmp_path: Path, name: str, share: float, said: str) -> None:
    codec = "libvpx-vp9" if name.endswith("webm") else "libx264"
    path = _write(tmp_path / name, frames=50, codec=codec)
    assert read_table(path).n_frames == 50
    _cut(path, share)
    with pytest.raises(VideoError, match=said):
        read_table(path)


def test_a_file_that_is_no_video_is_not_called_cut(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video at all, only text")
    with pytest.raises(VideoError, match="damaged or truncated video"):
        read_table(tmp_path / "a.mp4")


def test_high_dynamic_range_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"x264-params": "transfer=smpte2084:colorprim=bt2020:colormatrix=bt2020nc"}
        container.mux(stream.encode(av.VideoFrame.from_ndarray(_picture(0), format="rgb24")))
        container.mux(stream.encode(None))
    with pytest.raises(VideoError, match="high dynamic range"):
        list(decode_frames(path))


def test_a_clip_that_was_mended_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "data"
    root.mkdir()
    _write(root / "a.mp4")
    with monkeypatch.context() as patch:  # rights are mended without a trace in size and time
        denied = av.error.PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        def deny(*_: object, **__: object) -> None:
            raise denied

        patch.setattr(av, "open", deny)
        tables = ClipTables(root, cache=tmp_path / "cache")
        found = tables.read(["a.mp4"])["a.mp4"]
        assert isinstance(found, VideoError) and "cannot be read (Permission denied)" in str(found)
    assert isinstance(tables.read(["a.mp4"])["a.mp4"], ClipTable)
    assert isinstance(ClipTables(root, cache=tmp_path / "cache").read(["a.mp4"])["a.mp4"], ClipTable)
