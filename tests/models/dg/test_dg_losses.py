"""Every loss: a value computed by hand, a finite gradient at zero, and absence where it must be absent."""

from __future__ import annotations

import math

import pytest
import torch

from dgbench.models.dg import losses_idsg as idsg
from dgbench.models.dg import losses_rfg as rfg


def shapes(batch: int = 2, dims: int = 2, seed: int = 0) -> torch.Tensor:
    return torch.rand(batch, 68, dims, generator=torch.Generator().manual_seed(seed))


def shifted(points: torch.Tensor, by: tuple[float, ...]) -> torch.Tensor:
    return points + torch.tensor(by)


def test_point_distance_by_hand_and_gradient_at_zero() -> None:
    p = shapes().requires_grad_()
    assert torch.allclose(idsg.point_distance(p, shifted(p, (0.3, 0.4))), torch.full((2, 68), 0.5), atol=1e-5)
    zero = idsg.point_distance(p, p.detach())
    zero.sum().backward()
    assert zero.abs().max() == 0 and torch.isfinite(p.grad).all()


def test_localization_sums_points_and_averages_samples() -> None:
    truth = shapes(dims=3)
    generated = truth.clone()
    generated[0] += torch.tensor([0.3, 0.4, 0.0])
    assert idsg.localization(generated, truth).item() == pytest.approx(68 * 0.5 / 2, abs=1e-3)
    assert idsg.localization(generated, truth, torch.tensor([False, True])).item() == 0


def test_localization_without_truth_has_no_gradient() -> None:
    generated = shapes().requires_grad_()
    truth = torch.full((2, 68, 2), float("nan"))  # an absent truth may hold anything
    truth[1] = 0.5
    loss = idsg.localization(generated, truth.nan_to_num(0.0), torch.tensor([False, True]))
    loss.backward()
    assert generated.grad[0].abs().max() == 0 and generated.grad[1].abs().max() > 0


def test_adversarial_losses_at_zero_and_far() -> None:
    zero, sure = torch.zeros(3), torch.full((3,), 30.0)
    assert idsg.generator_adversarial(zero).item() == pytest.approx(math.log(2))
    assert idsg.discriminator_adversarial(zero, zero).item() == pytest.approx(2 * math.log(2))
    assert idsg.discriminator_adversarial(sure, -sure).item() == pytest.approx(0, abs=1e-6)
    assert idsg.generator_adversarial(-sure).item() == pytest.approx(30, rel=1e-4)
    assert rfg.adversarial([zero, zero]).item() == pytest.approx(2 * math.log(2))
    assert rfg.adversarial_of_discriminators([zero, sure], [zero, -sure]).item() == pytest.approx(2 * math.log(2))


def test_r1_of_a_linear_judge_is_half_the_squared_weight() -> None:
    weight = torch.tensor([3.0, 4.0], requires_grad=True)
    x = torch.zeros(5, 2, requires_grad=True)
    penalty = idsg.r1(x @ weight, x)
    assert penalty.item() == pytest.approx(12.5)
    penalty.backward()
    assert torch.allclose(weight.grad, torch.tensor([3.0, 4.0]))
    images = torch.zeros(2, 3, 4, 4, requires_grad=True)
    assert rfg.r1_of_discriminators([2 * images.flatten(1).sum(1)], images).item() == pytest.approx(0.5 * 48 * 4)


def test_action_keeps_the_reference_code_fixed_unless_asked() -> None:
    for detach in (True, False):
        code, other = torch.ones(2, 4, requires_grad=True), torch.full((2, 4), 1.5, requires_grad=True)
        loss = idsg.action(code, other, detach=detach)
        assert loss.item() == pytest.approx(0.5)
        loss.backward()
        assert (code.grad is None) == detach and other.grad is not None


def test_subject_class_at_chance_and_with_the_quirk() -> None:
    assert idsg.subject_class(torch.zeros(4, 67), torch.arange(4)).item() == pytest.approx(math.log(67), abs=1e-5)
    best = torch.zeros(1, 67)
    best[0, 0] = 1.0  # the most that a sigmoid can say
    bound = math.log(1 + 66 / math.e)
    assert idsg.subject_class(best, torch.zeros(1, dtype=torch.long)).item() == pytest.approx(bound, abs=1e-4)
    assert bound == pytest.approx(3.230, abs=1e-3)


def vls(self_shift: float, cross_shift: float, **more: object) -> float:
    reference = shapes(1)
    return idsg.visible_local_shape(
        shifted(reference, (self_shift, 0.0)), shifted(reference, (cross_shift, 0.0)), reference, **more
    ).item()  # type: ignore[arg-type]


