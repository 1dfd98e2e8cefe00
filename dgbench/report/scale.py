"""Which values an axis is made for: a floor far from all other rows would press them into one dot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

#: A worst row is off the scale where it stretches the axis by more than this factor.
_STRETCH = 2.0
#: At most so many rows are off the scale, and at least so many stay on it.
_MOST_OFF, _LEAST_ON = 3, 3


class Span(NamedTuple):
    """The least and the greatest value of a row, its interval included."""

    low: float
    high: float


def on_scale(spans: Sequence[Span], better: str) -> list[bool]:
    """Say of each row whether the axis is made for it; a row that is not is drawn at the edge, with its value.

    Args:
        spans: the rows, in any order.
        better: ``higher`` or ``lower``; only the worst rows can be off the scale.
    """
    kept = sorted(range(len(spans)), key=lambda i: -spans[i].low if better == "higher" else spans[i].high)
    for _ in range(_MOST_OFF):
        if len(kept) <= _LEAST_ON:
            break
        whole, rest = _extent(spans, kept), _extent(spans, kept[:-1])
        if not 0 < rest * _STRETCH < whole:
            break
        kept.pop()
    return [index in set(kept) for index in range(len(spans))]


def _extent(spans: Sequence[Span], rows: Sequence[int]) -> float:
    return max(spans[i].high for i in rows) - min(spans[i].low for i in rows)
