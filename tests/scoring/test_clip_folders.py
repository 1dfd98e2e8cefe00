"""Two folders of clips: paired by name, failures counted where the method left something out, bad input refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes import FakeJudges, face_image

from dgbench.core.errors import MissingError, UsageError
from dgbench.core.face import Failure
from dgbench.io.images import write_png
from dgbench.io.video import write_video
from dgbench.scoring.clip_folders import clips_in_folders
from dgbench.scoring.clips import score_clips


def frames(folder: Path, first: int, count: int = 5) -> Path:
    for number in range(count):
        write_png(folder / f"{number:04d}.png", face_image(first + number))
    return folder


def loaded(generated: Path, real: Path) -> dict:
    return {clip.clip_id: clip.load() for clip in clips_in_folders(generated, real)}


def test_folders_of_frames_are_clips_of_the_person_whose_folder_they_lie_in(tmp_path):
    for person in ("id1", "id2"):
        for clip in ("a", "b"):
            frames(tmp_path / "real" / person / clip, 3)
            frames(tmp_path / "made" / person / clip, 3)
    frames(tmp_path / "made" / "id9" / "extra", 3)
    clips = clips_in_folders(tmp_path / "made", tmp_path / "real")
    assert [(c.clip_id, c.source_identity, c.reference_identity) for c in clips] == [
        (f"{person}/{clip}", person, person) for person in ("id1", "id2") for clip in ("a", "b")
    ]
    (value,) = score_clips(clips, judges=FakeJudges(), draws=20)
    assert (value.value, value.n_expected, value.n_scored) == (0.0, 4, 4)
    assert value.interval is not None


def test_videos_pair_with_videos_of_another_container_and_with_frames(tmp_path):
    pictures = [np.kron(face_image(n), np.ones((2, 2, 1), np.uint8)) for n in range(1, 5)]
    write_video(tmp_path / "real" / "a.mp4", pictures)
    write_video(tmp_path / "made" / "a.mov", pictures)
    write_video(tmp_path / "real" / "b.mp4", pictures)
    for number, picture in enumerate(pictures):
        write_png(tmp_path / "made" / "b" / f"{number}.png", picture)
    for made, real in loaded(tmp_path / "made", tmp_path / "real").values():
        assert len(made) == len(real) == 4
        assert all(np.abs(one.astype(int) - other).mean() < 20 for one, other in zip(made, real, strict=True))


def test_what_was_not_generated_is_a_failure_of_its_kind(tmp_path):
    for clip in "abcd":
        frames(tmp_path / "real" / clip, 1)
    frames(tmp_path / "made" / "b", 1, count=3)
    frames(tmp_path / "made" / "c", 1)
    write_png(tmp_path / "made" / "c" / "0001.png", face_image(1, size=40))
    (tmp_path / "made" / "c" / "0002.png").write_bytes(b"no picture")
    (tmp_path / "made" / "d.mp4").write_bytes(b"no video")
    kinds = {
        name: [frame.kind if isinstance(frame, Failure) else "" for frame in made]
        for name, (made, _) in loaded(tmp_path / "made", tmp_path / "real").items()
    }
    assert kinds == {
        "a": ["missing"] * 5,
        "b": ["", "", "", "missing", "missing"],
        "c": ["", "wrong-size", "unreadable", "", ""],
        "d": ["unreadable"] * 5,
    }


def test_bad_folders_are_said_in_one_line(tmp_path):
    with pytest.raises(MissingError, match="no such folder"):
        clips_in_folders(tmp_path / "made", tmp_path)
    frames(tmp_path / "made" / "a", 1, count=6)
    (tmp_path / "real").mkdir()
    with pytest.raises(UsageError, match="holds no video"):
        clips_in_folders(tmp_path / "made", tmp_path / "real")
    frames(tmp_path / "real" / "a", 1)
    with pytest.raises(UsageError, match="6 frames were generated and 5 are real"):
        loaded(tmp_path / "made", tmp_path / "real")
    (tmp_path / "made" / "a" / "0005.png").unlink()
    (tmp_path / "real" / "b.mp4").write_bytes(b"no video")
    with pytest.raises(UsageError, match=r"b\.mp4"):
        loaded(tmp_path / "made", tmp_path / "real")
    (tmp_path / "real" / "a.mp4").write_bytes(b"")
    with pytest.raises(UsageError, match="a second clip of that name"):
        clips_in_folders(tmp_path / "made", tmp_path / "real")
