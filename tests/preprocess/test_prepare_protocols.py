"""The ten protocols over tiny copies in the real grammars: index, prepare, pairs, copies of inputs, a second copy."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from disc_faces import face_image
from PIL import Image as Pillow

from dgbench.core.face import Image
from dgbench.datasets.multipie import EXPRESSIONS, YAWS
from dgbench.datasets.rafd import CAMERAS, GAZES, rafd_name
from dgbench.datasets.rafd import EXPRESSIONS as RAFD_EXPRESSIONS
from dgbench.datasets.registry import reader
from dgbench.engine.run.methods import build_method
from dgbench.engine.run.runner import run_method
from dgbench.io.video import write_video
from dgbench.networks.judges import Judges
from dgbench.preprocess.protocol_store import prepare_protocol
from dgbench.preprocess.store import PreparedStore
from dgbench.protocols.export import export_pairs
from dgbench.protocols.pairs_file import pairs_csv
from dgbench.protocols.registry import load_protocol

Files = dict[str, Image | list[Image]]


def _face(name: str, *, side: int = 64) -> Image:
    """A face somewhere in a square image, by the file's name alone; its place is what the stand-in calls its yaw."""
    spot = hashlib.sha256(name.encode()).digest()
    return face_image(width=side, height=side, centre=(20 + spot[0] % 25, 24 + spot[1] % 16), radius=10)


def _rafd() -> Files:
    return {
        name: _face(name)
        for who in ("47", "55")
        for camera in CAMERAS
        for expression in RAFD_EXPRESSIONS
        for gaze in GAZES
        for name in [rafd_name(who, camera, expression, gaze)]
    }


def _multipie() -> Files:
    files: Files = {}
    for who in ("201", "202", "301", "001"):
        for session, recording in EXPRESSIONS:
            if session > 2:
                continue
            for camera in (*YAWS, "08_1"):
                name = f"{who}_{session:02d}_{recording:02d}_{camera.replace('_', '')}_07.png"
                path = f"data/session{session:02d}/multiview/{who}/{recording:02d}/{camera}/{name}"
                files[path] = _face(path)
    return files


def _clip(name: str, count: int = 31) -> list[Image]:
    """A face that moves across: by the stand-in's pose (its left edge in pixels) from near-frontal to far."""
    return [face_image(width=96, height=96, centre=(20 + 2 * i, 40), radius=10) for i in range(count)]


def _voxceleb1() -> Files:
    files: Files = {}
    for who in ("id10280", "id10281", "id10306"):
        for video in ("-_a-b_c-d_e", "NXjT3732Ekg"):
            name = f"test/{who}#{video}#001093#001124.mp4"
            files[name] = _clip(name)
    return files


def _voxceleb2() -> Files:
    names = [
        f"test/mp4/{who}/{video}/{utterance}.mp4"
        for who in ("id00017", "id00061")
        for video in ("_Uxsk56VDQ-", "21Uxsk56VDQ")
        for utterance in ("00001", "00002")
    ]
    return {name: _clip(name) for name in names}


TREES: dict[str, Callable[[], Files]] = {
    "rafd": _rafd,
    "multipie": _multipie,
    "voxceleb1": _voxceleb1,
    "voxceleb2": _voxceleb2,
}
#: Protocol → pairs that the tiny copy must cover; ``None`` where partners decide, then counted in the test.
EXPECTED = {
    "rafd-self": 160,
    "rafd-cross": None,
    "multipie-self": 39,
    "multipie-cross": None,
    "multipie-largepose": None,
    "voxceleb1-self": 36,
    "voxceleb1-cross": None,
    "voxceleb2-self": 20,
    "voxceleb2-cross": 20,
    "voxceleb2-largepose": 20,
}


def _write(root: Path, files: Files, *, backwards: bool = False) -> None:
    for name in sorted(files, reverse=backwards):
        content = files[name]
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, list):
            write_video(path, content, fps=10, quality=8)
        else:
            Pillow.fromarray(content).save(path, **({"quality": 95} if name.endswith("jpg") else {}))


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Path]]:
    """Two copies of each tiny data set, the second written in the opposite order; each written once."""
    written: dict[str, tuple[Path, Path]] = {}

    def get(dataset: str) -> tuple[Path, Path]:
        if dataset not in written:
            files = TREES[dataset]()
            base = tmp_path_factory.mktemp(dataset)
            _write(base / "one", files)
            _write(base / "two", files, backwards=True)
            written[dataset] = (base / "one", base / "two")
        return written[dataset]

    return get


