"""The sign-flip test: exact answers, size under the null with clustered people, power, and Holm."""

from __future__ import annotations

import numpy as np
import pytest

from dgbench.stats.clusters import Clusters
from dgbench.stats.signflip import holm, person_sums, sign_flip_p


def ids(numbers) -> list[str]:
    return [f"{n:03d}" for n in numbers]


def test_all_people_agree_gives_the_smallest_exact_p():
    who = ids([0, 0, 1, 1, 2, 3])
    assert sign_flip_p(np.ones(6), Clusters.of(who, who)) == 2 / 2**4


def test_by_hand():
    who = ids([0, 1, 2])
    # |±3±2±1| >= 4: signs +++, ---, ++-, --+ of (3, 2, 1); 4 of 8.
    assert sign_flip_p(np.array([3.0, 2.0, -1.0]), Clusters.of(who, who)) == 4 / 8


def test_frames_of_one_person_are_one_observation():
    who = ids([0] * 500)
    assert sign_flip_p(np.full(500, 0.3), Clusters.of(who, who)) == 1.0


def test_no_difference_is_p_1():
    who = ids([0, 1, 2])
    assert sign_flip_p(np.zeros(3), Clusters.of(who, who)) == 1.0
    assert sign_flip_p(np.zeros(0), Clusters.of([], [])) == 1.0


def test_not_finite_is_refused():
    with pytest.raises(ValueError, match="finite"):
        sign_flip_p(np.array([np.nan]), Clusters.of(["a"], ["a"]))


def cross_values(rng, people: int, partners: int, *, correlation: float, noise: float):
    """Pairs in which a person's effect as source and as reference correlate, and their clusters."""
    source = np.repeat(np.arange(people), partners)
    shift = np.concatenate([rng.permutation(people - 1)[:partners] for _ in range(people)])
    reference = (source + 1 + shift) % people
    by_source, other = rng.normal(size=(2, people))
    by_reference = correlation * by_source + np.sqrt(1 - correlation**2) * other
    values = by_source[source] + by_reference[reference] + noise * rng.normal(size=len(source))
    return values, Clusters.of(ids(source), ids(reference))


def test_rejects_a_true_null_of_self_pairs_no_more_often_than_it_says():
    rng = np.random.default_rng(5)
    source = np.repeat(np.arange(20), 5)
    people, frames = Clusters.of(ids(source), ids(source)), Clusters.of(ids(range(100)), ids(range(100)))
    runs, rejected, naive = 300, 0, 0
    for run in range(runs):
        values = rng.normal(0, 0.08, 20)[source] + rng.normal(0, 0.05, 100)
        rejected += sign_flip_p(values, people, flips=400, seed=run) <= 0.05
        naive += sign_flip_p(values, frames, flips=400, seed=run) <= 0.05
    print(f"rejections at 5 %: clustered {rejected / runs:.1%}, over frames {naive / runs:.1%}")
    assert rejected / runs <= 0.09  # 5 % and three standard errors
    assert naive / runs > 0.15


# Two independent coins per person, one for either role, would reject in 9 to 15 % of the correlated cases.
@pytest.mark.parametrize(
    ("people", "partners", "correlation", "noise"),
    [
        (32, 12, 0.0, 0.5),
        (32, 12, 0.5, 0.5),
        (32, 12, 1.0, 0.5),
        (32, 12, -0.8, 0.5),
        (32, 12, 0.0, 50.0),
        (66, 12, 1.0, 0.5),
        (18, 5, 1.0, 0.5),
        (8, 7, 1.0, 0.5),
    ],
)
def test_rejects_a_true_null_of_cross_pairs_no_more_often_than_it_says(people, partners, correlation, noise):
    rng = np.random.default_rng(5)
    runs, rejected = 500, 0
    for run in range(runs):
        values, clusters = cross_values(rng, people, partners, correlation=correlation, noise=noise)
        rejected += sign_flip_p(values, clusters, flips=400, seed=run) <= 0.05
    print(f"rejections at 5 %: {rejected / runs:.1%}")
    assert rejected / runs <= 0.08  # 5 % and three standard errors


def test_over_all_couples_it_is_the_exact_test_of_the_people():
    """Where nothing but people's effects is in the pairs, crossing people says what one value per person says."""
    source, reference = np.nonzero(~np.eye(7, dtype=bool))
    by_source, by_reference = np.random.default_rng(1).normal(0.4, 1.0, (2, 7))
    crossed = by_source[source] + by_reference[reference]
    alone = Clusters.of(ids(range(7)), ids(range(7)))
    expected = sign_flip_p(by_source + by_reference, alone)
    assert sign_flip_p(crossed, Clusters.of(ids(source), ids(reference))) == expected


@pytest.mark.parametrize(("people", "partners"), [(8, 3), (12, 11), (32, 12)])
def test_a_difference_in_every_pair_has_the_smallest_p(people, partners):
    """However few people: a mean that is counted with both people of a pair could not be beaten by chance alone."""
    source = np.repeat(np.arange(people), partners)
    reference = (source + 1 + np.tile(np.arange(partners), people)) % people
    p = sign_flip_p(np.ones(len(source)), Clusters.of(ids(source), ids(reference)), flips=999)
    assert p == (2 / 2**people if people <= 13 else 1 / 1000)


def test_shares_add_up_to_the_total_where_self_and_cross_pairs_are_mixed():
    clusters = Clusters.of(ids([0, 0, 1, 2, 2]), ids([0, 1, 2, 2, 0]))
    values = np.array([1.0, 2.0, -0.5, 3.0, 0.25])
    assert person_sums(values, clusters).sum() == pytest.approx(values.sum(), rel=1e-12)


def test_finds_a_difference_that_is_there():
    rng = np.random.default_rng(6)
    source = np.repeat(np.arange(20), 5)
    clusters = Clusters.of(ids(source), ids((source + 1 + np.tile(np.arange(5), 20)) % 20))
    values = 0.1 + rng.normal(0, 0.05, 20)[source] + rng.normal(0, 0.05, 100)
    assert sign_flip_p(values, clusters, seed=0) < 0.01


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
