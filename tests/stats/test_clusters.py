"""Intervals clustered on people: known answers, invariances, and coverage measured by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgbench.stats.clusters import (
    Clusters,
    bootstrap_means,
    expanded_levels,
    mean_interval,
    mean_intervals,
    standard_error,
)


def ids(numbers) -> list[str]:
    return [f"{n:03d}" for n in numbers]


def self_clusters(people: int, each: int) -> Clusters:
    who = ids(np.repeat(np.arange(people), each))
    return Clusters.of(who, who)


def ring_clusters(people: int, each: int) -> Clusters:
    source = np.repeat(np.arange(people), each)
    reference = (source + 1 + np.tile(np.arange(each), people) % (people - 1)) % people
    return Clusters.of(ids(source), ids(reference))


def all_couples(people: int) -> Clusters:
    source, reference = np.nonzero(~np.eye(people, dtype=bool))
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
    kept = 4 / 5 if clusters.self_only else 5 * 4 / (7 * 6)
    expected = np.sqrt(brute_force_variance(values, clusters) / kept)
    assert standard_error(values, clusters) == pytest.approx(expected, rel=1e-12)


def test_standard_error_is_never_below_that_of_independent_pairs():
    """The sum over sharing pairs can come out negative by chance; the pairs' own noise is the least there is."""
    clusters = ring_clusters(7, 3)
    values = np.random.default_rng(3).normal(size=len(clusters))
    assert brute_force_variance(values, clusters) < values.var() / len(values)
    assert standard_error(values, clusters) == pytest.approx(np.sqrt(values.var() / 21), rel=1e-12)


def test_standard_error_of_few_people_is_right_on_average():
    """Without the share that residuals keep, eight people in cross pairs would show half of the variance."""
    clusters, runs = all_couples(8), 4000
    rng = np.random.default_rng(0)
    by_source, by_reference = rng.normal(0, 1.0, (2, 8, runs))
    values = by_source[clusters.first] + 0.5 * by_reference[clusters.second] + 0.5 * rng.normal(size=(56, runs))
    found = np.mean([standard_error(column, clusters) ** 2 for column in values.T])
    assert found == pytest.approx((1 + 0.25) / 8 + 0.25 / 56, rel=0.05)


def test_three_people_in_cross_pairs_have_no_interval():
    three = ring_clusters(3, 2)
    assert mean_interval(np.arange(6.0), three) is None
    with pytest.raises(ValueError, match="3 people: a standard error over people needs 4"):
        standard_error(np.arange(6.0), three)
    assert mean_interval(np.arange(12.0), all_couples(4)) is not None


def test_columns_share_draws_and_keep_their_own_bits():
    clusters = ring_clusters(9, 4)
    table = np.random.default_rng(5).normal(size=(len(clusters), 7))
    together = mean_intervals(table, clusters, draws=300, seed=4)
    alone = [mean_interval(column, clusters, draws=300, seed=4) for column in table.T]
    assert together == alone
    assert len({interval.low for interval in alone}) == 7


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


def coverage(clusters: Clusters, *, by_reference: float, noise: float, runs: int = 2000) -> tuple[float, float]:
    """Share of simulated runs whose 95 % interval holds the true mean 0: clustered, and a bootstrap over frames."""
    rng = np.random.default_rng(1)
    people, n = len(clusters.people), len(clusters)
    values = rng.normal(0, 0.08, (people, runs))[clusters.first] + rng.normal(0, noise, (n, runs))
    values += rng.normal(0, by_reference, (people, runs))[clusters.second]
    intervals = mean_intervals(values, clusters, draws=1500)
    clustered = np.mean([interval.low <= 0 <= interval.high for interval in intervals])
    frames = rng.multinomial(n, np.full(n, 1 / n), 500) @ values / n
    low, high = np.quantile(frames, [0.025, 0.975], axis=0)
    return float(clustered), float(np.mean((low <= 0) & (high >= 0)))


# 2,000 runs: the standard error of a coverage of 95 % is half a point.
@pytest.mark.parametrize(
    ("clusters", "by_reference"),
    [
        pytest.param(self_clusters(40, 25), 0.0, id="self, 40 people x 25"),
        pytest.param(self_clusters(15, 20), 0.0, id="self, 15 people x 20"),
        pytest.param(self_clusters(8, 20), 0.0, id="self, 8 people x 20"),
        pytest.param(ring_clusters(40, 5), 0.04, id="cross, 40 people x 5"),
        pytest.param(ring_clusters(32, 12), 0.04, id="cross, 32 people x 12"),
        pytest.param(ring_clusters(18, 40), 0.04, id="cross, 18 people x 40"),
        pytest.param(ring_clusters(12, 5), 0.04, id="cross, 12 people x 5"),
        pytest.param(all_couples(10), 0.04, id="cross, 10 people, all couples"),
        pytest.param(ring_clusters(8, 5), 0.04, id="cross, 8 people x 5"),
        pytest.param(all_couples(8), 0.08, id="cross, 8 people, all couples"),
    ],
)
def test_coverage_is_93_to_97_percent_where_frames_alone_cover_far_less(request, clusters, by_reference):
    clustered, naive = coverage(clusters, by_reference=by_reference, noise=0.05)
    print(f"\n{request.node.callspec.id}: clustered {clustered:.1%}, frames alone {naive:.1%}")
    assert 0.93 <= clustered <= 0.97
    assert naive < 0.8


def test_where_pairs_differ_more_than_people_the_interval_of_few_people_errs_on_the_wide_side():
    clustered, _ = coverage(ring_clusters(8, 5), by_reference=0.02, noise=0.2)
    print(f"\ncross, 8 people x 5, mostly noise: clustered {clustered:.1%}")
    assert 0.95 <= clustered <= 0.99
