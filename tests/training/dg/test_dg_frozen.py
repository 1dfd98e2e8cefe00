"""Frozen networks of the losses: gradients reach the image, weights stay, what is switched off is not loaded."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cartoons import Cartoons, rows, tiny_config
from torch import nn

from dgbench.core.errors import MissingError
from dgbench.training.dg.batches import rfg_batch
from dgbench.training.dg.config import IdsgTraining, Phase, RfgTraining
from dgbench.training.dg.draws import Drawer
from dgbench.training.dg.frames import FrameBank
from dgbench.training.dg.frozen import (
    EmbeddedFinder,
    EmbeddedPerceptual,
    FrozenNetworks,
    VggPerceptual,
    five_of,
    load_frozen,
)
from dgbench.training.dg.journal import TrainingJournal, grid_image
from dgbench.training.dg.loop import train


def embedded() -> FrozenNetworks:
    """The embedded networks' architectures with random weights: the shipped ones are not needed here."""
    from dgbench.networks.embedded.identity_nets import identity_network
    from dgbench.networks.embedded.landmark_net import LandmarkNet

    torch.manual_seed(0)
    identity, landmarks = identity_network("identity-train"), LandmarkNet()
    for network in (identity, landmarks):
        network.requires_grad_(False).eval()
    return FrozenNetworks(perceptual=EmbeddedPerceptual(identity), landmarks=EmbeddedFinder(landmarks))


def test_five_points_are_eyes_nose_and_mouth() -> None:
    points = torch.zeros(1, 68, 3)
    points[0, 36:42, 0], points[0, 42:48, 0] = 0.3, 0.7
    points[0, 30, 1], points[0, 48, 1], points[0, 54, 0] = 0.5, 0.8, 0.6
    five = five_of(points)[0]
    assert torch.allclose(five[:, 0], torch.tensor([0.3, 0.7, 0, 0, 0.6]))
    assert torch.allclose(five[:, 1], torch.tensor([0, 0, 0.5, 0.8, 0]))


def test_gradients_reach_the_image_and_nothing_else() -> None:
    frozen = embedded()
    assert frozen.perceptual is not None and frozen.landmarks is not None
    bank = FrameBank(Cartoons(), rows(), size=64)
    images = bank.images(np.arange(4)).requires_grad_()
    points = bank.points[:4]
    layers = frozen.perceptual.layers(images, points)
    embedding = frozen.perceptual.embedding(images, points)
    found = frozen.landmarks(images, points)
    assert len(layers) == 10 and embedding is not None and found.shape == (4, 68, 3)
    assert torch.allclose(embedding.norm(dim=1), torch.ones(4), atol=1e-4)
    both = frozen.perceptual.both(images, points)
    assert torch.equal(both[1], embedding) and all(map(torch.equal, both[0], layers))
    for value in (sum(layer.mean() for layer in layers), embedding[:, 0].sum(), found.sum()):
        (gradient,) = torch.autograd.grad(value, images)
        assert torch.isfinite(gradient).all() and gradient.abs().sum() > 0


def test_training_hears_the_frozen_networks(bank: FrameBank, features: torch.Tensor, tmp_path) -> None:  # type: ignore[no-untyped-def]
    config = tiny_config(
        phases=(Phase(stage="cross", network="rfg", steps=2),),
        rfg=RfgTraining(batch=2, feature_matching=1.0),
        log_every=1,
    )
    train(config, bank=bank, features=features, frozen=embedded(), out=tmp_path)
    text = (tmp_path / "log" / "curves.jsonl").read_text()
    for name in ("identity", "identity_cosine", "landmark", "feature_matching", "style", "attribute", "adversarial"):
        assert f'"rfg/g_{name}"' in text


