from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from dgbench.networks.canonical import MEAN_FACE, pose_from_landmarks
from dgbench.networks.embedded.store import save
from dgbench.stats.verification import equal_error_rate
from dgbench.training.judges.data import (
    EVALUATION_FIRST,
    FRAME,
    TRAIN_FIRST,
    Faces,
    random_scene,
    read_faces,
    render_people,
)
from dgbench.training.judges.losses import ArcFaceLoss
from dgbench.training.judges.train import Recipe, train
from dgbench.training.judges.views import ViewMaker, damaged


def _faces(count: int, people: int = 4) -> Faces:
    """Frames with one bright dot at the nose tip of a mean face turned by a known pose."""
    from dgbench.core.face import Landmarks, Pose

    rng = np.random.default_rng(0)
    images = np.full((count, FRAME, FRAME, 3), 40, np.uint8)
    points, poses = np.zeros((count, 68, 3), np.float32), np.zeros((count, 3), np.float32)
    for index in range(count):
        pose = rng.uniform(-25, 25, 3)
        turned = (MEAN_FACE @ Pose(*pose).rotation().T) * [1, -1, -1] * 2.4
        turned[:, 2] -= turned[:, 2].mean()
        points[index] = np.add(turned, [48, 46, 0])
        poses[index] = pose_from_landmarks(Landmarks(points[index], np.ones(68, np.float32), "x"))
        x, y = points[index, 30, :2].astype(int)
        images[index, y - 2 : y + 2, x - 2 : x + 2] = 255
    visibility = np.ones((count, 68), np.float32)
    return Faces(images, points, visibility, poses, np.arange(count, dtype=np.int64) % people + TRAIN_FIRST)


