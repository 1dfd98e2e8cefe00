"""The mini set of the package: complete, exact, quick to open, small, and what the head renders."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import mini_build
import numpy as np
import pytest
from mini_build import build_mini, quantise, render_mini

from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import MissingError, UsageError
from dgbench.core.face import Landmarks
from dgbench.io.images import ImageError
from dgbench.protocols.registry import list_protocols, load_protocol
from dgbench.synthface.head.model import HEAD_NOTICE, Head
from dgbench.synthface.sets.mini import FILES, MiniStore, mini_folder, open_mini
from dgbench.synthface.sets.mini_cells import (
    GROUPS,
    TEST,
    TEST_CELLS,
    TRAIN,
    TRAIN_CELLS,
    cells_of,
    key_of,
    mini_shot,
    mini_shots,
)
from dgbench.synthface.sets.reader import read_synthface


@pytest.fixture(scope="module")
def store() -> MiniStore:
    return MiniStore()


def test_every_person_is_there_in_every_cell_and_nothing_else_is(store: MiniStore):
    assert store.keys() == [shot.key for shot in mini_shots()]
    assert len(store) == len(TRAIN) * TRAIN_CELLS + len(TEST) * len(TEST_CELLS) == 1280
    frames = store.manifest().frames
    assert list(frames["key"]) == store.keys()
    assert frames["subject"].nunique() == 160 and set(frames["split_official"]) == {"train", "test"}


def test_it_fits_into_fourteen_megabytes_and_carries_the_heads_notice():
    assert sum(path.stat().st_size for path in mini_folder().iterdir()) < 14_000_000
    about = json.loads((mini_folder() / "about.json").read_text())
    assert about["notice"] == HEAD_NOTICE and about["images"] == 1280


def test_every_image_decodes_to_what_was_released(store: MiniStore):
    listed = dict(zip(store.manifest().frames["key"], store.manifest().frames["sha256"], strict=True))
    for place, key in enumerate(store.keys()):
        assert sha256_bytes(store.encoded(key)) == listed[key]
        if place % 40 == 0:
            image = store.image(key)
            assert image.shape == (128, 128, 3) and image.dtype == np.uint8 and image.std() > 10
            assert np.array_equal(quantise(image), image)


def test_landmarks_lie_in_the_picture_but_for_some_open_mouths_chin(store: MiniStore):
    whole = 0
    keys = store.keys()
    for key in keys:
        marks = store.landmarks(key)
        assert isinstance(marks, Landmarks) and marks.origin == "truth"
        places = marks.points[:, :2]
        whole += bool(((places > 0) & (places < store.size)).all())
        assert ((places > 0) & (places < store.size + 8)).all()
        assert (
            abs(float(marks.points[:, 2].mean())) < 0.1 and marks.visibility.min() >= 0 and marks.visibility.max() <= 1
        )
    assert whole >= 0.97 * len(keys)


def test_the_far_eye_is_hidden_and_both_are_seen_from_the_front(store: MiniStore):
    ahead, turned = [], []
    for number in TEST:
        for cell, settings in TEST_CELLS.items():
            seen = store.landmarks(key_of(number, cell)).visibility
            image_left, image_right = float(seen[36:42].mean()), float(seen[42:48].mean())
            if abs(settings[0]) >= 60:
                far, near = (image_left, image_right) if settings[0] < 0 else (image_right, image_left)
                turned.append((far, near))
            elif cell == "c00":
                ahead.append(min(image_left, image_right))
    assert np.min(ahead) > 0.6
    assert all(far <= near for far, near in turned)  # hair may hide both
    assert np.mean([far for far, _ in turned]) < 0.2 < 0.6 < np.mean([near for _, near in turned])


def test_the_nose_points_where_the_yaw_says(store: MiniStore):
    for number in TEST:
        for cell in TEST_CELLS:
            marks, pose = store.landmarks(key_of(number, cell)), store.pose(key_of(number, cell))
            nose = marks.points[30, 0] - marks.points[[36, 45], 0].mean()
            assert abs(pose.yaw) < 15 or np.sign(nose) == np.sign(pose.yaw)


def test_people_of_a_group_share_their_cells_to_the_last_weight():
    def performed(number: int, cell: str) -> tuple:
        scene = mini_shot(number, cell).scene
        return (
            scene.yaw,
            scene.pitch,
            scene.roll,
            tuple(scene.expression.items()),
            scene.gaze,
            scene.light,
            scene.zoom,
        )

    for cell in TEST_CELLS:
        assert len({performed(number, cell) for number in TEST}) == 1
    for group in range(GROUPS):
        members = [number for number in TRAIN if (number - 1) % GROUPS == group]
        assert len(members) == 16 and len({cells_of(number) for number in members}) == 1
        for cell in cells_of(members[0]):
            assert len({performed(number, cell) for number in members}) == 1


def test_half_of_the_test_cells_are_large_poses_and_training_covers_all_yaws(store: MiniStore):
    yaws = [settings[0] for settings in TEST_CELLS.values()]
    assert sum(abs(yaw) <= 30 for yaw in yaws) == sum(abs(yaw) >= 45 for yaw in yaws) == 6
    frames = store.manifest().frames
    trained = frames.loc[frames["split_official"] == "train", "yaw"]
    assert (np.histogram(trained, bins=np.linspace(-90, 90, 13))[0] >= 16).all()


def test_expression_and_light_of_an_image_are_known(store: MiniStore):
    scene = store.scene("synthface-mini/s0140/c01")
    assert scene.expression["mouthSmile_L"] > 0.4 and scene.light.flashes[0].direction[0] < 0
    row = store.manifest().frames.set_index("key").loc["synthface-mini/s0140/c01"]
    assert (row["expression"], row["clip"], row["yaw"]) == ("happy", "left", -20.0)


def test_it_opens_for_the_protocols_that_use_it():
    for loaded in list_protocols():
        if loaded.protocol.dataset == "synthface-mini":
            assert open_mini(loaded.protocol).size == loaded.protocol.frame.size
    protocol = load_protocol("synthface-mini-self@1").protocol
    larger = protocol.model_copy(update={"frame": protocol.frame.model_copy(update={"size": 256})})
    with pytest.raises(UsageError, match="wants 256 px"):
        open_mini(larger)


def test_unknown_keys_are_missing_images(store: MiniStore):
    for ask in (store.image, store.landmarks, store.pose, store.scene):
        with pytest.raises(ImageError) as caught:
            ask("synthface-mini/s0001/c00")
        assert caught.value.kind == "missing"
    assert "synthface-mini/s0001/c00" not in store


def test_a_folder_without_the_set_or_with_a_damaged_one_is_refused(tmp_path: Path):
    with pytest.raises(MissingError, match="incomplete"):
        MiniStore(tmp_path)
    with pytest.raises(UsageError, match="leave --data out"):
        open_mini(load_protocol("synthface-mini-self@1").protocol, tmp_path)
    for name in FILES:
        shutil.copy(mini_folder() / name, tmp_path / name)
    assert len(read_synthface(tmp_path).frames) == 1280
    (tmp_path / "truth.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(UsageError, match="damaged mini set"):
        MiniStore(tmp_path)


def test_a_set_built_anew_reads_back(tmp_path: Path, small_head: Head):
    shots = [mini_shot(129, cell) for cell in ("c00", "c06", "c10")]
    build_mini(tmp_path, small_head, shots=shots)
    built = MiniStore(tmp_path)
    assert built.keys() == [shot.key for shot in shots]
    for shot in shots:
        rendered = mini_build.render(small_head, mini_build.someone(129, 0), shot.scene)
        assert np.array_equal(built.image(shot.key), quantise(rendered.image))
        off = built.landmarks(shot.key).points - rendered.landmarks.points
        assert np.abs(off).max() <= 1 / 256 + 1e-5
        assert built.pose(shot.key) == rendered.pose


def test_rounding_moves_no_level_by_more_than_three():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    moved = np.abs(quantise(image).astype(int) - image)
    assert moved.max() <= 3 and np.array_equal(quantise(quantise(image)), quantise(image))


@pytest.mark.parametrize("number", [1, 77, 131, 160])
@pytest.mark.slow
def test_the_head_renders_the_shipped_bytes(store: MiniStore, real_head: Head, number: int):
    for cell in (cells_of(number)[0], cells_of(number)[-1]):
        made, key = render_mini(real_head, mini_shot(number, cell)), key_of(number, cell)
        assert made.encoded == store.encoded(key), f"{key} is no longer what the head renders"
        assert np.array_equal(made.points / np.float32(128), store.landmarks(key).points)
        assert np.array_equal(made.visibility / np.float32(255), store.landmarks(key).visibility)
