"""Trees: the bytes are the same however they came about; nothing of an interruption or a full disk shows later."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dgbench.core.errors import UsageError, WorkFailedError
from dgbench.datasets.registry import reader
from dgbench.io.images import ImageError, read_image
from dgbench.io.video import decode_frames, read_table
from dgbench.synthface.head.model import HEAD_NOTICE, Head
from dgbench.synthface.head.truth import read_truth
from dgbench.synthface.sets import tree
from dgbench.synthface.sets.cells import Shot
from dgbench.synthface.sets.layouts import Selection, layout
from dgbench.synthface.sets.reader import SynthTree, read_synthface
from dgbench.synthface.sets.tree import TreePlan, write_tree
from dgbench.synthface.sets.writer import render_shot


def bytes_of(root: Path) -> dict[str, str]:
    """Return path → digest of every file but the lock."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file() and not path.name.startswith(".lock"))
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def clips(name: str, *, people: int = 1, frames: int = 5) -> TreePlan:
    return TreePlan(name, 0, 64, Selection(identities=people, frames=frames, only={"utterance": frozenset({"00001"})}))


@pytest.mark.slow
def test_one_and_two_workers_write_the_same_bytes(tmp_path: Path, small_head: Head):
    only = {"camera": frozenset({"090"}), "expression": frozenset({"happy"}), "subject": frozenset({"01", "29"})}
    plan = TreePlan("rafd", 0, 64, Selection(only=only))
    one = write_tree(plan, tmp_path / "one", small_head, workers=1, progress=False)
    two = write_tree(plan, tmp_path / "two", small_head, workers=2, progress=False)
    assert one == two and one.images == 6
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")
    # The truth beside the images is the render's, in the pixels of the written picture.
    stored = SynthTree(tmp_path / "one")
    grammar = layout("rafd")
    shot = grammar.shot("synthface-rafd/01/090/happy/left")
    image, marks = render_shot(small_head, shot, seed=0, canvas=grammar.canvas(64))
    assert np.array_equal(stored.landmarks(shot.key).points, marks.points)
    assert np.array_equal(stored.landmarks(shot.key).visibility, marks.visibility)
    assert stored.pose(shot.key) == (shot.scene.yaw, shot.scene.pitch, shot.scene.roll)
    assert image.shape == (64, 42, 3) == stored.image(shot.key).shape
    assert np.abs(stored.image(shot.key).astype(int) - image).mean() < 3  # JPEG


def test_landmarks_move_with_the_cut(small_head: Head):
    shot = layout("rafd").shot("synthface-rafd/01/090/happy/left")
    square, in_square = render_shot(small_head, shot, seed=0, canvas=(64, 64))
    cut, in_cut = render_shot(small_head, shot, seed=0, canvas=(42, 64))
    assert np.array_equal(square[:, 11:53], cut)
    assert np.allclose(in_square.points - in_cut.points, (11, 0, 0), atol=1e-5)


@pytest.mark.usefixtures("no_rendering")
def test_a_killed_run_goes_on_to_the_same_bytes(
    tmp_path: Path, small_head: Head, rafd_plan: TreePlan, monkeypatch: pytest.MonkeyPatch
):
    write_tree(rafd_plan, tmp_path / "whole", small_head, progress=False)
    real = tree.write_bytes
    written: list[Path] = []

    def killed(path: Path, data: bytes) -> None:
        if len(written) == 17:  # in the middle of the second person
            raise KeyboardInterrupt
        written.append(path)
        real(path, data)

    monkeypatch.setattr(tree, "write_bytes", killed)
    with pytest.raises(KeyboardInterrupt):
        write_tree(rafd_plan, tmp_path / "killed", small_head, progress=False)
    with pytest.raises(UsageError, match="unfinished SynthFace tree; run the same"):
        read_synthface(tmp_path / "killed")
    monkeypatch.setattr(tree, "write_bytes", real)
    report = write_tree(rafd_plan, tmp_path / "killed", small_head, progress=False)
    assert (report.kept, report.units) == (1, 3)
    assert bytes_of(tmp_path / "killed") == bytes_of(tmp_path / "whole")


