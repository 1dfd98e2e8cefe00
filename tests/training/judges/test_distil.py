"""The pool and the distillation: what is taught to whom, framing, damage, and going on where it stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from dgbench.core.card import JudgeNetwork
from dgbench.core.face import Image
from dgbench.networks.align import ARCFACE_TEMPLATE
from dgbench.networks.identity import IdentityNetwork
from dgbench.synthface.sets.mini import MiniStore
from dgbench.training.judges.data import Faces
from dgbench.training.judges.degrade import ALONE, degraded, morphed, moved
from dgbench.training.judges.distil import DistilRecipe, distil, distil_loss, embeddings, framed, targets_of
from dgbench.training.judges.pool import KINDS, MARGIN, STORED, Pool, make_pool, read_pools, stored_crop, write_pool


class _MeanColours(IdentityNetwork):
    network = JudgeNetwork(role="identity", name="mean-colours", sha256="0" * 64)

    def raw(self, aligned: Image) -> np.ndarray:
        return np.resize(aligned.mean((0, 1)), 128).astype(np.float32)


@pytest.fixture(scope="module")
def faces() -> Faces:
    store = MiniStore()
    keys = [f"synthface-mini/s{who:04d}/{cell}" for who in range(129, 133) for cell in ("c00", "c01", "c02", "c10")]
    marks = [store.landmarks(key) for key in keys]
    return Faces(
        np.stack([store.image(key) for key in keys]),
        np.stack([one.points for one in marks]),
        np.stack([one.visibility for one in marks]),
        np.array([[p.yaw, p.pitch, p.roll] for p in map(store.pose, keys)], np.float32),
        np.array([int(key[16:20]) for key in keys], np.int64),
    )


@pytest.fixture(scope="module")
def pool(faces: Faces) -> Pool:
    return make_pool(faces, _MeanColours(), samples=48, seed=0)


def test_every_kind_is_drawn_and_profiles_stay_as_they_are(faces: Faces, pool: Pool, tmp_path: Path) -> None:
    assert {KINDS[kind] for kind in pool.kind} >= {"plain", "degraded"}
    profile = np.abs(pool.yaw) > 80
    assert profile.sum() == 12 and (pool.kind[profile] == 0).all() and (pool.person[profile] >= 129).all()
    assert (pool.person[pool.kind > 0] == -1).all()
    lengths = np.linalg.norm(pool.teacher, axis=1)
    np.testing.assert_allclose(lengths, np.where(profile, 0, 1), atol=1e-6)
    write_pool(make_pool(faces, _MeanColours(), samples=48, seed=0), tmp_path / "pool.npz")
    again = read_pools([tmp_path / "pool.npz", tmp_path / "pool.npz"])
    np.testing.assert_array_equal(again.crops[48:], pool.crops)
    assert (make_pool(faces, _MeanColours(), samples=48, seed=1).crops != pool.crops).any()


def test_the_framed_crop_has_the_points_where_arcface_has_them() -> None:
    image = np.zeros((256, 256, 3), np.uint8)
    five = ARCFACE_TEMPLATE * 1.5 + 40
    for x, y in five:
        cv2.circle(image, (round(x), round(y)), 5, (255, 255, 255), -1)
    view = framed(stored_crop(image, five + 0.5)[None], None)[0, 0].numpy()
    assert view.shape == (80, 80)
    for x, y in (ARCFACE_TEMPLATE + 0.5) * 80 / 112 - 0.5:
        patch = view[round(y) - 4 : round(y) + 5, round(x) - 4 : round(x) + 5]
        rows, columns = np.mgrid[-4:5, -4:5]
        assert abs((patch * columns).sum() / patch.sum() + round(x) - x) < 0.6
        assert abs((patch * rows).sum() / patch.sum() + round(y) - y) < 0.6
    assert STORED / MARGIN == 80


def test_targets() -> None:
    teacher = np.zeros((6, 128), np.float32)
    teacher[0, 0] = teacher[1, 1] = teacher[3, 2] = 1
    teacher[4] = teacher[0]
    pool = Pool(
        np.zeros((6, 100, 100, 3), np.uint8),
        teacher,
        np.array([0, 10, 80, 5, 40, 85], np.float32),
        np.array([7, 7, 7, -1, 7, 9], np.int64),
        np.array([0, 0, 0, 1, 0, 0], np.int8),
    )
    targets = targets_of(pool)
    # Person 9 has no frontal view, so nothing can be taught of the profile.
    assert targets.taught.tolist() == [True, True, True, True, True, False]
    mean = np.zeros(128)
    mean[:2] = 2**-0.5
    np.testing.assert_allclose(targets.vectors[2], mean, atol=1e-6)
    np.testing.assert_array_equal(targets.vectors[[0, 1, 3]], teacher[[0, 1, 3]])
    between = 0.5 * teacher[4] + 0.5 * mean
    np.testing.assert_allclose(targets.vectors[4], between / np.linalg.norm(between), atol=1e-6)
    assert targets.person.tolist() == [0, 0, 0, -1, 0, -1] and len(targets.means) == 1


def test_the_loss_is_of_vectors_and_of_their_cosines() -> None:
    wanted = torch.eye(2, 128)
    assert float(distil_loss(wanted, wanted, structure=4.0)) == 0
    same = torch.zeros(2, 128)
    same[:, 0] = 1
    assert float(distil_loss(same, wanted, structure=0.0)) == pytest.approx(0.5)
    assert float(distil_loss(same, wanted, structure=4.0)) == pytest.approx(0.5 + 4 * 2 / 4)


def test_damage_changes_an_image_and_leaves_its_shape(faces: Faces) -> None:
    image = faces.images[0]
    for way, _ in ALONE:
        made = way(image, np.random.default_rng(3))
        assert made.shape == image.shape and made.dtype == np.uint8
        assert np.abs(made.astype(int) - image).mean() > 0.2, way.__name__
        np.testing.assert_array_equal(made, way(image, np.random.default_rng(3)))
    np.testing.assert_array_equal(degraded(image, np.random.default_rng(1)), degraded(image, np.random.default_rng(1)))


def test_a_morph_begins_at_the_first_and_ends_at_the_second(faces: Faces) -> None:
    one, other = faces.images[0], faces.images[4]
    points = (faces.points[0, :, :2], faces.points[4, :, :2])
    start, where = morphed(one, other, points, share=0.0)
    assert np.abs(start.astype(int) - one).mean() < 1.5
    np.testing.assert_allclose(where, points[0], atol=1e-4)
    end, where = morphed(one, other, points, share=1.0)
    assert np.abs(end.astype(int) - other).mean() < 1.5
    np.testing.assert_allclose(where, points[1], atol=1e-4)
    still, _ = moved(one, *points, share=0.0)
    assert np.abs(still.astype(int) - one).mean() < 1.5
    gone, where = moved(one, *points, share=1.0)
    assert np.abs(gone.astype(int) - one).mean() > 3
    np.testing.assert_allclose(where, points[1], atol=1e-4)


@pytest.mark.slow
def test_training_goes_on_where_it_stopped_and_learns(pool: Pool, tmp_path: Path) -> None:
    recipe = DistilRecipe(steps=6, batch=16)
    losses: list[float] = []
    whole = distil(pool, recipe, tmp_path / "whole", on_step=lambda step, _, loss: losses.append(loss))
    distil(pool, recipe, tmp_path / "parts", until=3)
    parts = distil(pool, recipe, tmp_path / "parts")
    for first, second in zip(whole.state_dict().values(), parts.state_dict().values(), strict=True):
        torch.testing.assert_close(first, second)
    assert np.mean(losses[3:]) < np.mean(losses[:2])
    rows = embeddings(parts, pool.crops[:5])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    mirrored = embeddings(parts, np.ascontiguousarray(pool.crops[:5, :, ::-1]))
    np.testing.assert_allclose(rows, mirrored, atol=1e-4)
    other = distil(pool, replace(recipe, seed=1), tmp_path / "other")
    assert (embeddings(other, pool.crops[:1]) != rows[:1]).any()