def test_visible_local_shape_by_hand() -> None:
    assert vls(0.0, 0.0) == pytest.approx(0.24, abs=1e-4)  # nothing apart: the margins alone
    assert vls(0.0, 0.1) == pytest.approx(0.0, abs=1e-6)  # far apart: the hinge is satisfied …
    expected = sum(abs(m - (b - a) * 0.1) for a, b, m in idsg.PARTS.values())
    assert vls(0.0, 0.1, form="absolute") == pytest.approx(expected, abs=1e-3)  # … the released form is not
    assert vls(0.1, 0.0) == pytest.approx(0.24 + 68 * 0.1, abs=1e-3)


def test_visible_local_shape_is_per_sample_and_the_released_form_is_not() -> None:
    reference = shapes(2)
    cross = reference.clone()
    cross[0] += torch.tensor([0.1, 0.0])  # sample 0 far, sample 1 not at all
    hinge = idsg.visible_local_shape(reference, cross, reference)
    assert hinge.item() == pytest.approx(0.12, abs=1e-4)


def test_hidden_points_do_not_count() -> None:
    reference = shapes(1)
    cross = reference.clone()
    cross[0, :17] += torch.tensor([0.0, 0.5])  # only the contour moves
    visible = torch.ones(1, 68)
    seen = idsg.visible_local_shape(reference, cross, reference, visible)
    assert seen.item() == pytest.approx(0.04, abs=1e-4)
    visible[0, :17] = 0
    assert idsg.visible_local_shape(reference, cross, reference, visible).item() == pytest.approx(0.04, abs=1e-4)
    visible[0, 0:9] = 1  # half the contour seen: its distance is scaled back to the whole
    moved = reference.clone()
    moved[0, :9] += torch.tensor([0.0, 0.2 / 17 / 2])
    half = idsg.visible_local_shape(reference, moved, reference, visible)
    assert half.item() == pytest.approx(0.1 + 0.04, abs=1e-3)


@pytest.mark.parametrize("form", ["hinge", "absolute"])
def test_visible_local_shape_gradient_is_finite_where_all_coincide(form: str) -> None:
    reference = shapes()
    own, cross = reference.clone().requires_grad_(), reference.clone().requires_grad_()
    idsg.visible_local_shape(own, cross, reference, form=form).backward()  # type: ignore[arg-type]
    assert torch.isfinite(own.grad).all() and torch.isfinite(cross.grad).all()


def test_attribute_and_identity_by_hand_and_masked() -> None:
    generated, target = torch.zeros(2, 3, 4, 4), torch.ones(2, 3, 4, 4)
    assert rfg.attribute(generated, target).item() == 1
    present = torch.tensor([True, False])
    assert rfg.attribute(generated, target, present).item() == 0.5
    assert rfg.attribute(generated, target, torch.tensor([False, False])).item() == 0
    assert rfg.identity([generated, generated], [target, 3 * target]).item() == 4
    assert rfg.identity([generated], [target], present).item() == 0.5
    assert rfg.feature_matching([generated], [target]).item() == 1


def test_feature_matching_holds_the_real_side() -> None:
    generated, real = torch.zeros(1, 2, requires_grad=True), torch.ones(1, 2, requires_grad=True)
    rfg.feature_matching([generated], [real]).backward()
    assert real.grad is None and generated.grad is not None


def test_identity_cosine_between_same_and_opposite() -> None:
    a = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    assert rfg.identity_cosine(a, 3 * a).item() == pytest.approx(0, abs=1e-6)
    assert rfg.identity_cosine(a, -a).item() == pytest.approx(2)


def test_style_consistency_holds_the_source_unless_asked() -> None:
    for detach in (True, False):
        generated, source = torch.zeros(1, 4, requires_grad=True), torch.ones(1, 4, requires_grad=True)
        loss = rfg.style_consistency(generated, source, detach=detach)
        assert loss.item() == 1
        loss.backward()
        assert (source.grad is None) == detach


def test_landmark_counts_visible_points_and_is_differentiable_at_zero() -> None:
    wanted = shapes(2)
    visibility = torch.zeros(2, 68)
    visibility[:, :10] = 1
    assert rfg.landmark(shifted(wanted, (0.3, 0.4)), wanted, visibility).item() == pytest.approx(5, abs=1e-3)
    found = wanted.clone().requires_grad_()
    rfg.landmark(found, wanted).backward()
    assert torch.isfinite(found.grad).all()