@pytest.mark.usefixtures("no_rendering")
def test_a_full_disk_keeps_what_is_whole_and_the_next_run_ends_alike(
    tmp_path: Path, small_head: Head, rafd_plan: TreePlan, monkeypatch: pytest.MonkeyPatch
):
    write_tree(rafd_plan, tmp_path / "whole", small_head, progress=False)
    real, room = os.fsync, [15]

    def full(descriptor: int) -> None:
        room[0] -= 1
        if room[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorkFailedError, match="no space left"):
        write_tree(rafd_plan, tmp_path / "full", small_head, progress=False)
    monkeypatch.setattr(os, "fsync", real)
    assert not list((tmp_path / "full").rglob("*.tmp"))
    write_tree(rafd_plan, tmp_path / "full", small_head, progress=False)
    assert bytes_of(tmp_path / "full") == bytes_of(tmp_path / "whole")


@pytest.mark.usefixtures("no_rendering")
@pytest.mark.parametrize("harm", ["changed image", "lost image", "damaged truth"])
def test_a_second_run_makes_again_only_what_is_not_whole(
    tmp_path: Path, small_head: Head, rafd_plan: TreePlan, harm: str, monkeypatch: pytest.MonkeyPatch
):
    write_tree(rafd_plan, tmp_path, small_head, progress=False)
    before = bytes_of(tmp_path)
    image = sorted(tmp_path.glob("Rafd*_01_*.jpg"))[2]
    if harm == "changed image":
        image.write_bytes(image.read_bytes()[:-1])
    elif harm == "lost image":
        image.unlink()
    else:
        (tmp_path / "synthface/truth/01.npz").write_bytes(b"PK\x03\x04 no more")
    made: list[str] = []
    drawn = tree.render_shot
    monkeypatch.setattr(tree, "render_shot", lambda head, shot, **k: made.append(shot.key) or drawn(head, shot, **k))
    report = write_tree(rafd_plan, tmp_path, small_head, progress=False)
    assert report.kept == 2 and {key.split("/")[1] for key in made} == {"01"}
    assert bytes_of(tmp_path) == before


@pytest.mark.usefixtures("no_rendering")
def test_another_plan_or_foreign_files_are_never_written_over(tmp_path: Path, small_head: Head, rafd_plan: TreePlan):
    write_tree(rafd_plan, tmp_path / "tree", small_head, progress=False)
    before = bytes_of(tmp_path / "tree")
    with pytest.raises(UsageError, match=r"another plan \(seed, size differ\)"):
        write_tree(replace(rafd_plan, seed=1, size=80), tmp_path / "tree", small_head, progress=False)
    assert bytes_of(tmp_path / "tree") == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(UsageError, match="not empty"):
        write_tree(rafd_plan, tmp_path / "mine", small_head, progress=False)
    with pytest.raises(UsageError, match="is a file"):
        write_tree(rafd_plan, tmp_path / "mine" / "thesis.txt", small_head, progress=False)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"size": 63}, "64..512"), ({"size": 513}, "64..512"), ({"layout": "rafdd"}, "Did you mean 'rafd'")],
)
def test_bad_plans_are_refused_before_anything_is_written(
    tmp_path: Path, small_head: Head, rafd_plan: TreePlan, change: dict[str, int | str], words: str
):
    with pytest.raises(UsageError, match=words):
        write_tree(replace(rafd_plan, **change), tmp_path / "t", small_head, progress=False)
    nothing = replace(rafd_plan, selection=Selection(only={"camera": frozenset({"091"})}))
    with pytest.raises(UsageError, match="no image fits"):
        write_tree(nothing, tmp_path / "t", small_head, progress=False)
    with pytest.raises(UsageError, match="--workers"):
        write_tree(rafd_plan, tmp_path / "t", small_head, workers=0, progress=False)
    assert not (tmp_path / "t").exists()


@pytest.mark.usefixtures("no_rendering")
def test_digests_notice_and_counts_lie_beside_the_images(tmp_path: Path, small_head: Head, rafd_plan: TreePlan):
    report = write_tree(rafd_plan, tmp_path, small_head, progress=False)
    listed = dict(reversed(line.split("  ")) for line in (tmp_path / "synthface/SHA256SUMS").read_text().splitlines())
    assert listed == {name: digest for name, digest in bytes_of(tmp_path).items() if not name.startswith("synthface/")}
    assert (tmp_path / "synthface/NOTICE.txt").read_text() == HEAD_NOTICE + "\n"
    about = json.loads((tmp_path / "synthface/about.json").read_text())
    assert (about["images"], about["people"], about["files"]) == (36, 3, 36) == (report.images, 3, report.files)


