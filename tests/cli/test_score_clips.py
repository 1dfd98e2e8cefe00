"""``dgbench score-clips`` as a user types it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dgbench.io.images import write_png

Dgbench = Callable[..., "subprocess.CompletedProcess[str]"]


def clip(folder: Path, count: int) -> None:
    for number in range(count):
        write_png(folder / f"{number}.png", np.full((64, 64, 3), 40 * number, np.uint8))


@pytest.mark.slow
def test_clips_without_a_face_score_the_cap_and_say_why(dgbench: Dgbench, tmp_path: Path) -> None:
    clip(tmp_path / "real" / "id1" / "a", 4)
    clip(tmp_path / "made" / "id1" / "a", 3)
    done = dgbench("score-clips", tmp_path / "made", tmp_path / "real", "--json")
    assert done.returncode == 0, done.stderr
    (value,) = json.loads(done.stdout)["metrics"]
    assert (value["name"], value["value"], value["failures"]) == ("jitter", 1.0, {"no-face": 1})
    shown = dgbench("score-clips", tmp_path / "made", tmp_path / "real").stdout
    assert "jitter" in shown and "0/1, 1 no-face" in shown


def test_wrong_use_is_one_line(dgbench: Dgbench, tmp_path: Path) -> None:
    clip(tmp_path / "real" / "a", 3)
    for code, arguments, words in (
        (3, (tmp_path / "none", tmp_path / "real"), "no such folder"),
        (2, (tmp_path / "real", tmp_path / "real", "--metric", "shake"), "unknown clip metric 'shake'"),
        (2, (tmp_path / "real", tmp_path / "real", "--judges", "mine"), "choose one of"),
        (3, (tmp_path / "real", tmp_path / "real", "--metric", "fvd", "--weights", tmp_path), "fvd.onnx"),
    ):
        done = dgbench("score-clips", *arguments)
        assert done.returncode == code, done.stderr
        assert words in done.stderr and done.stderr.count("\n") == 1
