"""Axes of small plots: round tick values, and the mapping from a value to a place."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """A linear axis from ``low`` to ``high`` laid over pixels ``start`` to ``end``, with round ``ticks``."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]
    decimals: int

    def __call__(self, value: float) -> float:
        """Place of ``value`` in pixels, held inside the axis."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)

    def label(self, tick: float) -> str:
        """A tick as text, all ticks with the same number of decimals."""
        text = f"{tick:.{self.decimals}f}"
        return text.removeprefix("-") if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")


def axis(values: Iterable[float], *, start: float, end: float, count: int = 5) -> Axis:
    """Choose an axis with about ``count`` round ticks that holds all ``values``."""
    known = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    if high - low < 1e-9:
        pad = abs(low) * 0.1 or 0.5
        low, high = low - pad, high + pad
    step = _round_step((high - low) / max(count - 1, 1))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(step * index for index in range(first, last + 1))
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return Axis(ticks[0], ticks[-1], start, end, ticks, decimals)


def _round_step(raw: float) -> float:
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999999)
