"""Networks of the Dual-Generator: parameter counts of the official sizes, shapes at any size, presets."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.nn import functional as F

from dgbench.models.dg.blocks import affine_instance_norm, initialise
from dgbench.models.dg.config import DgConfig, IdsgConfig, RfgConfig, compat, paper
from dgbench.models.dg.discriminators import Discriminator, Discriminators
from dgbench.models.dg.generator import FaceGenerator
from dgbench.models.dg.idsg import (
    IdentityClassifier,
    LandmarkDecoder,
    LandmarkDiscriminator,
    LandmarkEncoder,
    ShapeGenerator,
)
from dgbench.models.dg.model import Critics, DgModel
from dgbench.models.dg.style_encoder import StyleEncoder
from dgbench.models.dg.visibility import CANONICAL


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def tiny(size: int = 64, **rfg: object) -> DgConfig:
    return DgConfig(
        size=size,
        idsg=IdsgConfig(feature_dim=8, hidden=16, decoder_hidden=16, classes=3),
        rfg=RfgConfig.model_validate({"base_channels": 4, "max_channels": 8, "style_dim": 4, **rfg}),
    )


def test_official_sizes_at_256_pixels() -> None:
    with torch.device("meta"):
        config = compat()
        assert count(FaceGenerator(config)) == 34_982_531
        with_head = config.model_copy(update={"rfg": RfgConfig(second_head=True)})
        assert count(FaceGenerator(with_head)) == 34_982_919
        assert count(StyleEncoder(config)) == 20_916_928
        assert count(Discriminators(config)) == 20_853_505
        assert count(Discriminator(config, channels_in=6, size=128)) == 17_707_777
        assert count(LandmarkEncoder(config.idsg)) == 111_792
        assert count(LandmarkDecoder(config.idsg)) == 3_287_688
        assert count(LandmarkDiscriminator(config.idsg)) == 93_297
        assert count(IdentityClassifier(config.idsg)) == 292_358


def test_paper_preset_sees_depth_and_visibility_and_has_two_discriminators() -> None:
    with torch.device("meta"):
        config = paper()
        assert next(LandmarkEncoder(config.idsg).parameters()).shape == (136, 272)
        assert LandmarkDecoder(config.idsg).body.layers[-1].weight.shape == (204, 512)
        members = Discriminators(config).members
        assert [member.channels_in for member in members.values()] == [3, 6]
        assert not IdentityClassifier(config.idsg).squash


@pytest.mark.parametrize("size", [64, 96, 128, 224, 256])
def test_any_size_gives_images_codes_and_logits(size: int) -> None:
    config = tiny(size)
    model, critics = DgModel(config), Critics(config)
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 3, size, size, generator=generator)
    points, visibility = torch.rand(2, 68, 3, generator=generator), torch.ones(2, 68)
    style = model.style_code(images, torch.zeros(2, 8))
    landmarks = model.target_landmarks(points, visibility, torch.rand(2, 8, generator=generator))
    drawn = model.draw(landmarks, visibility, style)
    logits, levels = critics.face(drawn, drawn)
    assert style.shape == (2, 4)
    assert landmarks.shape == (2, 68, 3)
    assert landmarks[..., :2].min() > 0 and landmarks[..., :2].max() < 1 and landmarks[..., 2].abs().max() < 0.5
    assert drawn.shape == (2, 3, size, size) and drawn.min() >= 0 and drawn.max() <= 1
    assert [one.shape for one in logits] == [(2,), (2,)] and len(levels) > 0


@pytest.mark.parametrize(
    ("rfg", "logits"),
    [({"discriminators": "shape"}, 1), ({"discriminators": "pix2pix"}, 1), ({"self_attention": True}, 2)],
)
def test_discriminator_kinds(rfg: dict[str, object], logits: int) -> None:
    critics = Discriminators(tiny(**rfg))
    x = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    found, levels = critics(x, x)
    assert len(found) == logits and all(one.shape == (2,) for one in found)
    assert len(levels) == 4 * len(critics.members)


def test_pix2pix_adds_its_logits_before_the_loss() -> None:
    critics = Discriminators(tiny(discriminators="pix2pix"))
    initialise(critics, seed=1)
    x = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    parts = [member(x, x)[0] for member in critics.members.values()]
    assert torch.allclose(critics(x, x)[0][0], parts[0] + parts[1])


def test_discriminator_of_the_face_ignores_the_map() -> None:
    config = tiny()
    x = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    face = Discriminator(config, channels_in=3)
    shape = Discriminator(config, channels_in=6)
    assert torch.equal(face(x, x)[0], face(x, 1 - x)[0])
    assert not torch.equal(shape(x, x)[0], shape(x, 1 - x)[0])


def test_identity_enters_by_the_style_and_pose_by_the_map() -> None:
    model = DgModel(tiny(), seed=3).eval()
    generator = torch.Generator().manual_seed(0)
    style, other = torch.randn(1, 4, generator=generator), torch.randn(1, 4, generator=generator)
    points, seen = torch.rand(1, 68, 3, generator=generator), torch.ones(1, 68)
    with torch.no_grad():
        assert not torch.allclose(model.draw(points, seen, style), model.draw(points, seen, other))
        assert not torch.allclose(model.draw(points, seen, style), model.draw(points * 0.8, seen, style))


def test_a_styled_head_lets_the_style_set_the_mean_colour() -> None:
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(1, 3, 64, 64, generator=generator)
    styles = torch.randn(16, 4, generator=generator)
    spread = {}
    for styled in (False, True):
        face = DgModel(tiny(styled_head=styled), seed=3).face
        assert (face.head_style is not None) == styled
        with torch.no_grad():
            colours = torch.cat([face(maps, style[None]).mean(dim=(2, 3)) for style in styles])
        spread[styled] = float(colours.std(dim=0).mean())
    assert spread[True] > 2 * spread[False]


def test_one_sample_depends_on_no_other() -> None:
    model = DgModel(tiny(), seed=3).eval()
    generator = torch.Generator().manual_seed(0)
    style, points = torch.randn(3, 4, generator=generator), torch.rand(3, 68, 3, generator=generator)
    with torch.no_grad():
        together = model.draw(points, torch.ones(3, 68), style)
        alone = model.draw(points[1:2], torch.ones(1, 68), style[1:2])
    assert torch.allclose(together[1:2], alone, atol=1e-6)


def test_seed_decides_the_weights() -> None:
    first, again, other = DgModel(tiny(), seed=1), DgModel(tiny(), seed=1), DgModel(tiny(), seed=2)
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
    assert not torch.equal(first.face.stem.weight, other.face.stem.weight)


def test_instance_norm_equals_the_library() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 5, 7, 6, generator=generator) * 3 + 1
    scale, shift = torch.randn(5, generator=generator), torch.randn(5, generator=generator)
    expected = F.instance_norm(x, weight=scale, bias=shift)
    assert torch.allclose(affine_instance_norm(x, scale, shift), expected, atol=1e-5)
    per_sample = affine_instance_norm(x, scale.expand(2, 5), shift.expand(2, 5))
    assert torch.allclose(per_sample, expected, atol=1e-5)


def test_untrained_decoder_can_start_at_the_mean_shape() -> None:
    config = tiny().idsg
    shape = ShapeGenerator(config)
    for parameter in shape.parameters():
        torch.nn.init.zeros_(parameter)
    mean = torch.rand(68, 3, generator=torch.Generator().manual_seed(0)) * 0.5 + 0.2
    mean[:, 2] -= 0.5
    shape.landmark_decoder.start_at(mean.flatten())
    drawn = shape(torch.zeros(1, 68, 3), torch.ones(1, 68), torch.zeros(1, 8))
    assert torch.allclose(drawn[0], mean, atol=1e-4)


def test_an_input_that_never_changed_in_training_is_left_out_afterwards() -> None:
    config = IdsgConfig(feature_dim=3, hidden=16, decoder_hidden=16, depth=1)
    shape = ShapeGenerator(config)
    points = CANONICAL.repeat(8, 1, 1) / 28 + 0.01 * torch.rand(8, 68, 3, generator=torch.Generator().manual_seed(0))
    visibility = (torch.rand(8, 68, generator=torch.Generator().manual_seed(1)) > 0.5).float()
    visibility[:, 30] = 1.0
    features = torch.randn(8, 3, generator=torch.Generator().manual_seed(2))
    features[:, 1] = 0.0
    shape.standardise(points, visibility, features)
    hidden = visibility.clone()
    hidden[:, 30] = 0.0
    assert torch.equal(shape.encode(points, visibility, None), shape.encode(points, hidden, None))
    hidden[:, 31] = 1 - hidden[:, 31]
    assert not torch.equal(shape.encode(points, visibility, None), shape.encode(points, hidden, None))
    assert shape.feature_scale[1] == 0 and (shape.feature_scale[[0, 2]] > 0).all()


def test_in_the_heads_frame_an_untrained_decoder_changes_nothing_and_pose_is_put_back() -> None:
    config = tiny().idsg.model_copy(update={"frame": "head"})
    shape = ShapeGenerator(config)
    initialise(shape, seed=0)
    generator = torch.Generator().manual_seed(0)
    features, seen = torch.rand(2, 8, generator=generator), torch.ones(2, 68)
    turn = torch.linalg.qr(torch.randn(3, 3, generator=generator))[0]
    turn = turn * torch.sign(torch.linalg.det(turn))
    face = CANONICAL * 0.03 + 0.002 * torch.randn(2, 68, 3, generator=generator)
    plain = shape(face, seen, features)
    assert (plain - face).abs().max() > 1e-3
    # The same face turned, scaled and moved gives the same change, turned, scaled and moved.
    moved = shape(face @ turn.T * 1.3 + 0.2, seen, features)
    assert torch.allclose(moved, plain @ turn.T * 1.3 + 0.2, atol=1e-4)
    shape.landmark_decoder.start_at(torch.zeros(204))
    assert torch.allclose(shape(face, seen, features), face, atol=1e-6)
    with pytest.raises(ValidationError):
        IdsgConfig(frame="head", coordinates="xy")


def test_classifier_quirk_squashes_scores_and_logits_are_the_default() -> None:
    x = torch.randn(4, 136, generator=torch.Generator().manual_seed(0)) * 100
    squashed = IdentityClassifier(IdsgConfig(coordinates="xy", classes=7, sigmoid_classifier=True))
    free = IdentityClassifier(IdsgConfig(coordinates="xy", classes=7))
    for one in (squashed, free):
        initialise(one, seed=0)
    assert squashed(x).min() >= 0 and squashed(x).max() <= 1
    assert free(x).abs().max() > 1


@pytest.mark.parametrize("size", [32, 70, 528])
def test_impossible_sizes_are_refused(size: int) -> None:
    with pytest.raises(ValidationError):
        DgConfig(size=size)


@pytest.mark.slow
def test_compiled_normalisations_give_the_same_picture_and_gradients() -> None:
    from dgbench.models.dg.blocks import compile_norms
    from dgbench.models.dg.generator import FaceGenerator

    config = DgConfig(size=64, rfg=RfgConfig(base_channels=4, max_channels=8, style_dim=8, styled_head=True))
    torch.manual_seed(0)
    network = FaceGenerator(config)
    maps, style = torch.rand(2, 3, 64, 64), torch.rand(2, 8)
    plain = network(maps, style)
    (slope,) = torch.autograd.grad(plain.square().sum(), network.stem.weight)
    compile_norms(network)
    fused = network(maps, style)
    (again,) = torch.autograd.grad(fused.square().sum(), network.stem.weight)
    assert torch.allclose(plain, fused, atol=1e-5) and torch.allclose(slope, again, rtol=1e-3, atol=1e-4)
