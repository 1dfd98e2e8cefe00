"""Rank ranges: how often equal methods are put in an order, and that what is shown is shown."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fabricated_records import pair_table

from dgbench.core.record import Interval
from dgbench.results.boards.ranks import better_by_intervals, better_by_pairs, places


def equal_methods(rng: np.random.Generator, people: int, partners: int, *, cross: bool) -> list[pd.DataFrame]:
    """Sixteen methods of one quality: people differ between methods, the methods themselves do not."""
    source = np.repeat(np.arange(people), partners)
    shift = np.concatenate([rng.permutation(people - 1)[:partners] for _ in range(people)]) if cross else -1
    reference = (source + 1 + shift) % people
    frame = pd.DataFrame({"source_identity": source.astype(str), "reference_identity": reference.astype(str)})
    return [
        frame.assign(
            csim=rng.normal(size=people)[source]
            + (rng.normal(size=people)[reference] if cross else 0)
            + rng.normal(size=len(source))
        )
        for _ in range(16)
    ]


# 150 tables: the standard error of a family error of 5 % is 1.8 points, and 10 % lies nearly three above it.
@pytest.mark.parametrize(
    ("people", "partners", "cross"), [(8, 12, False), (32, 12, True), (8, 5, True)], ids=["self", "cross", "few, cross"]
)
def test_of_equal_methods_one_is_called_better_in_about_5_percent_of_tables(
    people: int, partners: int, cross: bool
) -> None:
    rng = np.random.default_rng(7)
    tables = (equal_methods(rng, people, partners, cross=cross) for _ in range(150))
    wrong = np.mean([better_by_pairs(table, "csim", higher=True).any() for table in tables])
    print(f"a wrong order in {wrong:.1%} of tables")
    assert wrong < 0.1


@pytest.mark.parametrize("higher", [True, False])
def test_what_is_clearly_apart_is_placed_apart(higher: bool) -> None:
    qualities = {"a": 0.5, "b": 0.505, "c": 0.56, "d": 0.3}
    tables = [pair_table(name, quality=quality) for name, quality in qualities.items()]
    up = [(2, 3), (2, 3), (1, 1), (4, 4)]
    found = [tuple(place) for place in places(better_by_pairs(tables, "csim", higher=higher))]
    assert found == (up if higher else [(5 - high, 5 - low) for low, high in up])


def test_one_person_shows_nothing() -> None:
    tables = [pair_table(name, quality=quality, people=1) for name, quality in (("a", 0.9), ("b", 0.1))]
    assert places(better_by_pairs(tables, "csim", higher=True)) == [(1, 2), (1, 2)]


def test_set_metrics_are_told_apart_by_their_intervals_only() -> None:
    intervals = [Interval(low=1, high=2), Interval(low=1.5, high=3), Interval(low=4, high=5), None]
    assert places(better_by_intervals(intervals, higher=False)) == [(1, 3), (1, 3), (3, 4), (1, 4)]
