"""Frames of two folders are matched by the numbers in their names; a lost one is missing, the others keep places."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from fakes import FakeJudges, face_image

from dgbench.core.errors import UsageError
from dgbench.core.face import Failure
from dgbench.io.images import write_png
from dgbench.scoring.clip_folders import clips_in_folders
from dgbench.scoring.clips import score_clips

COUNT = 12


def _write(folder: Path, names: dict[int, str]) -> None:
    for number, name in names.items():
        # The same face, shifted back and forth: any other order of the frames bends the landmarks' tracks.
        write_png(folder / name, face_image(3 + (number * 5) % 7))


def _jitter(root: Path) -> tuple[float | None, str]:
    (value,) = score_clips(clips_in_folders(root / "made", root / "real"), judges=FakeJudges(), draws=5)
    return value.value, value.note


@pytest.mark.parametrize("pattern", ["{}.png", "{:02d}.png", "frame_{}.png", "id1-{:04d}.PNG", "c2_f{:03d}.png"])
@pytest.mark.parametrize("real", ["{:04d}.png", "{}.png"])
def test_perfect_frames_score_0_in_any_padding(tmp_path: Path, pattern: str, real: str) -> None:
    _write(tmp_path / "real" / "id1" / "c", {n: real.format(n) for n in range(COUNT)})
    _write(tmp_path / "made" / "id1" / "c", {n: pattern.format(n) for n in range(COUNT)})
    assert _jitter(tmp_path) == (0.0, "over clips")


def test_mixed_padding_and_hidden_files(tmp_path: Path) -> None:
    _write(tmp_path / "real" / "c", {n: f"{n:04d}.png" for n in range(COUNT)})
    _write(tmp_path / "made" / "c", {n: f"{n:04d}.png" if n % 2 else f"{n}.png" for n in range(COUNT)})
    (tmp_path / "made" / "c" / "._0003.png").write_bytes(b"a resource fork")
    assert _jitter(tmp_path)[0] == 0.0


@pytest.mark.parametrize("lost", [0, 3, COUNT - 1])
def test_a_lost_frame_is_missing_and_the_others_keep_their_places(tmp_path: Path, lost: int) -> None:
    _write(tmp_path / "real" / "c", {n: f"{n:04d}.png" for n in range(COUNT)})
    _write(tmp_path / "made" / "c", {n: f"{n}.png" for n in range(COUNT) if n != lost})
    ((made, real),) = [clip.load() for clip in clips_in_folders(tmp_path / "made", tmp_path / "real")]
    assert [n for n, frame in enumerate(made) if isinstance(frame, Failure)] == [lost]
    assert all(isinstance(a, Failure) or (a == b).all() for a, b in zip(made, real, strict=True))
    value, note = _jitter(tmp_path)
    triples = sum(lost in range(start, start + 3) for start in range(COUNT - 2))
    assert value == pytest.approx(triples / (COUNT - 2)) and note == "over clips; of 12 frames 1 missing"


@pytest.mark.parametrize(
    ("made", "real", "said"),
    [
        (["0003.png", "3.png"], ["0003.png", "0004.png"], "'0003.png' and '3.png' are one frame"),
        (["0003.png"], ["0003.png", "3.jpg"], "are one frame"),
        (["1.png", "2.png", "3.png"], ["0.png", "1.png", "2.png"], r"'3.png' is none of the real clip's"),
        (["0.png"], ["0.png", "1.png", "3.png", "4.png"], r"the real clip lacks 1 frames \(2\)"),
        (["a.png"], ["b.png"], "name them alike"),
    ],
)
def test_what_cannot_be_matched_is_refused(tmp_path: Path, made: list[str], real: list[str], said: str) -> None:
    _write(tmp_path / "real" / "c", dict(enumerate(real)))
    _write(tmp_path / "made" / "c", dict(enumerate(made)))
    with pytest.raises(UsageError, match=said):
        _jitter(tmp_path)


def test_every_fifth_frame_is_a_clip_too_and_words_are_matched_whole(tmp_path: Path) -> None:
    _write(tmp_path / "real" / "c", {n: f"{5 * n}.png" for n in range(COUNT)})
    _write(tmp_path / "made" / "c", {n: f"{5 * n:03d}.png" for n in range(COUNT)})
    _write(tmp_path / "real" / "d", {n: f"{'abcdefghijkl'[n]}.png" for n in range(COUNT)})
    _write(tmp_path / "made" / "d", {n: f"{'abcdefghijkl'[n].upper()}.png" for n in range(COUNT)})
    assert _jitter(tmp_path)[0] == 0.0


def test_clip_names_in_either_unicode_form_and_other_names_are_told(tmp_path: Path) -> None:
    name = unicodedata.normalize("NFC", "Zoë")
    _write(tmp_path / "real" / name / "c", {n: f"{n}.png" for n in range(4)})
    _write(tmp_path / "made" / unicodedata.normalize("NFD", name) / "c.mp4", {n: f"{n}.png" for n in range(4)})
    assert _jitter(tmp_path)[0] == 0.0
    (tmp_path / "real" / name).rename(tmp_path / "real" / "other")
    with pytest.raises(UsageError, match="none of its 1 clips has the name of a real one"):
        _jitter(tmp_path)