@pytest.fixture
def stand_in(disc_judges: Judges, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("dgbench.preprocess.protocol_store.load_judges", lambda *_, **__: disc_judges)
    return iter(())


class _Backwards:
    """``os.scandir`` as on a disk that lists in another order."""

    def __init__(self, path: Path, *, real: Callable = os.scandir) -> None:
        with real(path) as entries:
            self.entries = sorted(entries, key=lambda entry: entry.name[::-1], reverse=True)

    def __enter__(self) -> list[os.DirEntry[str]]:
        return self.entries

    def __exit__(self, *_: object) -> None:
        return None


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.slow
def test_a_protocol_from_files_to_generated_images(
    name: str,
    tmp_path: Path,
    copies: Callable[[str], tuple[Path, Path]],
    stand_in: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded = load_protocol(name)
    one, two = copies(loaded.protocol.dataset)
    done = prepare_protocol(loaded, one, tmp_path / "store", workers=1)
    assert done.images.failed == {} and done.images.written == done.images.asked > 0
    assert done.expected == loaded.protocol.expected_pairs
    if EXPECTED[name] is None:
        assert done.pairs > 10
    else:
        assert done.pairs == EXPECTED[name]
    if name == "rafd-cross":
        both = [pair for pair in loaded.pairs() if {pair.source_identity, pair.reference_identity} == {"47", "55"}]
        assert done.pairs == len(both)

    store = PreparedStore(tmp_path / "store", frame=loaded.protocol.frame)
    pairs = [pair for pair in loaded.pairs(store.manifest()) if all(key in store for key in pair.keys)]
    assert len(pairs) == done.pairs
    for pair in pairs[:5]:
        assert store.image(pair.source).shape == (256, 256, 3) and store.landmarks(pair.reference) is not None

    if name in ("rafd-cross", "multipie-cross"):  # a frozen list and one built by rule come out alike
        out = export_pairs(loaded.protocol, pairs[:5], store, tmp_path / "export", with_targets=True, readme="")
        assert (out.pairs, out.failed) == (5, {}) and out.landmarks == out.images > 5

    for baseline in ("copy-source", "copy-reference"):
        summary = run_method(loaded, build_method(baseline), out=tmp_path / baseline, data=tmp_path / "store", limit=8)
        assert summary.generated == min(8, done.pairs) and summary.failed == {}
        assert summary.expected == loaded.protocol.expected_pairs

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", _Backwards)
        if name.endswith("largepose") and loaded.protocol.dataset == "voxceleb2":
            prepare_protocol(loaded, two, tmp_path / "second", workers=2)
        again = reader(loaded.protocol.dataset)(two)
    # A frozen list is the same by itself; what is compared there is what this copy covers.
    have = set(again.frames["key"])
    second = [pair for pair in loaded.pairs(again) if all(key in have for key in pair.keys)]
    assert pairs_csv(second) == pairs_csv(pairs)


def test_poses_of_a_copy_decide_its_large_pose_pairs(
    tmp_path: Path, copies: Callable[[str], tuple[Path, Path]], stand_in: None
) -> None:
    loaded = load_protocol("voxceleb2-largepose")
    prepare_protocol(loaded, copies("voxceleb2")[0], tmp_path / "store", workers=1)
    store = PreparedStore(tmp_path / "store")
    frames = store.manifest().frames
    assert set(frames["pose_source"].dropna()) == {"disc-pose"}, "the estimator is part of the record"
    pairs = loaded.pairs(store.manifest())
    assert {pair.bin for pair in pairs} <= {"45", "60", "75"} and len({pair.bin for pair in pairs}) > 1
    yaw = dict(zip(frames["key"], frames["yaw"], strict=True))
    assert all(abs(yaw[pair.source]) <= 30 and abs(yaw[pair.reference]) >= 45 for pair in pairs)
    assert np.isfinite(list(yaw.values())).all()