def test_views_keep_points_and_pose_true_under_crop_turn_and_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    from dgbench.core.face import Landmarks

    def untouched(images: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        return images, torch.zeros(len(images))

    monkeypatch.setattr("dgbench.training.judges.views.damaged", untouched)
    maker = ViewMaker(_faces(40))
    views = maker.frames(np.arange(40), torch.Generator().manual_seed(0), non_faces=0.0)
    seen = 0
    for image, points, pose in zip(views.images, views.points, views.pose, strict=True):
        nose = points[30, :2] * 64
        if not (8 < nose[0] < 56 and 8 < nose[1] < 56):
            continue
        seen += 1
        bright = torch.nonzero(image[0] > 0.6).float().mean(0).flip(0) + 0.5
        assert (bright - nose).abs().max() < 1.8
        fitted = pose_from_landmarks(Landmarks(points.numpy() * 64, np.ones(68, np.float32), "x"))
        np.testing.assert_allclose(fitted, pose.numpy(), atol=0.2)
    assert seen > 20


def test_aligned_crops_put_the_nose_where_the_template_has_it() -> None:
    maker = ViewMaker(_faces(40))
    crops = maker.aligned(np.arange(40), torch.Generator().manual_seed(0)).images
    mean = crops.mean((0, 1))
    row, column = divmod(int(mean[:50].argmax()), 64)
    assert abs(column - 32) <= 3 and abs(row - 35) <= 5


def test_non_faces_are_made_and_marked() -> None:
    maker = ViewMaker(_faces(64))
    views = maker.frames(np.arange(64), torch.Generator().manual_seed(0), non_faces=0.5)
    assert 16 < int((views.face == 0).sum()) < 48
    assert torch.isfinite(views.images).all() and views.images.min() >= -0.5 and views.images.max() <= 1.5
    _, damage = damaged(torch.rand(64, 3, 64, 64), torch.Generator().manual_seed(0))
    assert 0 < float((damage == 0).float().mean()) < 1


def test_arcface_loss_is_the_papers_formula() -> None:
    torch.manual_seed(0)
    loss = ArcFaceLoss(5, 8, scale=10.0, margin=0.4)
    vectors = torch.nn.functional.normalize(torch.randn(6, 8), dim=1)
    people = torch.tensor([0, 1, 2, 3, 4, 0])
    weight = torch.nn.functional.normalize(loss.weight, dim=1)
    total = 0.0
    for vector, person in zip(vectors, people.tolist(), strict=True):
        angles = torch.arccos(weight @ vector)
        logits = 10 * torch.cos(angles)
        assert angles[person] + 0.4 < math.pi
        logits[person] = 10 * torch.cos(angles[person] + 0.4)
        total += float((torch.logsumexp(logits, 0) - logits[person]).detach())
    assert float(loss(vectors, people).detach()) == pytest.approx(total / 6, rel=1e-4)


def test_arcface_loss_stays_monotone_where_the_margin_wraps() -> None:
    loss = ArcFaceLoss(2, 2, margin=0.5)
    loss.weight.data = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    angles = torch.linspace(2.0, math.pi - 0.01, 20)
    with torch.no_grad():
        values = [float(loss(torch.stack([torch.cos(a), -torch.sin(a)])[None], torch.tensor([0]))) for a in angles]
    assert values == sorted(values)


def test_equal_error_rate_against_counting() -> None:
    rng = np.random.default_rng(0)
    same, others = rng.normal(0.6, 0.2, 400), rng.normal(0.1, 0.2, 600)
    gaps = [(abs((same < t).mean() - (others >= t).mean()), t) for t in np.concatenate([same, others])]
    threshold = min(gaps)[1]
    expected = ((same < threshold).mean() + (others >= threshold).mean()) / 2
    assert equal_error_rate(same, others) == pytest.approx(expected, abs=1e-3)
    assert equal_error_rate(np.array([0.9, 0.8]), np.array([0.1])) == 0.0
    with pytest.raises(ValueError, match="both kinds"):
        equal_error_rate(same, np.array([]))


@pytest.mark.parametrize("name", ["landmarks", "landmarks-train", "identity-train", "features"])
def test_training_is_repeatable_and_lowers_the_loss(name: str, tmp_path: Path) -> None:
    maker = ViewMaker(_faces(16))
    recipe = Recipe(people=4, images=4, epochs=3, batch=8)
    networks = [train(name, maker, recipe, progress=False) for _ in range(2)]
    for index, network in enumerate(networks):
        save(network, tmp_path / f"{index}.safetensors", metadata={})
    assert (tmp_path / "0.safetensors").read_bytes() == (tmp_path / "1.safetensors").read_bytes()
    assert all(not network.training for network in networks)


def test_people_of_training_and_evaluation_are_not_those_of_protocols() -> None:
    assert EVALUATION_FIRST - TRAIN_FIRST >= 100_000 and TRAIN_FIRST >= 100_000


def test_renders_resume_and_repeat(assets: Path, tmp_path: Path) -> None:
    from dgbench.synthface.head.load import load_head
    from dgbench.synthface.person.person import person

    head = load_head(assets / "ict_facekit" / "ict_facekit.npz")
    (path,) = render_people(head, tmp_path / "a", first=TRAIN_FIRST, people=1, images=2)
    (again,) = render_people(head, tmp_path / "b", first=TRAIN_FIRST, people=1, images=2)
    assert path.read_bytes() == again.read_bytes()
    before = path.stat().st_mtime_ns
    assert render_people(head, tmp_path / "a", first=TRAIN_FIRST, people=1, images=2) == [path]
    assert path.stat().st_mtime_ns == before
    faces = read_faces([path, again])
    assert faces.images.shape == (4, FRAME, FRAME, 3) and (faces.person == TRAIN_FIRST).all()
    assert random_scene(person(TRAIN_FIRST), 0, seed=0) != random_scene(person(TRAIN_FIRST), 1, seed=0)


def test_calibrated_features_have_even_spread_and_mean_zero() -> None:
    from dgbench.networks.embedded.feature_net import FeatureNet
    from dgbench.training.judges.train import calibrate

    images = _faces(80).images
    images = np.random.default_rng(0).integers(0, 256, images.shape, dtype=np.uint8) // 2 + images // 2
    torch.manual_seed(0)
    network = FeatureNet().eval()
    calibrate(network, images, ridge=0.01)
    with torch.inference_mode():
        features = network(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255.0).double()
    assert features.mean(0).abs().max() < 1e-2
    spread = torch.linalg.eigvalsh(torch.cov(features.T))
    assert spread.max() <= 1.01


def test_training_goes_on_from_a_folder_of_weights(tmp_path: Path) -> None:
    maker = ViewMaker(_faces(16))
    recipe = Recipe(people=4, images=4, epochs=1, batch=8)
    first = train("identity-train", maker, recipe, progress=False)
    save(first, tmp_path / "identity-train.safetensors", metadata={})
    on = train("identity-train", maker, recipe, progress=False, start=tmp_path)
    fresh = train("identity-train", maker, recipe, progress=False)
    change = [
        sum(float((a - b).detach().abs().sum()) for a, b in zip(net.parameters(), first.parameters(), strict=True))
        for net in (on, fresh)
    ]
    assert change[1] == 0 < change[0]