class NarrowVgg(nn.Module):
    """A face network of the shape of VGG-Face: five activations, and an embedding of the whole image."""

    def layers(self, images: torch.Tensor) -> list[torch.Tensor]:
        return [images * level for level in range(1, 6)]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return nn.functional.adaptive_avg_pool2d(images, 4).flatten(1)

    def layers_and_code(self, images: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        return self.layers(images), self(images)


@pytest.mark.parametrize("network", ["embedded", "vgg-face"])
def test_pairs_without_a_target_keep_the_terms_that_need_none(features: torch.Tensor, network: str) -> None:
    from dgbench.models.dg.model import Critics, DgModel
    from dgbench.training.dg import rfg_step
    from dgbench.training.dg.frames import TrainingRow

    lonely = FrameBank(Cartoons(), [TrainingRow(row.key, row.subject, "") for row in rows()], size=64)
    config = tiny_config().model
    model, critics = DgModel(config), Critics(config)
    batch = rfg_batch(
        lonely, features, Drawer(lonely, seed=0).draw("x", 0, 4), cross_share=1.0, augment=0.0, seed=0, part=slice(0, 4)
    )
    drawn = rfg_step.draw_faces(
        model, model, batch, generated=torch.zeros(4, dtype=torch.bool), layout=torch.contiguous_format
    )
    frozen = embedded()
    if network == "vgg-face":
        frozen = FrozenNetworks(perceptual=VggPerceptual(NarrowVgg()), landmarks=frozen.landmarks)
    terms = rfg_step.generator_loss(
        model,
        critics,
        batch,
        drawn,
        weights=RfgTraining(),
        frozen=frozen,
        adversarial=True,
        layout=torch.contiguous_format,
    )
    assert terms["attribute"] == 0 and terms["identity"] == 0
    for name in ("adversarial", "identity_cosine", "style", "landmark"):
        assert terms[name] > 0


def test_what_is_switched_off_is_not_loaded_and_what_is_missing_is_named(monkeypatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    assert load_frozen(tiny_config()) == FrozenNetworks()
    for name in ("DGBENCH_WEIGHTS", "DGBENCH_CACHE", "TORCH_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    with pytest.raises(MissingError, match=r"vgg_face_dag\.pth"):
        load_frozen(tiny_config(perceptual="vgg-face"))


def test_labels_stand_before_their_rows() -> None:
    rows_of_grid = [torch.zeros(2, 3, 64, 64), torch.ones(2, 3, 64, 64)]
    picture = grid_image(rows_of_grid, ("source", "target"))
    assert picture.shape == (128, 2 * 64 + 76, 3)
    assert np.array_equal(picture[:, 76:], grid_image(rows_of_grid))
    for half in (picture[:64, :76], picture[64:, :76]):
        assert 20 < (half[..., 0] < 128).sum() < 600  # something is written, in black on white


def test_grid_lays_rows_out_in_order() -> None:
    red, blue = torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 4, 4)
    red[:, 0], blue[:, 2] = 1.0, 2.0
    picture = grid_image([red, blue])
    assert picture.shape == (8, 8, 3) and picture.dtype == np.uint8
    assert (picture[:4] == (255, 0, 0)).all() and (picture[4:] == (0, 0, 255)).all()


def test_a_second_process_writes_no_journal(tmp_path) -> None:  # type: ignore[no-untyped-def]
    journal = TrainingJournal(tmp_path, active=False)
    journal.scalars(1, {"a": 1.0})
    journal.grid(1, "x", [torch.zeros(1, 3, 4, 4)])
    journal.close()
    assert not any(tmp_path.iterdir())


def test_gradient_clipping_bounds_the_step(bank: FrameBank, features: torch.Tensor, tmp_path) -> None:  # type: ignore[no-untyped-def]
    def moved(clip: float) -> float:
        config = tiny_config(
            phases=(Phase(stage="self", network="idsg", steps=1),),
            idsg=IdsgTraining(batch=8, lr=1e-3, weight_decay=0.0, betas=(0.0, 0.0)),
            clip=clip,
            ema=0.0,
        )
        from dgbench.models.dg.checkpoint import load_checkpoint

        out = tmp_path / str(clip)
        train(config, bank=bank, features=features, frozen=FrozenNetworks(), out=out)
        model = load_checkpoint(out).model()
        fresh = type(model)(model.config, seed=0)
        first = nn.utils.parameters_to_vector(model.shape.landmark_encoder.parameters())
        return float((first - nn.utils.parameters_to_vector(fresh.shape.landmark_encoder.parameters())).norm().detach())

    # Adam without memory steps by g / (|g| + 1e-8): only a gradient clipped to nearly nothing makes it shorter.
    assert moved(1e-9) < 0.2 * moved(1e3)
