"""Exported images: the loaders' layouts, the pixels of the source, and nothing that a clip cannot use."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from dgbench.io.images import read_image
from dgbench.training.baselines.export import export_images
from dgbench.training.dg.frames import TrainingRow


def test_frames_lie_in_a_folder_per_person(drawn, tmp_path):
    made = export_images(drawn, drawn.rows, out=tmp_path, layout="frames", size=32)
    assert made.images == 18 and made.people == ("p0", "p1", "p2", "p3", "p4", "p5")
    assert sorted(path.name for path in (tmp_path / "train" / "p4").iterdir()) == [
        "00000.png",
        "00001.png",
        "00002.png",
    ]
    assert (tmp_path / "test").is_dir()
    for number in range(3):
        found = read_image(tmp_path / "train" / "p4" / f"{number:05d}.png")
        assert np.array_equal(found, drawn.image(f"p4/{number}"))


def test_a_strip_holds_the_same_frames_side_by_side(drawn, tmp_path):
    frames = export_images(drawn, drawn.rows, out=tmp_path / "a", layout="frames", size=32)
    strips = export_images(drawn, drawn.rows, out=tmp_path / "b", layout="strips", size=32)
    strip = read_image(tmp_path / "b" / "train" / "p2.png")
    assert strip.shape == (32, 96, 3)
    assert np.array_equal(strip[:, 32:64], drawn.image("p2/1"))
    assert frames.sha256 == strips.sha256 == json.loads((tmp_path / "b" / "about.json").read_text())["sha256"]


def test_images_are_shrunk_by_area_and_the_digest_follows_the_pixels(drawn, tmp_path):
    large = export_images(drawn, drawn.rows, out=tmp_path / "a", layout="frames", size=32)
    small = export_images(drawn, drawn.rows, out=tmp_path / "b", layout="frames", size=16)
    expected = cv2.resize(drawn.image("p1/2"), (16, 16), interpolation=cv2.INTER_AREA)
    assert np.array_equal(read_image(tmp_path / "b" / "train" / "p1" / "00002.png"), expected)
    assert large.sha256 != small.sha256


def test_a_clip_is_one_person_at_one_moment_and_one_image_makes_none(drawn, tmp_path):
    rows = [TrainingRow(key=f"p0/{n}", subject="p0", moment=m) for n, m in ((0, "a|1"), (1, "a|1"), (2, "b|1"))]
    made = export_images(drawn, rows, out=tmp_path, layout="frames", size=32)
    (clip,) = (tmp_path / "train").iterdir()
    assert made.images == 2 and len(list(clip.iterdir())) == 2 and clip.name.startswith("p0-a-1-")


def test_the_images_of_an_earlier_export_do_not_stay(drawn, tmp_path):
    export_images(drawn, drawn.rows, out=tmp_path, layout="frames", size=32)
    export_images(drawn, drawn.rows[:3], out=tmp_path, layout="frames", size=32)
    assert [path.name for path in (tmp_path / "train").iterdir()] == ["p0"]


@pytest.mark.parametrize("names", [("a b", "a-b"), ("p/1", "p-1")])
def test_odd_names_of_two_people_never_fall_together(drawn, tmp_path, names):
    rows = [TrainingRow(key=f"p{n}/{k}", subject=name) for n, name in enumerate(names) for k in range(2)]
    export_images(drawn, rows, out=tmp_path, layout="frames", size=32)
    assert len(list((tmp_path / "train").iterdir())) == 2
