"""Rank ranges: the fast way for many methods says what the plain statistics say, and never more than the pairs do."""

from __future__ import annotations

import numpy as np
import pytest
from fabricated_records import pair_table

from dgbench.core.record import Interval
from dgbench.results.ranks import better_by_intervals, better_by_pairs, clusters_of, places
from dgbench.results.resample import resampled_means
from dgbench.stats.clusters import bootstrap_means
from dgbench.stats.ranks import shown_better


@pytest.mark.parametrize("relation", ["self", "cross"])
def test_shared_draws_are_the_draws_of_each_method_alone(relation: str) -> None:
    tables = [pair_table(name, quality=0.5) for name in "abc"]
    if relation == "self":
        for table in tables:
            table["reference_identity"] = table["source_identity"]
    clusters = clusters_of(tables[0])
    scores = np.stack([table["csim"].to_numpy() for table in tables], axis=1)
    means = resampled_means(scores, clusters, draws=500)
    for column in range(3):
        alone = bootstrap_means(scores[:, column], clusters, draws=500)
        np.testing.assert_allclose(means[:, column], alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("higher", [True, False])
def test_the_fast_comparison_is_the_plain_one(higher: bool) -> None:
    qualities = {"a": 0.5, "b": 0.505, "c": 0.53, "d": 0.3, "e": 0.31}
    tables = [pair_table(name, quality=quality) for name, quality in qualities.items()]
    scores = np.stack([table["csim"].to_numpy() for table in tables], axis=1)
    plain = shown_better(scores, clusters_of(tables[0]), higher=higher)
    fast = better_by_pairs(tables, "csim", higher=higher)
    np.testing.assert_array_equal(fast, plain)
    assert plain.any() and not plain.all()


def test_one_person_shows_nothing() -> None:
    tables = [pair_table(name, quality=quality, people=1) for name, quality in (("a", 0.9), ("b", 0.1))]
    assert places(better_by_pairs(tables, "csim", higher=True)) == [(1, 2), (1, 2)]


def test_set_metrics_are_told_apart_by_their_intervals_only() -> None:
    intervals = [Interval(low=1, high=2), Interval(low=1.5, high=3), Interval(low=4, high=5), None]
    assert places(better_by_intervals(intervals, higher=False)) == [(1, 3), (1, 3), (3, 4), (1, 4)]
