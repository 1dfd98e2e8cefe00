"""The sign-flip test: exact answers, size under the null with clustered people, power, and Holm."""

from __future__ import annotations

import numpy as np
import pytest

from dgbench.stats.clusters import Clusters
from dgbench.stats.signflip import holm, sign_flip_p


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


@pytest.mark.parametrize("cross", [False, True])
def test_rejects_a_true_null_no_more_often_than_it_says(cross):
    rng = np.random.default_rng(5)
    source = np.repeat(np.arange(20), 5)
    reference = (source + 1 + np.tile(np.arange(5), 20)) % 20 if cross else source
    clusters = Clusters.of(ids(source), ids(reference))
    runs, rejected, naive = 300, 0, 0
    for run in range(runs):
        values = rng.normal(0, 0.08, 20)[source] + rng.normal(0, 0.05, 100)
        if cross:
            values += rng.normal(0, 0.08, 20)[reference]
        rejected += sign_flip_p(values, clusters, flips=400, seed=run) < 0.05
        each = ids(range(100))
        naive += sign_flip_p(values, Clusters.of(each, each), flips=400, seed=run) < 0.05
    print(f"rejections at 5 %: clustered {rejected / runs:.1%}, over frames {naive / runs:.1%}")
    assert rejected / runs <= 0.09  # 5 % and three standard errors
    assert naive / runs > 0.15


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
