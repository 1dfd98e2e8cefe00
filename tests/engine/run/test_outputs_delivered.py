"""Outputs as people deliver them: packed in any way that is clear, and looked at before they are scored."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from colour_judges import ColourJudges
from PIL import Image as Pillow

from dgbench.core.errors import UsageError
from dgbench.core.face import Image
from dgbench.engine.run.data import OpenData, open_data
from dgbench.engine.run.outputs import Adopted, adopt_outputs, delivery_notes
from dgbench.engine.run.plan import RunFolder
from dgbench.engine.score.scorer import score_run
from dgbench.io.images import encode_png
from dgbench.protocols.registry import load_protocol

LOADED = load_protocol("synthface-mini-self@1")
#: Enough for the probe; the rest count as missing.
N = 40


@pytest.fixture(scope="module")
def opened() -> OpenData:
    return open_data(LOADED, None)


@pytest.fixture(scope="module")
def shots(opened: OpenData) -> dict[str, Image]:
    """A perfect method's outputs, of different people."""
    return {pair.pair_id: opened.source.image(pair.target or pair.reference) for pair in opened.pairs[::9][:N]}


@pytest.fixture
def adopt(tmp_path: Path, opened: OpenData) -> Callable[..., Adopted]:
    def call(outputs: Path, **options: bool) -> Adopted:
        return adopt_outputs(LOADED, opened, outputs, method="theirs", out=tmp_path / "run", data=None, **options)

    return call


def _write(folder: Path, shots: dict[str, Image], name: str = "{}.png", change: Callable[[Image], Image] | None = None):
    for number, (pair_id, image) in enumerate(shots.items()):
        path = folder / name.format(pair_id, number % 3)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(np.ascontiguousarray(change(image) if change else image)))
    return folder


@pytest.mark.parametrize("name", ["{}.png", "{}.png.png", "deep/er/{}.png", "part{1}/{0}.PNG", "{} .png", "{}.jpg.png"])
@pytest.mark.slow
def test_names_and_folders_that_can_mean_one_thing_are_understood(tmp_path: Path, shots, adopt, name: str) -> None:
    done = adopt(_write(tmp_path / "o", shots, name))
    assert (done.taken, done.unmatched, done.findings) == (N, [], [])


@pytest.mark.parametrize("prefix", ["", "images/", "home/me/out/", "images\\", "./"])
@pytest.mark.slow
def test_archives_with_folders_and_a_readme_are_understood(tmp_path: Path, shots, adopt, prefix: str) -> None:
    with zipfile.ZipFile(tmp_path / "o.zip", "w") as archive:
        for pair_id, image in shots.items():
            archive.writestr(f"{prefix}{pair_id}.png", encode_png(image))
        archive.writestr("README.txt", "see the paper")
        archive.writestr("__MACOSX._x.png", b"x")
    assert adopt(tmp_path / "o.zip").taken == N


@pytest.mark.parametrize(
    ("suffix", "words"),
    [(".npy", r"40 \.npy such as .* \(arrays; write each as an 8-bit"), (".mp4", r"40 \.mp4 .*videos; write the one")],
)
def test_other_files_are_named_with_what_was_expected(tmp_path: Path, shots, adopt, suffix: str, words: str) -> None:
    (tmp_path / "o").mkdir()
    for pair_id in shots:
        (tmp_path / "o" / f"{pair_id}{suffix}").write_bytes(b"x")
    with pytest.raises(UsageError, match=words + r".*Expected: one image a pair, named s0129-c00--s0129-c01\.png"):
        adopt(tmp_path / "o")


def test_two_images_of_one_pair_and_images_of_another_size_are_refused(tmp_path: Path, shots, adopt) -> None:
    _write(tmp_path / "two" / "a", shots)
    _write(tmp_path / "two" / "b", shots)
    with pytest.raises(UsageError, match=r"has two images \(a/s\S+\.png, b/s\S+\.png\)"):
        adopt(tmp_path / "two")
    _write(tmp_path / "size", shots, change=lambda image: image.repeat(2, 0).repeat(2, 1))
    with pytest.raises(
        UsageError, match=r"not one of its 40 images can be used.*is 256x256, the protocol's frame is 128"
    ):
        adopt(tmp_path / "size")


def _shuffle(shots: dict[str, Image]) -> dict[str, Image]:
    images = list(shots.values())
    return dict(zip(shots, images[7:] + images[:7], strict=True))


def _float_cast(image: Image) -> Image:
    return (image / 255).astype(np.uint8)


