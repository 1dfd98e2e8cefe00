"""Intervals clustered on people: known answers, invariances, and coverage measured by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgbench.stats.clusters import Clusters, bootstrap_means, expanded_levels, mean_interval, standard_error


def ids(numbers) -> list[str]:
    return [f"{n:03d}" for n in numbers]


def self_clusters(people: int, each: int) -> Clusters:
    who = ids(np.repeat(np.arange(people), each))
    return Clusters.of(who, who)


def ring_clusters(people: int, each: int) -> Clusters:
    source = np.repeat(np.arange(people), each)
    reference = (source + 1 + np.tile(np.arange(each), people) % (people - 1)) % people
    return Clusters.of(ids(source), ids(reference))


def brute_force_variance(values, clusters) -> float:
    """The definition: residual products over all pairs of pairs that share a person."""
    e = values - values.mean()
    total = 0.0
    for i in range(len(e)):
        for j in range(len(e)):
            if {clusters.first[i], clusters.second[i]} & {clusters.first[j], clusters.second[j]}:
                total += e[i] * e[j]
    return total / len(e) ** 2


@pytest.mark.parametrize("clusters", [self_clusters(5, 4), ring_clusters(7, 3)], ids=["self", "cross"])
def test_standard_error_is_the_sum_over_pairs_that_share_a_person(clusters):
    rng = np.random.default_rng(3)
    values = rng.normal(size=len(clusters.people))[clusters.first] + 0.3 * rng.normal(size=len(clusters))
    people = len(clusters.people)
    lost = 1 if clusters.self_only else 2
    expected = np.sqrt(brute_force_variance(values, clusters) * people / (people - lost))
    assert standard_error(values, clusters) == pytest.approx(expected, rel=1e-12)


def test_standard_error_is_never_below_that_of_independent_pairs():
    """The sum over sharing pairs can come out negative by chance; the pairs' own noise is the least there is."""
    clusters = ring_clusters(7, 3)
    values = np.random.default_rng(3).normal(size=len(clusters))
    assert brute_force_variance(values, clusters) < values.var() / len(values)
    assert standard_error(values, clusters) == pytest.approx(np.sqrt(values.var() / 21 * 7 / 5), rel=1e-12)


def test_bootstrap_means_match_a_plain_loop_over_draws():
    clusters = ring_clusters(6, 2)
    values = np.random.default_rng(0).normal(size=len(clusters))
    generator = np.random.default_rng(9)
    expected = []
    for weights in generator.multinomial(6, np.full(6, 1 / 6), size=50):
        per_pair = [weights[a] * weights[b] for a, b in zip(clusters.first, clusters.second, strict=True)]
        if sum(per_pair):
            expected.append(np.dot(per_pair, values) / sum(per_pair))
    drawn = bootstrap_means(values, clusters, draws=len(expected), seed=9)
    # Dropped draws are redrawn from the same stream, so the kept ones come first and in order.
    assert drawn[: len(expected)] == pytest.approx(expected, rel=1e-12)


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_interval_does_not_depend_on_the_order_of_pairs(seed):
    clusters = ring_clusters(8, 3)
    rng = np.random.default_rng(seed)
    values = rng.normal(size=len(clusters))
    order = rng.permutation(len(clusters))
    shuffled = Clusters(clusters.people, clusters.first[order], clusters.second[order])
    a = mean_interval(values, clusters, draws=200)
    b = mean_interval(values[order], shuffled, draws=200)
    assert (a.low, a.high) == pytest.approx((b.low, b.high), rel=1e-9)


def test_constant_has_width_zero_and_one_person_has_no_interval():
    constant = mean_interval(np.full(20, 0.25), self_clusters(5, 4))
    assert constant.low == constant.high == 0.25
    assert mean_interval(np.full(24, 0.25), ring_clusters(8, 3)).low == pytest.approx(0.25, abs=1e-15)
    assert mean_interval(np.arange(4.0), self_clusters(1, 4)) is None
    assert mean_interval(np.arange(2.0), Clusters.of(["a", "b"], ["b", "a"])) is None
    assert mean_interval(np.zeros(0), Clusters.of([], [])) is None


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_finite_is_refused(bad):
    values = np.zeros(20)
    values[3] = bad
    with pytest.raises(ValueError, match="finite"):
        mean_interval(values, self_clusters(5, 4))


def test_lengths_must_match():
    with pytest.raises(ValueError, match="pairs"):
        mean_interval(np.zeros(3), self_clusters(5, 4))
    with pytest.raises(ValueError, match="identities"):
        Clusters.of(["a"], [])


def test_take_drops_people_without_a_pair():
    clusters = ring_clusters(6, 2)
    part = clusters.take(np.array([0, 1]))
    assert len(part) == 2
    assert set(part.people) == {"000", "001", "002"}
    assert part.people[part.first[0]] == "000"


def test_expanded_levels_are_the_plain_ones_for_many_people():
    assert expanded_levels(0.95, 100_000) == pytest.approx((0.025, 0.975), abs=1e-4)
    assert expanded_levels(0.95, 10)[0] < 0.01


def coverage(clusters: Clusters, *, by_source: float, by_reference: float, noise: float, runs: int, seed: int):
    """Share of runs whose interval holds the true mean 0: clustered, and the naive one over frames."""
    rng = np.random.default_rng(seed)
    people, n = len(clusters.people), len(clusters)
    hits = naive = 0
    for run in range(runs):
        values = rng.normal(0, by_source, people)[clusters.first] + rng.normal(0, noise, n)
        if not clusters.self_only:
            values += rng.normal(0, by_reference, people)[clusters.second]
        interval = mean_interval(values, clusters, draws=600, seed=run)
        hits += interval.low <= 0 <= interval.high
        frames = rng.choice(values, (200, n)).mean(axis=1)
        low, high = np.quantile(frames, [0.025, 0.975])
        naive += low <= 0 <= high
    return hits / runs, naive / runs


# 500 runs: the standard error of a coverage of 95 % is 1 point, so the band 93-97 % is two of them.
@pytest.mark.parametrize(
    ("clusters", "by_reference"),
    [(self_clusters(40, 25), 0.0), (self_clusters(15, 20), 0.0), (ring_clusters(40, 5), 0.04)],
    ids=["self-40-people", "self-15-people", "cross-40-people"],
)
def test_coverage_is_93_to_97_percent_where_frames_alone_cover_far_less(clusters, by_reference):
    clustered, naive = coverage(clusters, by_source=0.08, by_reference=by_reference, noise=0.05, runs=500, seed=1)
    print(f"coverage of the 95 % interval: clustered {clustered:.1%}, naive over frames {naive:.1%}")
    assert 0.93 <= clustered <= 0.97
    assert naive < 0.75
