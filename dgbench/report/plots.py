"""Interval plots and yaw-bin curves as inline SVG that takes its colours from the page's theme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from dgbench.report.axes import Axis, axis
from dgbench.report.scale import Span, on_scale
from dgbench.results.tables import formats

#: How many series get a colour of their own; the page's style sheet has ``--c0`` to ``--c7``.
COLOURS = 8
_LONGEST = 38  # characters of a label
_CHAR = 6.6  # width of a character of the label font, in pixels


@dataclass(frozen=True)
class Mark:
    """A value with its interval and the label of its row; ``muted`` marks rows that are not ranked."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    muted: bool = False


@dataclass(frozen=True)
class Series:
    """A named line over bins: ``marks`` in bin order, labelled by bin; ``colour`` < 0 draws it in grey."""

    name: str
    marks: tuple[Mark, ...]
    colour: int = -1


def interval_plot(marks: Sequence[Mark], *, title: str, better: str, width: int = 640) -> str:
    """A row per method: its value as a dot, its interval as a bar.

    Args:
        marks: the rows, best first.
        title: what is plotted, for people who cannot see it.
        better: ``higher`` or ``lower``; written at the axis.
        width: of the drawing, in pixels; it scales with the page.
    """
    if not marks:
        return ""
    row, top = 20, 8
    left = min(270, 16 + _CHAR * max(len(_short(mark.label)) for mark in marks))
    bottom = top + row * len(marks)
    inside = on_scale([_span(mark) for mark in marks], better)
    x = axis(_extent([mark for mark, on in zip(marks, inside, strict=True) if on]), start=left, end=width - 16)
    parts = [_grid_x(x, top, bottom)]
    for index, (mark, on) in enumerate(zip(marks, inside, strict=True)):
        y = top + row * (index + 0.5)
        kind = "mark muted" if mark.muted else "mark"
        tip = escape(f"{mark.label}: {_value_text(mark)}")
        parts.append(f'<g class="{kind}"><title>{tip}</title>')
        parts.append(f'<text class="name" x="{left - 10:.0f}" y="{y + 4:.0f}">{escape(_short(mark.label))}</text>')
        if not on:
            parts.append(f"{_off_scale(mark, x, y, better)}</g>")
            continue
        if mark.low is not None and mark.high is not None:
            parts.append(f'<path class="bar" d="M{x(mark.low):.1f} {y:.0f}H{x(mark.high):.1f}"/>')
        parts.append(f'<circle cx="{x(mark.value):.1f}" cy="{y:.0f}" r="3.6"/></g>')
    arrow = "better →" if better == "higher" else "← better"
    parts.append(f'<text class="hint" x="{width - 16}" y="{bottom + 32}" text-anchor="end">{arrow}</text>')
    return _svg("interval-plot", title, width, bottom + 38, parts)


def curve_plot(
    series: Sequence[Series],
    *,
    bins: Sequence[tuple[str, int]],
    title: str,
    better: str,
    width: int = 640,
    height: int = 280,
) -> str:
    """A line per method over pose bins, with interval bands on coloured lines and N under each bin.

    Args:
        series: grey lines are drawn first; coloured ones get a band and their name at the right end.
        bins: (name, number of pairs) in order.
        title: what is plotted, for people who cannot see it.
        better: ``higher`` or ``lower``.
        width: of the drawing in pixels.
        height: of the drawing in pixels.
    """
    drawn = [line for line in series if line.marks]
    coloured = [line for line in drawn if line.colour >= 0]
    if not bins or not drawn:
        return ""
    inside = on_scale([Span(min(_extent(line.marks)), max(_extent(line.marks))) for line in drawn], better)
    off = {line.name for line, on in zip(drawn, inside, strict=True) if not on}
    names = max((len(_end_label(line, off)) for line in coloured), default=0)
    right = width - min(260, 22 + _CHAR * names)
    y = axis(_extent([m for line in drawn if line.name not in off for m in line.marks]), start=height - 46, end=12)
    step = (right - 78) / max(len(bins) - 1, 1)
    place = {name: (64 + step * index if len(bins) > 1 else (64 + right) / 2) for index, (name, _) in enumerate(bins)}
    parts = [_grid_y(y, 56, right)]
    for name, count in bins:
        parts.append(
            f'<text class="tick" x="{place[name]:.0f}" y="{height - 26}" text-anchor="middle">{escape(name)}</text>'
        )
        parts.append(f'<text class="n" x="{place[name]:.0f}" y="{height - 10}" text-anchor="middle">n={count}</text>')
    for line in sorted(series, key=lambda item: item.colour >= 0):
        parts.append(_line(line, place, y))
    ends = [(y(line.marks[-1].value), line) for line in coloured]
    for spot, line in _apart(ends, gap=14, low=14, high=height - 48):
        text = escape(_end_label(line, off))
        parts.append(f'<text class="end c{line.colour % COLOURS}" x="{right + 10}" y="{spot + 4:.1f}">{text}</text>')
    return _svg("curve-plot", title, width, height, parts)


