"""Images on demand: the same bytes with or without the cache, keys of both kinds, damaged files rendered again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dgbench.core.errors import MissingError, UsageError
from dgbench.io.images import ImageError
from dgbench.protocols.registry import load_protocol
from dgbench.synthface.head.model import Head
from dgbench.synthface.sets import live
from dgbench.synthface.sets.live import SynthStore, open_synthface

KEY = "synthface-rafd/01/045/happy/left"
CROSS = "synthface-rafd/01@29/045/happy/left"


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []
    real = live.render_shot
    monkeypatch.setattr(live, "render_shot", lambda head, shot, **k: made.append(shot.key) or real(head, shot, **k))
    return made


def test_a_kept_image_is_the_rendered_one_and_is_not_rendered_again(
    tmp_path: Path, small_head: Head, monkeypatch: pytest.MonkeyPatch
):
    made = counted(monkeypatch)
    plain = SynthStore("rafd", size=64, head=small_head)
    first = SynthStore("rafd", size=64, head=small_head, cache=tmp_path)
    images = [plain.image(KEY), first.image(KEY), first.image(KEY)]
    assert made == [KEY, KEY]
    again = SynthStore("rafd", size=64, head=small_head, cache=tmp_path)
    images.append(again.image(KEY))
    assert made == [KEY, KEY]
    assert all(np.array_equal(image, images[0]) for image in images) and images[0].shape == (64, 64, 3)
    assert np.array_equal(again.landmarks(KEY).points, plain.landmarks(KEY).points)
    file = next(tmp_path.rglob("*.npz"))
    file.write_bytes(file.read_bytes()[:200])
    assert np.array_equal(SynthStore("rafd", size=64, head=small_head, cache=tmp_path).image(KEY), images[0])
    assert made == [KEY, KEY, KEY]


def test_memory_keeps_only_so_many(small_head: Head, monkeypatch: pytest.MonkeyPatch):
    made = counted(monkeypatch)
    store = SynthStore("rafd", size=64, head=small_head, keep=1)
    other = KEY.replace("045", "090")
    for key in (KEY, KEY, other, other, KEY):
        store.image(key)
    assert made == [KEY, other, KEY]


def test_the_cross_target_has_the_references_pose_and_landmarks_of_another_face(small_head: Head):
    store = SynthStore("rafd", size=64, head=small_head)
    reference = CROSS.replace("01@", "")
    assert store.pose(CROSS) == store.pose(reference)
    assert not np.array_equal(store.image(CROSS), store.image(reference))
    away = np.abs(store.landmarks(CROSS).points - store.landmarks(reference).points)[:, :2]
    assert away.max() < 12 and away.mean() < 5  # another shape in the same pose and expression


def test_membership_is_the_grammar_and_strangers_are_missing_images(small_head: Head):
    store = SynthStore("rafd", size=64, head=small_head)
    assert KEY in store and CROSS in store
    for key in ("synthface-rafd/06/045/happy/left", "synthface-rafd/06@01/045/happy/left", "", 5):
        assert key not in store
    with pytest.raises(ImageError) as caught:
        store.image("synthface-rafd/06/045/happy/left")
    assert caught.value.kind == "missing"


def test_protocols_open_their_world_from_the_head(tmp_path: Path, real_head: Head, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(live, "load_head", lambda path: real_head)
    store = open_synthface(load_protocol("synthface-multipie-largepose@1").protocol)
    key = "synthface-multipie/201@226/s1/r02/11_0/07"
    assert store.size == 256 and key in store and store.pose(key).yaw == -90
    (tmp_path / "synthface").mkdir()
    with pytest.raises(UsageError, match="leave --data out"):
        open_synthface(load_protocol("synthface-rafd-self@1").protocol, tmp_path)


def test_without_a_head_the_message_says_how_to_get_it():
    rafd = load_protocol("synthface-rafd-self@1").protocol
    with pytest.raises(MissingError, match="fetch-head"):
        open_synthface(rafd)
