"""Copies whose pictures are not the published ones are told from them, by form and by a sample, and never rank."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps

from dgbench.core.face import Image
from dgbench.core.protocol import Frame
from dgbench.datasets.frll import read_frll
from dgbench.datasets.manifest import Manifest, make_frames
from dgbench.io.images import read_image
from dgbench.networks.judges import Judges
from dgbench.preprocess.inputs_check import InputsReport, check_inputs, face_finder
from dgbench.preprocess.inputs_sample import has_bars
from dgbench.preprocess.prepare import prepare_store
from dgbench.preprocess.protocol_inputs import shipped_points
from dgbench.protocols.registry import load_protocol
from dgbench.synthface.sets.writer import encode_image

FRONT = np.array([[0.42, 0.45], [0.58, 0.45], [0.5, 0.55], [0.44, 0.63], [0.56, 0.63]])
PEOPLE = [f"{number:03d}" for number in (1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17)]


def _photograph(number: int, *, side: int = 480) -> Pillow.Image:
    """A picture with noise everywhere and dots of one colour at the five points, which :func:`_dots` finds."""
    rng = np.random.default_rng(number)
    image = rng.integers(120, 200, (side, side, 3), dtype=np.uint8)
    image[:, :, 2] //= 2
    for x, y in _points(number) * side:
        image[int(y) - 3 : int(y) + 4, int(x) - 3 : int(x) + 4] = (0, 255, 0)
    return Pillow.fromarray(image)


def _points(number: int) -> NDArray[np.float64]:
    return FRONT + np.random.default_rng(1000 + number).normal(0, 0.02, 2)


def _dots(images: Sequence[Image]) -> tuple[list[NDArray | None], str]:
    """Find the five dots: an exact detector, named like the open one."""
    found: list[NDArray | None] = []
    for image in images:
        green = (image[:, :, 1].astype(int) - image[:, :, 0] > 100).astype(np.uint8)
        import cv2

        count, _, stats, centres = cv2.connectedComponentsWithStats(green)
        dots = [centres[i] for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] >= 9]
        dots.sort(key=lambda dot: (round(dot[1] / len(image) / 0.06), dot[0]))
        found.append(np.array(dots) if len(dots) == 5 else None)
    return found, "open"


def _check(
    folder: Path, change: Callable[[Pillow.Image], Pillow.Image] = lambda i: i, *, share: float = 1.0, quality: int = 95
) -> InputsReport:
    frozen = {}
    for place, person in enumerate(PEOPLE):
        for view in ("03", "08"):
            number = int(person) * 100 + int(view)
            picture = _photograph(number)
            picture = change(picture) if place < share * len(PEOPLE) else picture
            folder.mkdir(exist_ok=True)
            picture.save(folder / f"{person}_{view}.jpg", quality=quality)
            frozen[f"frll/{person}/{view}"] = _points(number)
    manifest = read_frll(folder)
    return check_inputs(
        manifest, manifest.frames["key"], size=256, photograph=(1350, 1350), frozen=frozen, observe=_dots
    )


def _cropped(left: float, top: float, right: float, bottom: float) -> Callable[[Pillow.Image], Pillow.Image]:
    def cut(picture: Pillow.Image) -> Pillow.Image:
        w, h = picture.size
        return picture.crop((int(left * w), int(top * h), int(right * w), int(bottom * h))).resize((w, h))

    return cut


def _squeezed(picture: Pillow.Image) -> Pillow.Image:
    """Stretched upright, then cut back to a square: the form is right and the face is not."""
    w, h = picture.size
    return picture.resize((w, round(1.15 * h))).crop((0, round(0.07 * h), w, round(0.07 * h) + h))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda i: i, ""),
        (lambda i: i.resize((460, 460), Pillow.Resampling.LANCZOS), ""),
        (lambda i: i.resize((900, 900), Pillow.Resampling.LANCZOS), ""),
        (_cropped(0.18, 0.12, 0.82, 0.76), "larger than in the published"),
        (_cropped(0.04, 0.04, 0.96, 0.96), "larger than in the published"),
        (_cropped(0.1, 0.0, 1.0, 0.9), "larger than in the published"),
        (lambda i: ImageOps.expand(i, 30).resize(i.size), "bars at their borders"),
        (lambda i: ImageOps.expand(i, 30, fill=(150, 150, 75)).resize(i.size), "smaller than in the published"),
        (lambda i: Pillow.fromarray(np.roll(np.asarray(i), (12, 0), axis=(0, 1))), "shifted"),
        (_squeezed, "larger than in the published"),
        (ImageOps.mirror, "mirrored"),
        (lambda i: Pillow.fromarray(np.asarray(i)[:, :, ::-1].copy()), "red and blue are exchanged"),
        (
            lambda i: i.resize((480, 600)),
            "24 of 24 pictures are of another form than the published 1350x1350 (480x600)",
        ),
        (lambda i: ImageOps.expand(i, (0, 60)), "another form"),
        (lambda i: i.resize((256, 256)), "too small for a frame of 256 px (256x256)"),
    ],
)
@pytest.mark.slow
def test_what_was_done_to_a_copy_is_found(tmp_path: Path, change: Callable, said: str) -> None:
    report = _check(tmp_path / "copy", change)
    assert report.state == ("altered" if said else "original"), str(report)
    assert said in str(report)


def test_colourless_and_coarse_copies(tmp_path: Path) -> None:
    assert "hold no colour" in str(_check(tmp_path / "grey", lambda i: i.convert("L")))
    assert "encoded anew too coarsely (JPEG quality 30)" in str(_check(tmp_path / "coarse", quality=30))
    assert _check(tmp_path / "fine", quality=75).state == "original"


def test_some_odd_pictures_are_told_and_many_alter_the_copy(tmp_path: Path) -> None:
    odd = _cropped(0.18, 0.12, 0.82, 0.76)
    few = _check(tmp_path / "few", odd, share=0.1)
    assert few.state == "original" and "of 24 images looked at hold a face in another place" in str(few)
    assert _check(tmp_path / "many", odd, share=0.5).state == "altered"


def test_a_copy_without_points_is_judged_by_its_form(tmp_path: Path) -> None:
    _check(tmp_path / "copy")
    manifest = read_frll(tmp_path / "copy")
    report = check_inputs(manifest, manifest.frames["key"], size=256, photograph=(1350, 1350))
    assert (report.state, report.headers, report.sampled, report.detector) == ("original", 24, 24, "")
    assert check_inputs(manifest, manifest.frames["key"], size=256, photograph=(681, 1024)).state == "altered"
    assert check_inputs(manifest, manifest.frames["key"], size=256).state == "original"


@pytest.mark.parametrize("place", ["copy/synthface", "synthface", "copy/inside/synthface"])
@pytest.mark.parametrize("name", ["about.json", "plan.json"])
def test_a_rendered_tree_in_the_sets_names_is_told(tmp_path: Path, place: str, name: str) -> None:
    folder = tmp_path / "copy" / "inside"
    folder.mkdir(parents=True)
    for view in ("03", "08"):
        _photograph(1).save(folder / f"001_{view}.jpg")
    mark = tmp_path / place / name
    mark.parent.mkdir(exist_ok=True)
    mark.write_text(json.dumps({"layout": "rafd"}))
    manifest = read_frll(tmp_path / "copy")
    assert check_inputs(manifest, manifest.frames["key"], size=256).state == "original"
    mark.write_text(json.dumps({"layout": "frll"}))
    report = check_inputs(manifest, manifest.frames["key"], size=256)
    assert str(report).startswith("rendered: a SynthFace tree in the names of frll")


@pytest.mark.parametrize("name", ["001_03.jpg", "001_03.png"])
def test_rendered_images_say_so_away_from_their_tree(tmp_path: Path, name: str) -> None:
    image = np.asarray(_photograph(1))
    (tmp_path / name).write_bytes(encode_image(image, name))
    (tmp_path / "002_03.png").write_bytes(encode_image(image, name))
    manifest = read_frll(tmp_path)
    report = check_inputs(manifest, manifest.frames["key"], size=256)
    assert str(report) == f"rendered: SynthFace images in the names of frll ({name} says so)"
    assert name.endswith("jpg") or (read_image(tmp_path / name) == image).all()


def test_bars_are_flat_borders_on_two_sides() -> None:
    image = np.asarray(_photograph(3))
    assert not has_bars(image)
    for pad, value in (((20, 20), 0), ((20, 20), 255), ((12, 60), 30)):
        assert has_bars(np.pad(image, (pad, (0, 0), (0, 0)), constant_values=value))
        assert has_bars(np.pad(image, ((0, 0), pad, (0, 0)), constant_values=value))
    assert not has_bars(np.pad(image, ((40, 0), (0, 0), (0, 0))))
    assert not has_bars(np.full_like(image, 200))


@pytest.mark.slow
@pytest.mark.parametrize("nets", [True, False])
def test_the_london_set_itself(assets: Path, tmp_path: Path, nets: bool) -> None:
    weights = assets / "nets" if nets else tmp_path
    loaded = load_protocol("frll-cross@1")
    for name, change in {
        "same": lambda i: i,
        "crop": _cropped(0.04, 0.04, 0.96, 0.96),
        "flip": ImageOps.mirror,
    }.items():
        for path in sorted((assets / "frll").rglob("*.jpg")):
            (tmp_path / name).mkdir(exist_ok=True)
            change(Pillow.open(path)).save(tmp_path / name / path.name, quality=92)
        manifest = read_frll(tmp_path / name)
        report = check_inputs(
            manifest,
            manifest.frames["key"],
            size=256,
            photograph=(1350, 1350),
            frozen=shipped_points(loaded),
            observe=face_finder(weights),
        )
        assert report.detector == ("open" if nets else "embedded")
        assert str(report).startswith(
            {"same": "original", "crop": "altered: faces are larger", "flip": "altered: the"}[name]
        )


@pytest.mark.parametrize(
    ("odd", "state", "unusable"), [(0, "original", False), (2, "original", False), (5, "altered", True)]
)
def test_images_that_must_be_square_and_are_not(tmp_path: Path, odd: int, state: str, unusable: bool) -> None:
    rows = []
    for number in range(5):
        size = (68, 102) if number < odd else (64, 64)
        Pillow.new("RGB", size).save(tmp_path / f"{number}.png")
        rows.append(
            {
                "key": f"k/{number}",
                "dataset": "voxceleb1",
                "subject": "1",
                "path": f"{number}.png",
                "container": "image",
            }
        )
    manifest = Manifest("voxceleb1", tmp_path, make_frames(rows))
    report = check_inputs(manifest, manifest.frames["key"], size=64, square=True)
    assert (report.state, report.unusable, report.headers) == (state, unusable, 5)
    assert (f"{odd} of 5 images looked at are not square (such as 68x102)" in str(report)) == bool(odd)


def test_clips_are_judged_by_their_tables(tmp_path: Path) -> None:
    row = {"dataset": "voxceleb1", "subject": "1", "container": "video", "frame": 0, "height": 360}
    rows = [{**row, "key": f"k/{n}", "path": f"{n}.mp4", "width": 640} for n in range(3)]
    manifest = Manifest("voxceleb1", tmp_path, make_frames(rows))
    report = check_inputs(manifest, manifest.frames["key"], size=64, square=True)
    assert report.unusable and "3 of 3 images looked at are not square (such as 640x360)" in str(report)


def test_a_preparation_that_made_nothing_is_not_called_usable(
    tmp_path: Path, disc_judges: Judges, image_set: Callable[..., Manifest]
) -> None:
    manifest = image_set({name: np.zeros((102, 68, 3), np.uint8) for name in "ab"})
    frame = Frame(size=64, crop="as-stored")
    done = prepare_store(manifest, ["k/a", "k/b"], frame, disc_judges, out=tmp_path / "store", workers=1)
    assert (done.written, done.failed) == (0, {"wrong-size": 2})
    assert done.reasons == {
        "wrong-size": "k/a: wrong-size: kept as stored, an image must be square, this one is 68x102"
    }
