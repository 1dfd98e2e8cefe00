from __future__ import annotations

import numpy as np
import pytest

from dgbench.core.errors import UsageError
from dgbench.synthface.head.expressions import (
    MULTIPIE_EXPRESSIONS,
    RAFD_EXPRESSIONS,
    blink,
    expression_of,
)
from dgbench.synthface.person.hair_styles import STYLES
from dgbench.synthface.person.person import BEARD_STYLES, GLASSES_KINDS, HAIR_STYLES, person

CROWD = [person(number) for number in range(400)]


def test_a_number_is_always_the_same_person_and_no_two_are_alike():
    assert person(17) == person(17)
    assert person(17) != person(17, seed=1)
    assert len({p.shape for p in CROWD}) == 400
    with pytest.raises(UsageError):
        person(-1)


def test_people_do_not_depend_on_who_was_drawn_before():
    person(3)
    assert person(5) == CROWD[5]


def test_shapes_are_standard_normal():
    shapes = np.array([p.shape for p in CROWD])
    assert abs(shapes.mean()) < 0.02
    assert shapes.std() == pytest.approx(1, abs=0.02)


def test_the_crowd_is_varied():
    assert {p.hair_style for p in CROWD} == set(HAIR_STYLES) == set(STYLES)
    assert {p.beard for p in CROWD} == set(BEARD_STYLES)
    assert {p.glasses for p in CROWD} == set(GLASSES_KINDS)
    feminine = np.mean([p.masculinity < 0 for p in CROWD])
    assert 0.4 < feminine < 0.6
    melanin = np.array([p.melanin for p in CROWD])
    assert (melanin < 0.15).mean() > 0.1 and (melanin > 0.5).mean() > 0.1
    assert min(p.age for p in CROWD) < 22 and max(p.age for p in CROWD) > 60


def test_appearance_stays_within_its_ranges_and_hangs_together():
    for p in CROWD:
        for name in ("melanin", "haemoglobin", "freckles", "hair_melanin", "hair_grey", "eye_color", "lip_color"):
            assert 0 <= getattr(p, name) <= 1, name
        assert p.masculinity > 0 or p.beard == "none"
    dark = [p.eye_color for p in CROWD if p.melanin > 0.5]
    assert min(dark) > 0.6


@pytest.mark.parametrize("name", [*RAFD_EXPRESSIONS, *MULTIPIE_EXPRESSIONS])
def test_every_recipe_names_shapes_of_the_head_and_keeps_to_0_1(name, simple):
    for number in range(8):
        weights = expression_of(person(number), name)
        assert set(weights) <= set(simple.expression_names)
        assert all(0 <= value <= 1 for value in weights.values())
        assert bool(weights) == (name != "neutral")


def test_expressions_differ_between_people_and_between_expressions():
    happy = [expression_of(person(k), "happy") for k in range(6)]
    assert len({tuple(sorted(w.items())) for w in happy}) == 6
    kinds = {tuple(sorted(expression_of(person(0), name).items())) for name in RAFD_EXPRESSIONS}
    assert len(kinds) == 8


def test_same_take_same_weights_another_take_close_but_not_equal():
    one, again, other = (expression_of(person(2), "sad", take=k) for k in (1, 1, 2))
    assert one == again != other
    assert max(abs(one[k] - other[k]) for k in one) < 0.35


def test_strength_scales_down_to_neutral():
    full, half = expression_of(person(4), "angry"), expression_of(person(4), "angry", strength=0.5)
    assert all(half[k] <= full[k] for k in full)
    assert set(expression_of(person(4), "angry", strength=0).values()) == {0.0}


def test_unknown_names_are_refused_with_a_hint():
    with pytest.raises(UsageError, match="happy"):
        expression_of(person(0), "hapy")
    with pytest.raises(UsageError):
        expression_of(person(0), "happy", strength=1.5)


def test_contempt_is_lopsided():
    weights = expression_of(person(1), "contemptuous")
    assert weights["mouthSmile_L"] > 3 * weights["mouthSmile_R"]


def test_blink_and_mix_cap_at_one():
    assert blink(2.0) == {"eyeBlink_L": 1.0, "eyeBlink_R": 1.0}