def _signed_cast(image: Image) -> Image:
    return (image / 127.5 - 1).astype(np.int8).view(np.uint8)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda image: image[..., ::-1], "red and blue are exchanged"),
        (lambda image: image[:, ::-1], "they are mirrored"),
        (lambda image: image[::-1], "they are upside down"),
        (lambda image: image.transpose(1, 0, 2), "rows and columns are exchanged"),
        (_float_cast, "every value is 0 or 1"),
        (_signed_cast, "every value is 0, 1 or 255"),
        (None, "they belong to other pairs"),
    ],
)
@pytest.mark.slow
def test_outputs_that_are_not_what_their_names_say_are_not_scored(
    tmp_path: Path, shots, adopt, monkeypatch: pytest.MonkeyPatch, change, words: str
) -> None:
    monkeypatch.setattr("dgbench.engine.score.scorer.load_judges", lambda name, weights=None: ColourJudges())
    _write(tmp_path / "o", shots if change else _shuffle(shots), change=change)
    assert any(words in finding for finding in adopt(tmp_path / "o").findings)
    with pytest.raises(UsageError, match=f"not scored: {words}.*--as-delivered"):
        score_run(tmp_path / "run", judges="embedded")
    adopt(tmp_path / "o", as_delivered=True)
    notes = score_run(tmp_path / "run", judges="embedded").record.notes
    assert any(note.startswith(f"outputs look wrong: {words}") for note in notes)


def _noise(image: Image) -> Image:
    return np.random.default_rng(int(image.sum())).integers(0, 256, image.shape, dtype=np.uint8)


@pytest.mark.parametrize("kind", ["source", "reference", "mean", "black", "noise", "blurred", "grey"])
def test_methods_that_are_merely_bad_are_not_suspected(tmp_path: Path, opened, shots, adopt, kind: str) -> None:
    pairs = {pair.pair_id: pair for pair in opened.pairs}
    mean = np.mean(list(shots.values()), axis=0).astype(np.uint8)
    made: dict[str, Callable[[str], Image]] = {
        "source": lambda pair_id: opened.source.image(pairs[pair_id].source),
        "reference": lambda pair_id: opened.source.image(pairs[pair_id].reference),
        "mean": lambda pair_id: mean,
        "black": lambda pair_id: np.zeros_like(mean),
        "noise": lambda pair_id: _noise(shots[pair_id]),
        "blurred": lambda pair_id: np.asarray(Pillow.fromarray(shots[pair_id]).resize((9, 9)).resize((128, 128))),
        "grey": lambda pair_id: np.repeat(shots[pair_id].mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2),
    }
    assert adopt(_write(tmp_path / "o", {pair_id: made[kind](pair_id) for pair_id in shots})).findings == []


def test_lossy_files_are_counted(tmp_path: Path, shots, adopt) -> None:
    _write(tmp_path / "o", shots)
    for number, (pair_id, image) in enumerate(shots.items()):
        if number < 5:
            (tmp_path / "o" / f"{pair_id}.png").unlink()
            suffix, options = [(".jpg", {"quality": 75}), (".webp", {"quality": 75}), (".webp", {"lossless": True})][
                number % 3
            ]
            buffer = io.BytesIO()
            Pillow.fromarray(image).save(buffer, format={".jpg": "JPEG", ".webp": "WEBP"}[suffix], **options)
            (tmp_path / "o" / f"{pair_id}{suffix}").write_bytes(buffer.getvalue())
    assert adopt(tmp_path / "o").taken == N
    assert delivery_notes(RunFolder(tmp_path / "run")) == [
        "outputs delivered in lossy formats: 2 JPEG, 2 lossy WebP of 40"
    ]
    (tmp_path / "run" / "delivered.json").write_text("{")
    with pytest.raises(UsageError, match="damaged"):
        delivery_notes(RunFolder(tmp_path / "run"))


def test_an_adopted_run_is_scored_over_the_same_pixels_again(
    tmp_path: Path, shots, adopt, opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dgbench.engine.score.scorer.load_judges", lambda name, weights=None: ColourJudges())
    adopt(_write(tmp_path / "o", shots))
    first = score_run(tmp_path / "run", judges="embedded").record
    lines = (tmp_path / "run" / "inputs" / "scored-embedded.jsonl").read_text().splitlines()
    assert {json.loads(line)["key"] for line in lines} == {key for pair in opened.pairs for key in pair.keys}
    assert score_run(tmp_path / "run", judges="embedded").record.digests == first.digests
    wrong = json.loads(lines[0]) | {"sha256": "0" * 64}
    (tmp_path / "run" / "inputs" / "scored-embedded.jsonl").write_text("\n".join([json.dumps(wrong), *lines[1:], ""]))
    with pytest.raises(UsageError, match=f"image {wrong['key']} is not the one that the run was made from"):
        score_run(tmp_path / "run", judges="embedded")
