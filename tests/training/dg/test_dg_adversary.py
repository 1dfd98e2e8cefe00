"""The face generator's adversary: what it sees, how it is kept in check, and the terms that come every k-th step."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from cartoons import Cartoons, rows, tiny_config
from test_dg_frozen import embedded
from test_dg_loop import fit, state_of
from torch import Tensor

from dgbench.models.dg import losses_rfg as losses
from dgbench.models.dg.model import Critics, DgModel
from dgbench.training.dg import rfg_step
from dgbench.training.dg.batches import rfg_batch
from dgbench.training.dg.config import Phase, RfgTraining
from dgbench.training.dg.critic_augment import CriticChange, next_probability
from dgbench.training.dg.draws import Drawer
from dgbench.training.dg.frames import FrameBank
from dgbench.training.dg.source_embeddings import SourceEmbeddings


def change(batch: int = 1, **parts: object) -> CriticChange:
    still = {
        "flip": torch.zeros(batch, dtype=torch.bool),
        "shift": torch.zeros(batch, 2, dtype=torch.long),
        "light": torch.zeros(batch),
        "contrast": torch.ones(batch),
        "colour": torch.ones(batch),
    }
    return CriticChange(**(still | parts))  # type: ignore[arg-type]


def test_a_change_moves_image_and_map_alike_and_recolours_the_image_alone() -> None:
    images, maps = torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8)
    assert all(torch.allclose(new, old) for new, old in zip(change()(images, maps), (images, maps), strict=True))
    moved, along = change(shift=torch.tensor([[2, -1]]))(images, maps)  # right by 2, up by 1
    assert torch.allclose(moved[:, :, :7, 2:], images[:, :, 1:, :6]) and torch.allclose(
        along[:, :, :7, 2:], maps[:, :, 1:, :6]
    )
    assert moved[:, :, 7].abs().sum() == 0 and along[:, :, :, :2].abs().sum() == 0
    mirrored, along = change(flip=torch.tensor([True]))(images, maps)
    assert torch.allclose(mirrored, images.flip(3)) and torch.equal(along, maps.flip(3))
    grey, along = change(colour=torch.zeros(1))(images, maps)
    assert torch.allclose(grey, images.mean(1, keepdim=True).expand(-1, 3, -1, -1), atol=1e-6)
    assert torch.equal(along, maps)
    images.requires_grad_()
    change(shift=torch.tensor([[2, -1]]), light=torch.tensor([0.1]))(images, maps)[0].sum().backward()
    assert images.grad is not None and images.grad[0, :, 0].sum() == 0 and (images.grad[0, :, 1:, :6] == 1).all()


def test_changes_are_as_frequent_as_asked_and_repeat_by_their_seed() -> None:
    none = CriticChange.draw(500, size=64, probability=0.0, seed=1)
    assert not none.flip.any() and not none.shift.any() and (none.contrast == 1).all() and not none.light.any()
    half, again = (CriticChange.draw(500, size=64, probability=0.5, seed=1) for _ in range(2))
    assert torch.equal(half.shift, again.shift) and torch.equal(half.light, again.light)
    assert 0.4 < (half.light != 0).float().mean() < 0.6 and 0.18 < half.flip.float().mean() < 0.32
    assert half.shift.abs().max() <= 8 and half.shift.unique().numel() > 10


def test_the_probability_follows_how_sure_the_discriminators_are() -> None:
    assert next_probability(0.1, mean_sign=0.9, aim=0.6, images=1000) == pytest.approx(0.11)
    assert next_probability(0.1, mean_sign=0.3, aim=0.6, images=1000) == pytest.approx(0.09)
    assert next_probability(0.0, mean_sign=0.3, aim=0.6, images=1000) == 0.0
    assert next_probability(0.8, mean_sign=0.9, aim=0.6, images=1000) == 0.8


def test_augmentation_is_logged_and_goes_on_bit_for_bit(bank: FrameBank, features: Tensor, tmp_path: Path) -> None:
    config = tiny_config(
        phases=(Phase(stage="cross", network="rfg", steps=6),),
        rfg=RfgTraining(batch=4, augment_critics=0.01, style_every=2, feature_matching=1.0, attribute_focus=2.0),
        log_every=1,
    )
    whole = fit(config, bank, features, tmp_path / "whole")
    fit(config, bank, features, tmp_path / "parts", stop_after=3)
    parts = fit(config, bank, features, tmp_path / "parts", resume=True)
    assert parts.weights_sha256 == whole.weights_sha256 and state_of(tmp_path / "parts") == state_of(tmp_path / "whole")
    lines = [json.loads(line) for line in (tmp_path / "whole" / "log" / "curves.jsonl").read_text().splitlines()]
    signs = [line["rfg/d_real_sign"] for line in lines]
    wanted, probability = [], 0.0
    for sign in signs:
        probability = next_probability(probability, mean_sign=sign, aim=0.01, images=4)
        wanted.append(probability)
    assert [line["rfg/d_augment"] for line in lines] == pytest.approx(wanted)
    assert ["rfg/g_style" in line for line in lines] == [True, False, True, False, True, False]


def terms_of(features: Tensor, **weights: object) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The discriminators' and the generator's terms of one batch of cross pairs."""
    people = FrameBank(Cartoons(), rows(), size=64)
    config = tiny_config().model
    model, critics = DgModel(config), Critics(config)
    setting = RfgTraining(**weights)  # type: ignore[arg-type]
    batch = rfg_batch(
        people,
        features,
        Drawer(people, seed=0).draw("x", 0, 4),
        cross_share=1.0,
        cross_truth=setting.cross_truth != "never",
        augment=0.0,
        seed=0,
        part=slice(0, 4),
    )
    layout = torch.contiguous_format
    drawn = rfg_step.draw_faces(model, model, batch, generated=torch.zeros(4, dtype=torch.bool), layout=layout)
    of_critics, _ = rfg_step.discriminators_loss(
        critics, model, batch, drawn, weights=setting, with_r1=True, layout=layout
    )
    of_generator = rfg_step.generator_loss(
        model, critics, batch, drawn, weights=setting, frozen=embedded(), adversarial=True, layout=layout
    )
    return of_critics, of_generator


