from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from dgbench.io.strips import strip_frames, strip_table
from dgbench.io.video import VideoError


def _strip(path: Path, count: int, *, side: int = 8) -> list[np.ndarray]:
    frames = [np.full((side, side, 3), 10 * i, np.uint8) for i in range(count)]
    Pillow.fromarray(np.hstack(frames)).save(path)
    return frames


def test_frames_of_a_strip_are_its_squares_from_left_to_right(tmp_path: Path) -> None:
    frames = _strip(tmp_path / "a#b.png", 7)
    assert strip_table(tmp_path / "a#b.png").n_frames == 7
    for position, image in strip_frames(tmp_path / "a#b.png"):
        np.testing.assert_array_equal(image, frames[position])
    assert [position for position, _ in strip_frames(tmp_path / "a#b.png", [5, 0])] == [0, 5]


def test_bad_strips_are_refused(tmp_path: Path) -> None:
    _strip(tmp_path / "a.png", 3)
    with pytest.raises(VideoError, match="no frame 3"):
        list(strip_frames(tmp_path / "a.png", [3]))
    Pillow.fromarray(np.zeros((8, 20, 3), np.uint8)).save(tmp_path / "b.png")
    with pytest.raises(VideoError, match="no row of square frames"):
        strip_table(tmp_path / "b.png")
    (tmp_path / "c.png").write_bytes((tmp_path / "a.png").read_bytes()[:20])
    with pytest.raises(VideoError, match="not a readable image strip"):
        strip_table(tmp_path / "c.png")
