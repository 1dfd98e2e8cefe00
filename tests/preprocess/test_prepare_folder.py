"""The folder of a preparation: a user's own is never touched, another store is refused, a whole one is left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from disc_faces import face_image

from dgbench.core.errors import UsageError
from dgbench.core.protocol import Frame
from dgbench.datasets.manifest import Manifest
from dgbench.networks.judges import Judges
from dgbench.preprocess.prepare import estimate_poses, prepare_store

EYE_MOUTH = Frame(size=64, crop="eye-mouth", landmarks=("yunet",))
ImageSet = Callable[..., Manifest]


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _three() -> dict[str, object]:
    return {"a": face_image(), "b": face_image(centre=(30, 25)), "none": face_image(radius=0)}


@pytest.mark.parametrize("place", ["parts/mine.txt", "images/deep/.keep.tmp", ".settings.tmp", "poses/p.csv"])
def test_a_folder_of_the_users_is_refused_and_nothing_in_it_is_touched(
    tmp_path: Path, image_set: ImageSet, disc_judges: Judges, place: str
) -> None:
    manifest = image_set({"a": face_image()})
    mine = tmp_path / "home" / place
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    for work in (
        lambda: prepare_store(manifest, ["k/a"], EYE_MOUTH, disc_judges, out=tmp_path / "home"),
        lambda: estimate_poses(manifest, ["k/a"], EYE_MOUTH, disc_judges, work=tmp_path / "home"),
    ):
        with pytest.raises(UsageError, match="holds something else"):
            work()
    assert _files(tmp_path / "home") == {place: b"mine"}


def test_poses_that_were_estimated_first_do_not_make_the_folder_anothers(
    tmp_path: Path, image_set: ImageSet, disc_judges: Judges
) -> None:
    manifest = image_set({"a": face_image()})
    estimate_poses(manifest, ["k/a"], EYE_MOUTH, disc_judges, work=tmp_path / "s/poses")
    assert prepare_store(manifest, ["k/a"], EYE_MOUTH, disc_judges, out=tmp_path / "s").written == 1


@pytest.mark.parametrize("begun", [False, True])
def test_another_preparation_is_refused(
    tmp_path: Path, image_set: ImageSet, disc_judges: Judges, *, begun: bool
) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    manifest = image_set(_three())
    if begun:
        with pytest.raises(KeyboardInterrupt):
            prepare_store(manifest, ["k/a"], EYE_MOUTH, disc_judges, out=tmp_path / "s", progress=stop)
    else:
        prepare_store(manifest, ["k/a"], EYE_MOUTH, disc_judges, out=tmp_path / "s")
    before = _files(tmp_path / "s")
    for keys, frame in ((["k/b"], EYE_MOUTH), (["k/a"], Frame(size=32, crop="eye-mouth", landmarks=("yunet",)))):
        with pytest.raises(UsageError, match="another preparation"):
            prepare_store(manifest, keys, frame, disc_judges, out=tmp_path / "s")
    assert _files(tmp_path / "s") == before


def test_a_whole_store_is_not_prepared_again_and_a_damaged_one_is(
    tmp_path: Path, image_set: ImageSet, disc_judges: Judges, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = image_set({**_three(), "bad": b"no image"})
    keys = manifest.frames["key"].tolist()
    first = prepare_store(manifest, keys, EYE_MOUTH, disc_judges, out=tmp_path / "s")
    whole = _files(tmp_path / "s")
    with monkeypatch.context() as patch:
        patch.setattr(disc_judges, "observe", lambda *_, **__: pytest.fail("looked for a face again"))
        assert prepare_store(manifest, keys[::-1], EYE_MOUTH, disc_judges, out=tmp_path / "s") == first
    assert _files(tmp_path / "s") == whole
    for name in ("index.parquet", "landmarks.npz", "store.json", next(n for n in whole if n.endswith(".png"))):
        (tmp_path / "s" / name).write_bytes(b"damaged")
        assert prepare_store(manifest, keys, EYE_MOUTH, disc_judges, out=tmp_path / "s") == first
        assert _files(tmp_path / "s") == whole, name
