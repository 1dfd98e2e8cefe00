"""The cache of what judges saw: keys by content, and every field back as it was."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dgbench.core.face import FaceObservation, Landmarks, Pose
from dgbench.scoring.feature_cache import CachedObservation, ObservationCache, image_key

IMAGE = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
FULL = FaceObservation(
    detected=True,
    score=0.75,
    points5=np.ones((5, 2), np.float32),
    alignment="detector",
    embedding=np.array([0.6, 0.8], np.float32),
    landmarks=Landmarks(np.full((68, 3), 2, np.float32), np.full(68, 0.5, np.float32), "net"),
    pose=Pose(1.5, -2.5, 3.5),
)
NOTHING = FaceObservation(False, 0.0, None, "none", None, None, None)


def same(first, second) -> bool:
    if dataclasses.is_dataclass(first):
        return all(same(getattr(first, f.name), getattr(second, f.name)) for f in dataclasses.fields(first))
    return np.array_equal(first, second) if isinstance(first, np.ndarray) else first == second


def test_the_key_is_of_pixels_shape_and_points():
    keys = {
        image_key(IMAGE),
        image_key(IMAGE.reshape(2, 8, 3)),
        image_key(IMAGE[::-1]),
        image_key(IMAGE, np.zeros((5, 2))),
        image_key(IMAGE, np.ones((5, 2))),
    }
    assert len(keys) == 5
    assert image_key(IMAGE) == image_key(IMAGE.copy())
    assert image_key(np.asfortranarray(IMAGE)) == image_key(IMAGE)


def test_every_field_comes_back_in_this_process_and_the_next(tmp_path):
    kept = {
        "a" * 64: CachedObservation(seen=FULL),
        "b" * 64: CachedObservation(seen=NOTHING),
        "c" * 64: CachedObservation(features=np.arange(3, dtype=np.float32)),
    }
    store = ObservationCache(tmp_path, judged_by="x")
    store.put(kept)
    for opened in (store, ObservationCache(tmp_path, judged_by="x")):
        assert len(opened) == 3
        for key, value in kept.items():
            assert key in opened
            assert same(value.seen, opened.get(key).seen)
            assert same(value.features, opened.get(key).features)
    assert len(ObservationCache(tmp_path, judged_by="y")) == 0
    with pytest.raises(KeyError):
        store.get("d" * 64)


def test_few_blocks_are_open_at_once_and_none_is_lost(tmp_path):
    store = ObservationCache(tmp_path, judged_by="x")
    for number in range(40):
        store.put({f"{number:064d}": CachedObservation(features=np.full(3, number, np.float32))})
    assert len(store._blocks) <= 16
    for number in range(40):
        assert store.get(f"{number:064d}").features[0] == number
    assert len(store._blocks) <= 16
