"""Prepare, synth and train: SIGKILL at every commit point ends in the same bytes; too small a disk is refused."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from analytic_head import analytic_head
from cartoons import Cartoons, rows, tiny_config
from disc_faces import DiscDetector, DiscLandmarks, DiscPose, face_image
from killing import kill_everywhere
from PIL import Image as Pillow

from dgbench.core.digests import seed_of
from dgbench.core.errors import WorkFailedError
from dgbench.core.face import Image, Landmarks
from dgbench.core.protocol import Frame
from dgbench.datasets.manifest import Manifest, make_frames
from dgbench.io.locks import BusyError, folder_lock
from dgbench.models.dg.face_encoder import build_face_encoder
from dgbench.networks.judges import Judges
from dgbench.preprocess.prepare import prepare_store
from dgbench.synthface.sets import tree
from dgbench.synthface.sets.layouts import Selection
from dgbench.synthface.sets.tree import TreePlan, write_tree
from dgbench.training.dg.config import Phase
from dgbench.training.dg.features import cached_features
from dgbench.training.dg.frames import FrameBank
from dgbench.training.dg.frozen import FrozenNetworks
from dgbench.training.dg.loop import train
from dgbench.training.dg.state import finished_checkpoints


def _bytes_of(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _leave_nothing(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


Work = Callable[[Path], None]


def _preparation(tmp_path: Path) -> Work:
    root = tmp_path / "data"
    root.mkdir()
    table = []
    for number in range(10):
        Pillow.fromarray(face_image(centre=(30 + number, 25), radius=9 + number % 4)).save(root / f"{number}.png")
        table.append(
            {"key": f"k/{number}", "dataset": "multipie", "subject": "001", "camera": "05_1", "path": f"{number}.png",
             "container": "image"}
        )  # fmt: skip
    manifest = Manifest("multipie", root, make_frames(table))
    judges = Judges("open", detector=DiscDetector(), landmarks=DiscLandmarks(), pose=DiscPose())
    frame = Frame(size=64, crop="eye-mouth", landmarks=("yunet",))

    def work(out: Path) -> None:
        prepare_store(manifest, manifest.frames["key"], frame, judges, out=out, workers=1)

    return work


def _rendering(monkeypatch: pytest.MonkeyPatch) -> Work:
    def drawn(head: object, shot: tree.Shot, *, seed: int, canvas: tuple[int, int]) -> tuple[Image, Landmarks]:
        rng = np.random.default_rng(seed_of(shot.key, seed, canvas))
        points = rng.uniform(0, canvas[0], (68, 3)).astype(np.float32)
        image = rng.integers(0, 256, (canvas[1], canvas[0], 3), dtype=np.uint8)
        return image, Landmarks(points, rng.random(68).astype(np.float32), "truth")

    monkeypatch.setattr(tree, "render_shot", drawn)
    head = analytic_head()
    only = {"camera": frozenset({"090"}), "expression": frozenset({"happy"}), "gaze": frozenset({"left", "frontal"})}
    plan = TreePlan("rafd", 0, 64, Selection(identities=2, only=only))

    def work(out: Path) -> None:
        write_tree(plan, out, head, progress=False)

    return work


def _training() -> Work:
    torch.set_num_threads(1)  # the children are forked: no thread of the parent may be missed there
    phases = (Phase(stage="self", network="idsg", steps=1), Phase(stage="self", network="rfg", steps=1))
    config = tiny_config(phases=phases, save_every=1, log_every=1, grid_every=1)
    bank = FrameBank(Cartoons(), rows(), size=64)
    encoder = build_face_encoder(config.model)
    features = cached_features(bank, encoder, names=config.model.idsg.face_encoders, folder=None)

    def work(out: Path) -> None:
        train(config, bank=bank, features=features, frozen=FrozenNetworks(), out=out, resume=True)

    return work


def test_low_space_is_said_before_long_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    works = {
        r"10 prepared images need about 64 MB, and 50 MB are free": _preparation(tmp_path),
        r"4 images need about 64 MB, and 50 MB are free": _rendering(monkeypatch),
        r"the checkpoints need about \d+ MB, and 50 MB are free": _training(),
    }
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=50 << 20))
    for number, (words, work) in enumerate(works.items()):
        with pytest.raises(WorkFailedError, match=words):
            work(tmp_path / f"out-{number}")
    monkeypatch.undo()
    works.popitem()[1](tmp_path / "out-2")
    assert finished_checkpoints(tmp_path / "out-2"), "the same command goes on where there is room again"


def test_a_second_training_into_a_folder_learns_of_the_first(tmp_path: Path) -> None:
    with folder_lock(tmp_path / "run", purpose="train"), pytest.raises(BusyError, match="in use by process"):
        _training()(tmp_path / "run")


def test_a_killed_preparation(tmp_path: Path) -> None:
    prepare = _preparation(tmp_path)

    def work(out: Path = tmp_path / "store") -> None:
        prepare(out)

    work(tmp_path / "whole")
    whole = _bytes_of(tmp_path / "whole")

    def check(point: int) -> None:
        work()
        assert _bytes_of(tmp_path / "store") == whole, f"another store after point {point}"

    assert kill_everywhere(lambda: _leave_nothing(tmp_path / "store"), work, check) >= 30


def test_a_killed_rendering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = _rendering(monkeypatch)

    def work(out: Path = tmp_path / "tree") -> None:
        write(out)

    work(tmp_path / "whole")
    whole = _bytes_of(tmp_path / "whole")

    def check(point: int) -> None:
        work()
        assert _bytes_of(tmp_path / "tree") == whole, f"another tree after point {point}"

    assert kill_everywhere(lambda: _leave_nothing(tmp_path / "tree"), work, check) >= 30


def test_a_killed_training(tmp_path: Path) -> None:
    teach = _training()

    def work(out: Path = tmp_path / "run") -> None:
        teach(out)

    def result(out: Path) -> dict[str, str]:
        """The exported model and the last checkpoint; logs tell of each sitting and may differ."""
        step = finished_checkpoints(out)[-1].relative_to(out).as_posix()
        kept = (step, "model.safetensors", "dg.json")
        return {name: digest for name, digest in _bytes_of(out).items() if name.startswith(kept)}

    work(tmp_path / "whole")
    whole = result(tmp_path / "whole")
    assert len(whole) == 4

    def check(point: int) -> None:
        work()
        assert result(tmp_path / "run") == whole, f"another model after point {point}"

    assert kill_everywhere(lambda: _leave_nothing(tmp_path / "run"), work, check) >= 30
