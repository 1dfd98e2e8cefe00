"""Axes and plots: ticks are round and hold the data, marks lie where their values are, labels keep apart."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgbench.report.axes import axis
from dgbench.report.plots import Mark, Series, curve_plot, interval_plot


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8))
def test_an_axis_holds_its_values_and_has_few_ticks(values: list[float]) -> None:
    made = axis(values, start=0, end=100)
    slack = 1e-8 * (made.high - made.low)
    assert made.low - slack <= min(values) and max(values) <= made.high + slack
    assert 2 <= len(made.ticks) <= 8
    places = [made(value) for value in sorted(values)]
    assert places == sorted(places) and min(places) >= 0 and max(places) <= 100


def test_tick_labels_are_round() -> None:
    made = axis([0.213, 0.871], start=0, end=1)
    assert [made.label(tick) for tick in made.ticks] == ["0.2", "0.4", "0.6", "0.8", "1.0"]


def test_marks_lie_where_their_values_are() -> None:
    svg = interval_plot([Mark("a", 10, 5, 15), Mark("b", 20)], title="t", better="lower")
    centres = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', svg)]
    bars = re.findall(r'class="bar" d="M([\d.]+) \d+H([\d.]+)"', svg)
    assert len(centres) == 2 and len(bars) == 1, "a value without an interval has no bar"
    assert centres[0] < centres[1]
    assert float(bars[0][0]) < centres[0] < float(bars[0][1])
    assert centres[0] - float(bars[0][0]) == pytest.approx(float(bars[0][1]) - centres[0], abs=0.2)


def test_labels_are_escaped() -> None:
    assert "<b>" not in interval_plot([Mark("<b>", 1.0)], title='"<b>', better="higher")


def test_labels_at_line_ends_keep_apart() -> None:
    series = [Series(f"m{i}", (Mark("0", 0.5 + i * 1e-4), Mark("45", 0.5 + i * 1e-4)), i) for i in range(8)]
    svg = curve_plot(series, bins=[("0", 3), ("45", 4)], title="t", better="higher")
    spots = sorted(float(y) for y in re.findall(r'class="end c\d" x="[\d.]+" y="([\d.]+)"', svg))
    assert len(spots) == 8
    assert min(b - a for a, b in itertools.pairwise(spots)) >= 13.9


def test_no_data_gives_no_plot() -> None:
    assert interval_plot([], title="t", better="higher") == ""
    assert curve_plot([Series("a", ())], bins=[("0", 1)], title="t", better="higher") == ""
