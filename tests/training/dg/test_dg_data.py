"""Training data: who is drawn, what is a truth, what augmentation moves, and what bad data say."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from cartoons import Cartoons, rows, tiny_config

from dgbench.core.errors import UsageError
from dgbench.core.protocol import IdList, NumberRange
from dgbench.datasets.manifest import make_frames
from dgbench.models.dg.face_encoder import Joined, Thumbnail, build_face_encoder
from dgbench.training.dg.augment import draw_similarities, move_images, move_points
from dgbench.training.dg.batches import idsg_batch, rfg_batch
from dgbench.training.dg.draws import Drawer
from dgbench.training.dg.features import cached_features
from dgbench.training.dg.frames import FrameBank, TrainingRow, rows_of_manifest


def test_draws_are_a_function_of_seed_name_and_step(bank: FrameBank) -> None:
    one, other = Drawer(bank, seed=1), Drawer(bank, seed=1)
    first = one.draw("self-idsg", 7, 16)
    other.draw("self-idsg", 3, 16)
    again = other.draw("self-idsg", 7, 16)
    for name in ("reference", "own", "other", "truth"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
    for different in (Drawer(bank, seed=2).draw("self-idsg", 7, 16), one.draw("self-idsg", 8, 16)):
        assert not np.array_equal(first.reference, different.reference)


def test_a_draw_says_what_it_is(bank: FrameBank) -> None:
    draw = Drawer(bank, seed=0).draw("x", 0, 200)
    cells = np.array([row.cell for row in bank.rows])
    assert (bank.subject[draw.reference] == bank.subject[draw.own]).all() and (draw.reference != draw.own).all()
    assert (bank.subject[draw.reference] != bank.subject[draw.other]).all()
    assert (draw.truth >= 0).all()
    assert (bank.subject[draw.truth] == bank.subject[draw.other]).all()
    assert (cells[draw.truth] == cells[draw.reference]).all() and (draw.truth != draw.other).all()
    counts = np.bincount(bank.subject[draw.reference], minlength=4)
    assert counts.min() > 30  # balanced over people


def test_where_no_cell_is_shared_there_is_no_truth() -> None:
    lonely = [TrainingRow(row.key, row.subject, "") for row in rows()]
    bank = FrameBank(Cartoons(), lonely, size=64)
    assert (Drawer(bank, seed=0).draw("x", 0, 50).truth == -1).all()


def test_people_with_many_images_do_not_dominate() -> None:
    many = [*rows(1, 40), *rows(3, 2, first=1)]
    bank = FrameBank(Cartoons(), many, size=64)
    draw = Drawer(bank, seed=0).draw("x", 0, 400)
    assert np.bincount(bank.subject[draw.reference]).min() > 60


def test_bad_data_say_what_is_wrong() -> None:
    everything = rows(3, 3)
    partly = FrameBank(Cartoons(missing=frozenset({"p00/c00", "p01/c01"})), everything, size=64)
    assert partly.left_out == 2 and len(partly) == 7
    with pytest.raises(UsageError, match=r"hold 0 \(9 of 9 images have no landmarks; run `dgbench data prepare`"):
        FrameBank(Cartoons(missing=frozenset(row.key for row in everything)), everything, size=64)
    with pytest.raises(UsageError, match=r"at least two people .* hold 1"):
        FrameBank(Cartoons(), rows(1, 5), size=64)
    with pytest.raises(UsageError, match="every person has one"):
        FrameBank(Cartoons(), rows(4, 1), size=64)

    class Mixed(Cartoons):
        def image(self, key: str) -> np.ndarray:
            image = super().image(key)
            return image[:50] if key == "p01/c01" else image

    with pytest.raises(UsageError, match=r"p01/c01: 64×50 px among 64 px"):
        FrameBank(Mixed(), everything, size=64)


def test_images_are_brought_to_the_models_size_and_landmarks_with_them() -> None:
    large = FrameBank(Cartoons(size=128), rows(2, 2), size=64)
    small = FrameBank(Cartoons(size=64), rows(2, 2), size=64)
    assert large.images(np.arange(4)).shape == (4, 3, 64, 64)
    assert torch.allclose(large.points, small.points, atol=1e-5)
    assert (large.images(np.arange(4)) - small.images(np.arange(4))).abs().mean() < 0.05


def test_manifest_rows_keep_to_the_people_and_name_cells() -> None:
    frames = pd.DataFrame(
        {
            "key": ["a/1", "a/2", "b/1"],
            "dataset": ["rafd"] * 3,
            "subject": ["s01", "s01", "s02"],
            "camera": pd.Series(["c1", None, "c1"], dtype="object"),
            "expression": pd.Series(["happy", None, "happy"], dtype="object"),
            "gaze": pd.Series([None] * 3, dtype="object"),
            "illumination": pd.array([3, None, 3], dtype="Int64"),
            "flash": pd.array([None, None, None], dtype="boolean"),
        }
    )
    found = rows_of_manifest(frames, NumberRange(first=1, last=2))
    assert [row.cell for row in found] == ["c1|happy||3|", "", "c1|happy||3|"]
    assert [row.key for row in rows_of_manifest(frames, IdList(ids=("s02",)))] == ["b/1"]


def test_the_images_of_a_self_pair_are_of_one_session_and_light_or_of_one_clip() -> None:
    for dataset, columns, values in (
        ("multipie", ("session", "illumination"), [(1, 7), (1, 7), (1, 8), (2, 7), (2, 7), (1, 7)]),
        ("voxceleb1", ("video", "clip"), [("v", "1"), ("v", "1"), ("v", "2"), ("w", "1"), ("w", "1"), ("v", "1")]),
    ):
        table = [
            {"key": f"p{person:02d}/c{place:02d}", "dataset": dataset, "subject": f"{person}", "path": "-",
             "camera": "05_1" if dataset == "multipie" else None, **dict(zip(columns, taken, strict=True))}
            for person in range(4)
            for place, taken in enumerate(values)
        ]  # fmt: skip
        found = rows_of_manifest(make_frames(table), NumberRange(first=0, last=9))
        bank = FrameBank(Cartoons(), found, size=64)
        moments = np.array([row.moment for row in bank.rows])
        assert len(set(moments)) == 3
        draw = Drawer(bank, seed=0).draw("x", 0, 300)
        assert (moments[draw.reference] == moments[draw.own]).all()
        with_truth = draw.truth >= 0
        assert (moments[draw.truth[with_truth]] == moments[draw.other[with_truth]]).all()
        alone = moments[draw.reference] == moments[2]
        assert ((draw.reference == draw.own) == alone).all(), "an image without a companion is its own source"


def test_features_are_cached_and_a_damaged_cache_is_made_again(bank: FrameBank, tmp_path: Path) -> None:
    calls = 0

    class Counted(Thumbnail):
        def encode(self, images, landmarks):  # type: ignore[no-untyped-def]
            nonlocal calls
            calls += len(images)
            return super().encode(images, landmarks)

    def get(names: tuple[str, ...] = ("thumbnail",)) -> torch.Tensor:
        return cached_features(bank, Joined([Counted()]), names=names, folder=tmp_path)

    first = get()
    assert calls == 17 and torch.equal(get(), first) and calls == 18  # one image tells the weights
    (cache,) = tmp_path.glob("features-*.safetensors")
    cache.write_bytes(cache.read_bytes()[:100])
    assert torch.equal(get(), first) and calls == 35
    get(("other",))
    assert calls == 52 and len(list(tmp_path.glob("features-*"))) == 2

    class Repainted(Cartoons):
        def image(self, key: str) -> np.ndarray:
            return 255 - super().image(key)

    assert FrameBank(Repainted(), rows(), size=64).content() != bank.content()  # same keys, other pictures


def test_augmentation_moves_image_and_landmarks_together() -> None:
    size, points = 64, torch.rand(8, 68, 3, generator=torch.Generator().manual_seed(0)) * 0.4 + 0.3
    images = torch.zeros(8, 3, size, size)
    for index in range(8):
        canvas = np.zeros((size, size), np.float32)
        cv2.circle(canvas, tuple(int(v) for v in points[index, 0, :2] * size), 2, 1.0, -1)
        images[index] = torch.from_numpy(canvas)
        points[index, 0, :2] = (points[index, 0, :2] * size).floor() / size + 0.5 / size
    moves = draw_similarities(8, share=1.0, seed=3)
    moved_points, moved = move_points(points, moves), move_images(images, moves)
    grid = (torch.arange(size) + 0.5) / size
    for index in range(8):
        weight = moved[index, 0] / moved[index, 0].sum()
        found = torch.stack([(weight.sum(0) * grid).sum(), (weight.sum(1) * grid).sum()])
        assert torch.allclose(found, moved_points[index, 0, :2], atol=0.5 / size)
        before = torch.linalg.vector_norm(points[index, 1] - points[index, 2])
        after = torch.linalg.vector_norm(moved_points[index, 1] - moved_points[index, 2])
        scale = torch.linalg.vector_norm(moves[index, :, 0])
        assert torch.allclose(after, before * scale, atol=1e-5)
    assert not torch.allclose(moved_points, points, atol=0.01)


def test_augmentation_of_nobody_copies_bits() -> None:
    images = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    moves = draw_similarities(4, share=0.0, seed=0)
    assert torch.equal(move_images(images, moves), images)
    points = torch.rand(4, 68, 3, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(move_points(points, moves), points)
    half = draw_similarities(200, share=0.5, seed=0)
    still = (half == torch.eye(2, 3)).flatten(1).all(dim=1).float().mean()
    assert 0.35 < still < 0.65


def test_batches_in_parts_are_the_batch_as_a_whole(bank: FrameBank, features: torch.Tensor) -> None:
    draw = Drawer(bank, seed=0).draw("x", 0, 8)
    for part, whole in (
        (lambda s: idsg_batch(bank, features, draw, augment=0.5, seed=3, part=s), None),
        (lambda s: rfg_batch(bank, features, draw, cross_share=0.5, augment=0.5, seed=3, part=s), None),
    ):
        whole = part(slice(0, 8))
        first, second = part(slice(0, 4)), part(slice(4, 8))
        for name in whole.__dataclass_fields__:
            joined = torch.cat([getattr(first, name), getattr(second, name)])
            assert torch.equal(joined, getattr(whole, name)), name


def test_cross_rows_have_the_other_persons_truth_and_self_rows_their_own(
    bank: FrameBank, features: torch.Tensor
) -> None:
    draw = Drawer(bank, seed=0).draw("x", 0, 8)
    cross = rfg_batch(bank, features, draw, cross_share=1.0, augment=0.0, seed=0, part=slice(0, 8))
    own = rfg_batch(bank, features, draw, cross_share=0.0, augment=0.0, seed=0, part=slice(0, 8))
    assert torch.equal(cross.target, bank.images(draw.truth)) and torch.equal(cross.source, bank.images(draw.other))
    assert torch.equal(own.target, bank.images(draw.reference)) and torch.equal(own.source, bank.images(draw.own))
    assert cross.cross.all() and not own.cross.any() and own.has_target.all()
    lonely = FrameBank(Cartoons(), [TrainingRow(row.key, row.subject, "") for row in rows()], size=64)
    draw = Drawer(lonely, seed=0).draw("x", 0, 8)
    assert not rfg_batch(
        lonely, features, draw, cross_share=1.0, augment=0.0, seed=0, part=slice(0, 8)
    ).has_target.any()


def test_encoders_of_the_configuration_fit_the_features(features: torch.Tensor) -> None:
    assert build_face_encoder(tiny_config().model).dimension == features.shape[1]


def test_source_and_target_share_a_colour_cast(bank: FrameBank, features: torch.Tensor) -> None:
    from dgbench.training.dg.augment import cast_colours, draw_casts

    draw = Drawer(bank, seed=0).draw("x", 0, 64)
    settings = {"cross_share": 0.5, "augment": 0.0, "seed": 3, "part": slice(0, 64)}
    plain = rfg_batch(bank, features, draw, **settings)  # type: ignore[arg-type]
    cast = rfg_batch(bank, features, draw, augment_colour=0.5, **settings)  # type: ignore[arg-type]
    casts = draw_casts(64, share=0.5, seed=3)
    assert 20 < (casts != 1).any(dim=1).sum() < 44 and (casts[:, :3] <= np.exp(0.2) + 1e-6).all()
    for name in ("source", "target", "real"):
        assert torch.equal(getattr(cast, name), cast_colours(getattr(plain, name), casts))
        untouched = (casts == 1).all(dim=1)
        assert torch.allclose(getattr(cast, name)[untouched], getattr(plain, name)[untouched], atol=1e-6)
        assert not torch.allclose(getattr(cast, name)[~untouched], getattr(plain, name)[~untouched], atol=1e-2)
    assert torch.equal(cast.points, plain.points)
    grey = cast_colours(torch.full((1, 3, 2, 2), 0.25), torch.tensor([[1.0, 1.2, 1.0, 0.5, 1.0]]))
    assert torch.allclose(grey[0, :, 0, 0], torch.tensor([0.5, 0.6, 0.5]))
