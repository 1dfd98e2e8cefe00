"""Paired differences, the people needed to tell methods apart, rank ranges, and the spread of set metrics."""

from __future__ import annotations

import numpy as np
import pytest

from dgbench.stats.clusters import Clusters
from dgbench.stats.paired import detectable_difference, needed_people, paired_differences
from dgbench.stats.ranks import rank_ranges, shown_better
from dgbench.stats.spread import disjoint_parts, spread_over_parts


def self_clusters(people: int, each: int) -> Clusters:
    who = [f"{n:03d}" for n in np.repeat(np.arange(people), each)]
    return Clusters.of(who, who)


def scores(people: int, each: int, shift: float, seed: int = 0):
    """Two methods that share a large effect of the person and differ by ``shift``."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), each)
    person = rng.normal(0, 1.0, people)[who]
    a = person + shift + rng.normal(0, 0.1, people)[who] + rng.normal(0, 0.1, len(who))
    return a, person + rng.normal(0, 0.1, len(who)), self_clusters(people, each)


def paired_difference(first, second, clusters, **options):
    """By one metric: scores (N,)."""
    return paired_differences(first[:, None], second[:, None], clusters, **options)[0]


def test_pairing_removes_what_the_pairs_share():
    a, b, clusters = scores(30, 5, 0.2)
    result = paired_difference(a, b, clusters)
    assert result.difference == pytest.approx(float(np.mean(a) - np.mean(b)), abs=1e-12)
    assert result.interval.low < result.difference < result.interval.high
    assert result.told_apart
    assert result.p < 0.01
    assert result.interval.high - result.interval.low < 0.15  # the people themselves vary with sd 1


def test_equal_methods_are_not_told_apart_and_no_number_of_people_would_do_it():
    a, _, clusters = scores(30, 5, 0.2)
    result = paired_difference(a, a, clusters)
    assert (result.difference, result.p, result.needed_people, result.told_apart) == (0.0, 1.0, None, False)


def test_needed_people_gives_the_promised_power():
    """People drawn in the number that is asked for show the difference in about 80 % of repetitions."""
    people = needed_people(0.1, 0.05, 30)
    assert people == pytest.approx(30 * ((1.959964 + 0.841621) * 0.05 / 0.1) ** 2, abs=1)
    sd = 0.05 * np.sqrt(30)  # of one person's difference
    rng = np.random.default_rng(2)
    found = 0
    for _ in range(2000):
        sample = rng.normal(0.1, sd, people)
        found += abs(sample.mean()) > 1.96 * sd / np.sqrt(people)
    assert 0.77 < found / 2000 < 0.83
    assert detectable_difference(0.05) == pytest.approx(0.14008, abs=1e-4)


def test_metrics_share_the_draws_and_keep_their_own_numbers():
    a, b, clusters = scores(12, 5, 0.2)
    first, second = np.stack([a, a**2], axis=1), np.stack([b, b**2], axis=1)
    together = paired_differences(first, second, clusters, draws=300)
    assert together == [paired_difference(x, y, clusters, draws=300) for x, y in zip(first.T, second.T, strict=True)]


def test_unequal_counts_are_refused():
    with pytest.raises(ValueError, match="same pairs"):
        paired_difference(np.zeros(3), np.zeros(4), self_clusters(3, 1))
    with pytest.raises(ValueError, match="same pairs"):
        paired_difference(np.zeros(0), np.zeros(0), Clusters.of([], []))


@pytest.mark.parametrize("higher", [True, False])
def test_rank_ranges(higher):
    a, b, clusters = scores(30, 5, 0.5)
    table = np.stack([a, b, b + np.random.default_rng(1).normal(0, 0.2, len(b))], axis=1)
    ranges = rank_ranges(shown_better(table, clusters, higher=higher))
    assert ranges == ([(1, 1), (2, 3), (2, 3)] if higher else [(3, 3), (1, 2), (1, 2)])


def test_disjoint_parts_share_nobody_and_have_one_length():
    who = [f"{n % 13:02d}" for n in range(100)]
    parts = disjoint_parts(who, parts=3, seed=4)
    people = [{who[i] for i in part} for part in parts]
    assert len({len(part) for part in parts}) == 1
    assert not (people[0] & people[1] or people[0] & people[2] or people[1] & people[2])
    assert [p.tolist() for p in parts] == [p.tolist() for p in disjoint_parts(who, parts=3, seed=4)]
    with pytest.raises(ValueError, match="2 people"):
        disjoint_parts(["a", "b"], parts=3)


def test_spread_is_the_deviation_over_the_parts():
    who = [f"{n % 10}" for n in range(100)]
    data = np.random.default_rng(0).normal(size=100)
    spread = spread_over_parts(lambda rows: float(data[rows].mean()), who, parts=5)
    assert len(spread.values) == 5
    assert spread.n_each == 20
    assert spread.sd == pytest.approx(np.std(spread.values, ddof=1))