def _end_label(line: Series, off: set[str]) -> str:
    return f"{_short(line.name)}{' (off scale)' if line.name in off else ''}"


def _off_scale(mark: Mark, x: Axis, y: float, better: str) -> str:
    """A pointer at the worse edge of the axis, and the value that lies beyond it."""
    edge, side, anchor = (x.start, 1, "start") if better == "higher" else (x.end, -1, "end")
    pointer = f"M{edge:.1f} {y:.1f}l{8 * side} -4v8z"
    text = f'<text class="tick" x="{edge + 13 * side:.1f}" y="{y + 4:.1f}" text-anchor="{anchor}">'
    return f'<path class="off" d="{pointer}"/>{text}{formats.number(mark.value, decimals=3)}</text>'


def _span(mark: Mark) -> Span:
    values = _extent([mark])
    return Span(min(values), max(values))


def _line(line: Series, place: dict[str, float], y: Axis) -> str:
    marks = [mark for mark in line.marks if mark.label in place]
    if not marks:
        return ""
    points = [(place[mark.label], y(mark.value)) for mark in marks]
    path = "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py in points)
    if line.colour < 0:
        return f'<g class="line grey"><title>{escape(line.name)}</title><path d="{path}"/></g>'
    tip = escape(f"{line.name}: " + ", ".join(f"{mark.label} {_value_text(mark)}" for mark in marks))
    parts = [f'<g class="line c{line.colour % COLOURS}" data-name="{escape(line.name)}"><title>{tip}</title>']
    banded = [mark for mark in marks if mark.low is not None and mark.high is not None]
    if len(banded) > 1:
        upper = [f"{place[m.label]:.1f} {y(m.high):.1f}" for m in banded if m.high is not None]
        lower = [f"{place[m.label]:.1f} {y(m.low):.1f}" for m in reversed(banded) if m.low is not None]
        parts.append(f'<path class="band" d="M{"L".join([*upper, *lower])}Z"/>')
    parts.append(f'<path class="stroke" d="{path}"/>')
    parts += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3.2"/>' for px, py in points]
    return "".join([*parts, "</g>"])


def _apart(ends: list[tuple[float, Series]], *, gap: float, low: float, high: float) -> list[tuple[float, Series]]:
    """Move labels at line ends apart so that none covers another, keeping their order."""
    placed: list[tuple[float, Series]] = []
    for spot, line in sorted(ends, key=lambda end: (end[0], end[1].name)):
        floor = placed[-1][0] + gap if placed else low
        placed.append((max(spot, floor), line))
    if placed and placed[-1][0] > high:
        ceiling = high
        for index in range(len(placed) - 1, -1, -1):
            spot = min(placed[index][0], ceiling)
            placed[index] = (spot, placed[index][1])
            ceiling = spot - gap
    return placed


def _extent(marks: Sequence[Mark]) -> list[float]:
    return [value for mark in marks for value in (mark.value, mark.low, mark.high) if value is not None]


def _grid_x(x: Axis, top: float, bottom: float) -> str:
    parts = []
    for tick in x.ticks:
        parts.append(f'<path class="grid" d="M{x(tick):.1f} {top}V{bottom}"/>')
        parts.append(
            f'<text class="tick" x="{x(tick):.1f}" y="{bottom + 16}" text-anchor="middle">{x.label(tick)}</text>'
        )
    return "".join(parts)


def _grid_y(y: Axis, left: float, right: float) -> str:
    parts = []
    for tick in y.ticks:
        parts.append(f'<path class="grid" d="M{left} {y(tick):.1f}H{right}"/>')
        parts.append(
            f'<text class="tick" x="{left - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{y.label(tick)}</text>'
        )
    return "".join(parts)


def _value_text(mark: Mark) -> str:
    if mark.low is None or mark.high is None:
        return formats.number(mark.value)
    return f"{formats.number(mark.value)} [{formats.number(mark.low)}, {formats.number(mark.high)}]"


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"


def _svg(kind: str, title: str, width: int, height: float, parts: Sequence[str]) -> str:
    box = f'viewBox="0 0 {width} {height:.0f}" style="max-width:{width}px"'
    return f'<svg class="plot {kind}" role="img" aria-label="{escape(title)}" {box}>{"".join(parts)}</svg>'
