from __future__ import annotations

import os
import time
from pathlib import Path

import av
import numpy as np
import pytest

from dgbench.core.errors import WorkFailedError
from dgbench.core.face import Image
from dgbench.io.clip_tables import ClipTables
from dgbench.io.video import ClipTable, VideoError, decode_frames, read_table, write_video


def numbered(count: int, *, size: int = 64) -> list[Image]:
    """Frames that carry their number as an 8-bit pattern of black and white bars: readable after H.264."""
    frames = []
    for number in range(count):
        image = np.zeros((size, size, 3), np.uint8)
        for bit in range(8):
            if number >> bit & 1:
                image[:, bit * size // 8 : (bit + 1) * size // 8] = 255
        frames.append(image)
    return frames


def number_of(image: Image) -> int:
    width = image.shape[1] // 8
    return sum(1 << bit for bit in range(8) if image[:, bit * width + 2 : (bit + 1) * width - 2].mean() > 127)


def _write_gop(path: Path, frames: list[Image], *, options: dict[str, str], rate: int, faststart: bool = False) -> None:
    with av.open(str(path), "w", options={"movflags": "faststart"} if faststart else {}) as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = frames[0].shape[1], frames[0].shape[0], "yuv420p"
        stream.options = {"crf": "10", **options}
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("rate", "options"), [(10, {"g": "12"}), (25, {"g": "50", "bf": "3"}), (30, {"g": "250", "bf": "2"})]
)
def test_positions_are_frame_exact_for_any_subset(tmp_path: Path, rate: int, options: dict[str, str]) -> None:
    path = tmp_path / "a#b.mp4"
    _write_gop(path, numbered(90), options=options, rate=rate)
    table = read_table(path)
    assert table.n_frames == 90 and (table.width, table.height) == (64, 64)
    assert [number_of(image) for _, image in decode_frames(path)] == list(range(90))
    rng = np.random.default_rng(0)
    for _ in range(5):
        wanted = sorted(int(i) for i in rng.choice(90, size=4, replace=False))
        found = list(decode_frames(path, wanted, table=table))
        assert [position for position, _ in found] == wanted
        assert [number_of(image) for _, image in found] == wanted


def test_our_own_writer_is_read_back(tmp_path: Path) -> None:
    write_video(tmp_path / "x.mp4", numbered(20), fps=10)
    assert [number_of(image) for _, image in decode_frames(tmp_path / "x.mp4")] == list(range(20))


def test_bad_clips_are_one_error_each(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    _write_gop(path, numbered(60), options={"g": "10"}, rate=25, faststart=True)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * 0.6)])
    with pytest.raises(VideoError, match=r"truncated, .* of 60 frames|damaged or truncated"):
        read_table(path)
    path.write_bytes(whole[:40])
    with pytest.raises(VideoError, match=r"index .moov. missing: file cut off"):
        read_table(path)
    path.write_bytes(b"")
    with pytest.raises(VideoError):
        read_table(path)
    with pytest.raises(VideoError, match="no such video"):
        read_table(tmp_path / "none.mp4")


def test_a_position_outside_the_clip_is_refused(tmp_path: Path) -> None:
    write_video(tmp_path / "x.mp4", numbered(5))
    with pytest.raises(VideoError, match="no frame 5, the clip has 5"):
        list(decode_frames(tmp_path / "x.mp4", [5]))


def test_tables_are_cached_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, cache = tmp_path / "data", tmp_path / "cache"
    write_video(root / "good.mp4", numbered(6))
    (root / "bad.mp4").write_bytes(b"not a video")
    first = ClipTables(root, cache=cache).read(["good.mp4", "bad.mp4", "good.mp4"])
    assert isinstance(first["good.mp4"], ClipTable) and first["good.mp4"].n_frames == 6
    assert isinstance(first["bad.mp4"], VideoError)
    with monkeypatch.context() as patch:
        patch.setattr("dgbench.io.clip_tables.read_table", lambda path: pytest.fail(f"read {path} again"))
        again = ClipTables(root, cache=cache).read(["good.mp4"])
    assert again["good.mp4"].n_frames == 6
    write_video(root / "bad.mp4", numbered(3))
    assert ClipTables(root, cache=cache).read(["bad.mp4"])["bad.mp4"].n_frames == 3
    write_video(root / "good.mp4", numbered(8))
    os.utime(root / "good.mp4", ns=(1, 1))
    assert ClipTables(root, cache=cache).read(["good.mp4"])["good.mp4"].n_frames == 8
    next(cache.iterdir()).write_bytes(b"damaged cache")
    assert ClipTables(root, cache=cache).read(["good.mp4"])["good.mp4"].n_frames == 8


def test_real_clips(assets: Path) -> None:
    for path in sorted((assets / "grid").glob("*.mpg")):
        table = read_table(path)
        assert (table.n_frames, table.width, table.height) == (75, 360, 288)
    (position, image), *_ = decode_frames(path, [40], table=table)
    assert position == 40 and image.shape == (288, 360, 3) and image.std() > 20


def test_a_cache_that_cannot_be_written_costs_time_and_not_results(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_video(tmp_path / "data/a.mp4", numbered(4))
    (tmp_path / "cache").write_bytes(b"a file where the folder should be")
    found = ClipTables(tmp_path / "data", cache=tmp_path / "cache").read(["a.mp4"])
    assert isinstance(found["a.mp4"], ClipTable) and found["a.mp4"].n_frames == 4
    assert "clip tables are not kept" in caplog.text


def test_a_full_disk_ends_no_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise WorkFailedError(f"{path}: no space left")

    write_video(tmp_path / "data/a.mp4", numbered(4))
    monkeypatch.setattr("dgbench.io.clip_tables.write_bytes", full)
    assert isinstance(ClipTables(tmp_path / "data", cache=tmp_path / "cache").read(["a.mp4"])["a.mp4"], ClipTable)
    assert "no space left" in caplog.text


@pytest.mark.parametrize("keep_s", [0.0, 1e9])
def test_what_was_read_before_a_stop_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep_s: float
) -> None:
    root, cache, read = tmp_path / "data", tmp_path / "cache", list[str]()
    names = [f"{number:02}.mp4" for number in range(20)]
    write_video(root / names[0], numbered(4))
    for name in names[1:]:
        (root / name).write_bytes((root / names[0]).read_bytes())

    def kept() -> set[str]:
        return set(ClipTables(root, cache=cache)._known)

    def stopped(path: Path) -> ClipTable:
        read.append(path.name)
        if path.name == names[5]:
            for _ in range(200 if keep_s == 0.0 else 0):  # kept on the way: a killed process would leave it
                if kept() >= set(names[:4]):
                    break
                time.sleep(0.05)
            else:
                assert keep_s > 0, "nothing was kept before the stop"
            raise KeyboardInterrupt
        time.sleep(0.05)
        return read_table(path)

    monkeypatch.setattr("dgbench.io.clip_tables._KEEP_S", keep_s)
    with monkeypatch.context() as patch:
        patch.setattr("dgbench.io.clip_tables.read_table", stopped)
        with pytest.raises(KeyboardInterrupt):
            ClipTables(root, cache=cache).read(names, workers=1)
    assert len(read) < len(names), "no clip is begun after the stop"
    assert kept() >= set(names[:4])