_STILLS = {
    "rafd": (Selection(identities=2, only={"gaze": frozenset({"left"})}), 80),
    "multipie": (Selection(identities=2, only={"shot": frozenset({"00", "07"}), "session": frozenset({"02"})}), 180),
    "frll": (Selection(identities=3), 6),
}


@pytest.mark.usefixtures("no_rendering")
@pytest.mark.parametrize("name", _STILLS)
def test_the_real_sets_readers_read_every_still(tmp_path: Path, small_head: Head, name: str):
    selection, images = _STILLS[name]
    write_tree(TreePlan(name, 0, 64, selection), tmp_path, small_head, progress=False)
    real, ours = reader(name)(tmp_path), read_synthface(tmp_path)
    assert len(real.frames) == len(ours.frames) == images
    by_path = ours.frames.set_index("path")
    for row in real.frames.to_dict("records"):
        mine = by_path.loc[row["path"]]
        assert mine["key"].split("/", 1)[1] == row["key"].split("/", 1)[1]
        for column in ("subject", "expression", "camera", "gaze", "session", "recording", "illumination", "sex"):
            assert pd.isna(row[column]) or mine[column] == row[column], column
        assert read_image(tmp_path / row["path"]).shape[:2] == (mine["height"], mine["width"])


@pytest.mark.usefixtures("no_rendering")
@pytest.mark.parametrize(("name", "rate"), [("voxceleb1", 10), ("voxceleb2", 25)])
def test_the_real_sets_readers_read_every_frame(tmp_path: Path, small_head: Head, name: str, rate: int):
    import av

    write_tree(clips(name, people=2), tmp_path, small_head, progress=False)
    real, ours = reader(name)(tmp_path), read_synthface(tmp_path)
    known = {key.split("/", 1)[1] for key in ours.frames["key"]}
    read = [key.split("/", 1)[1] for key in real.frames["key"]]  # that reader takes every fifth frame
    assert len(read) == 4 and set(read) == {key for key in known if key.endswith("/0000000")}
    assert len(ours.frames) == 2 * 2 * 5 and set(real.frames["sex"]) <= {"f", "m"}
    for path in ours.frames["path"].unique():
        assert read_table(tmp_path / path).n_frames == 5
        with av.open(str(tmp_path / path)) as container:
            assert container.streams.video[0].average_rate == rate
            assert not container.streams.audio


def test_frames_of_a_clip_are_the_renders_but_for_the_codec(tmp_path: Path, small_head: Head):
    only = {"subject": frozenset({"id00017"}), "utterance": frozenset({"00001"}), "video": frozenset({"1"})}
    plan = TreePlan("voxceleb2", 0, 64, Selection(frames=3, only=only))
    write_tree(plan, tmp_path, small_head, progress=False)
    frames = read_synthface(tmp_path).frames
    grammar, stored = layout("voxceleb2"), SynthTree(tmp_path)
    for position, image in decode_frames(tmp_path / frames["path"].iloc[0]):
        shot: Shot = grammar.shot(frames["key"].iloc[position])
        rendered, marks = render_shot(small_head, shot, seed=0, canvas=(64, 64))
        assert np.abs(image.astype(int) - rendered).mean() < 8
        assert np.array_equal(stored.landmarks(shot.key).points, marks.points)


@pytest.mark.usefixtures("no_rendering")
def test_a_copy_that_lost_files_says_which(tmp_path: Path, small_head: Head, rafd_plan: TreePlan):
    write_tree(rafd_plan, tmp_path, small_head, progress=False)
    gone = sorted(tmp_path.glob("*.jpg"))[5]
    gone.unlink()
    manifest = read_synthface(tmp_path)
    assert (manifest.expected["images"], manifest.found["images"]) == (36, 35)
    assert list(manifest.skipped.values()) == [[gone.name]]
    with pytest.raises(ImageError):
        SynthTree(tmp_path).image("synthface-rafd/74/090/happy/left")


def test_truth_is_read_without_pickles(tmp_path: Path):
    path = tmp_path / "evil.npz"
    np.savez(path, keys=np.array([{"a": 1}], dtype=object))
    with pytest.raises(UsageError, match="truth cannot be read"):
        read_truth(path)


@pytest.mark.parametrize("content", [None, "text.txt"])
def test_a_folder_without_a_tree_is_named_as_such(tmp_path: Path, content: str | None):
    if content:
        (tmp_path / content).write_text("x")
    with pytest.raises(UsageError, match="no SynthFace tree"):
        read_synthface(tmp_path)