def test_a_cross_stage_without_truth_keeps_the_paper_s_terms_alone(features: Tensor) -> None:
    _, known = terms_of(features, feature_matching=1.0)
    _, unknown = terms_of(features, feature_matching=1.0, cross_truth="never")
    for name in ("attribute", "identity", "feature_matching"):
        assert known[name] > 0 and unknown[name] == 0
    for name in ("adversarial", "style", "identity_cosine", "landmark"):
        assert unknown[name] > 0


def test_real_and_generated_images_judged_together_are_judged_as_apart(features: Tensor) -> None:
    people = FrameBank(Cartoons(), rows(), size=64)
    config = tiny_config().model
    model, critics = DgModel(config), Critics(config)
    draw = Drawer(people, seed=0).draw("x", 0, 4)
    batch = rfg_batch(people, features, draw, cross_share=0.5, augment=0.5, seed=0, part=slice(0, 4))
    layout = torch.contiguous_format
    drawn = rfg_step.draw_faces(model, model, batch, generated=torch.zeros(4, dtype=torch.bool), layout=layout)
    found, sign = rfg_step.discriminators_loss(
        critics, model, batch, drawn, weights=RfgTraining(), with_r1=False, layout=layout
    )
    real = critics.face(batch.real, model.rasteriser(batch.real_points, batch.real_visibility))[0]
    made = critics.face(drawn.images, drawn.maps)[0]
    wanted = sum(
        torch.nn.functional.softplus(-r).mean() + torch.nn.functional.softplus(m).mean()
        for r, m in zip(real, made, strict=True)
    )
    assert torch.allclose(found["d_adversarial"], torch.as_tensor(wanted), atol=1e-5)
    assert float(sign) == pytest.approx(float(torch.cat(real).detach().sign().mean()))


def test_the_attribute_loss_looks_at_the_features_of_the_face() -> None:
    points = torch.full((1, 68, 3), 0.5)
    points[0, :17] = 0.1  # the outline does not count
    weights = losses.feature_weights(points, torch.ones(1, 68), size=64, focus=2.0)
    assert weights.shape == (1, 1, 64, 64)
    assert weights[0, 0, 32, 32] == pytest.approx(3.0, abs=1e-3) and weights[0, 0, 6, 6] == pytest.approx(1.0, abs=1e-3)
    hidden = losses.feature_weights(points, torch.zeros(1, 68), size=64, focus=2.0)
    assert torch.equal(hidden, torch.ones(1, 1, 64, 64))
    made, target = torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 64, 64)
    made[0, :, 32, 32] = 1.0
    plain, focused = (losses.attribute(made, target, weights=one) for one in (None, weights))
    assert float(focused / plain) == pytest.approx(3.0, abs=1e-3)


def test_source_embeddings_are_computed_once_from_the_stored_image(bank: FrameBank) -> None:
    network = embedded().perceptual
    assert network is not None and SourceEmbeddings(bank, None).of(torch.tensor([0])) is None
    calls: list[int] = []
    real = network.embedding
    network.embedding = lambda images, points: (calls.append(len(images)), real(images, points))[1]  # type: ignore[method-assign]
    kept = SourceEmbeddings(bank, network)
    found = kept.of(torch.tensor([3, 1, 3]))
    assert found is not None and calls == [1, 1] and torch.equal(found[0], found[2])
    assert torch.allclose(found, real(bank.images(np.array([3, 1, 3])), bank.points[[3, 1, 3]]), atol=1e-5)
