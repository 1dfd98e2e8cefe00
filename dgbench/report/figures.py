"""Plots for papers as PDF and PNG: intervals and yaw-bin curves of a section."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dgbench.core.record import MetricValue
from dgbench.io.atomic import write_bytes
from dgbench.report.scale import Span, on_scale
from dgbench.report.views import Column, SectionView
from dgbench.results.boards.board import Row

#: The page's light palette, so that a paper's figure and the page agree.
_COLOURS = ("#0b56a4", "#b4400a", "#1b7a4b", "#8a3ea8", "#946200", "#0b7c8c", "#b0246b", "#4d5a6a")
_STYLES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)), "-", (0, (4, 1)), (0, (1, 1)), (0, (8, 3)))
RC = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "pdf.fonttype": 42,
    "svg.hashsalt": "dgbench",
}


def section_figures(view: SectionView, out: Path) -> list[Path]:
    """Write ``<slug>-intervals`` and, where there are bins, ``<slug>-curves``; return the files."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    files: list[Path] = []
    with mpl.rc_context(RC):
        columns = [c for c in view.plotted if any(_value(row, c) is not None for row in view.section.rows)]
        if columns:
            names = max(len(row.label) for row in view.section.rows)
            left, bottom, top = 0.075 * min(names, 32) + 0.15, 0.42, 0.28
            width = left + 1.9 * len(columns) + 0.1
            height = bottom + top + max(0.8, 0.19 * len(view.section.rows))
            figure = Figure(figsize=(width, height))
            axes = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
            for axis, column in zip(axes, columns, strict=True):
                _intervals(axis, view, column)
            figure.subplots_adjust(left / width, bottom / height, 1 - 0.1 / width, 1 - top / height, 0.18)
            files += save(figure, out / f"{view.slug}-intervals")
        binned = [c for c in columns if view.curves(c)]
        if binned:
            width, height, bottom = 2.4 * len(binned) + 0.2, 2.5, 0.75
            figure = Figure(figsize=(width, height))
            axes = figure.subplots(1, len(binned), squeeze=False)[0]
            for axis, column in zip(axes, binned, strict=True):
                _curves(axis, view, column)
            handles, labels = axes[0].get_legend_handles_labels()
            if handles:
                figure.legend(handles, labels, loc="lower center", ncols=max(2, 2 * len(binned)), frameon=False)
            figure.subplots_adjust(0.45 / width, bottom / height, 1 - 0.1 / width, 1 - 0.28 / height, 0.24)
            files += save(figure, out / f"{view.slug}-curves")
    return files


def _intervals(axis: Any, view: SectionView, column: Column) -> None:
    rows = list(view.section.rows)
    known = [
        (place, m, m.value) for place, r in enumerate(rows) if (m := r.metric(column.name)) and m.value is not None
    ]
    spans = [Span(*_ends(metric, value)) for _, metric, value in known]
    inside = on_scale(spans, column.card.direction)
    low, high = _limits([span for span, on in zip(spans, inside, strict=True) if on])
    worse, side = (low, "left") if column.card.direction == "higher" else (high, "right")
    axis.set_xlim(low, high)
    for (place, metric, value), on in zip(known, inside, strict=True):
        row = rows[place]
        if not on:
            text = f"◂ {value:.3g}" if side == "left" else f"{value:.3g} ▸"
            axis.text(worse, place, text, ha=side, va="center", fontsize=6.5, color="#565f6e")
            continue
        colour = "#8a929e" if row.reason else _COLOURS[0]
        if metric.interval is not None:
            axis.plot([metric.interval.low, metric.interval.high], [place, place], color="#9bbce0", lw=3.5, zorder=1)
        axis.plot([value], [place], "o", ms=3.6, color=colour, mfc="white" if row.reason else colour, zorder=2)
    axis.set_yticks(range(len(rows)), [row.label for row in rows])
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="x", lw=0.4, color="#e1e5ea", zorder=0)
    axis.set_axisbelow(True)
    axis.set_title(f"{column.name} {'↑' if column.card.direction == 'higher' else '↓'}")
    if column.card.unit:
        axis.set_xlabel(column.card.unit)


def _curves(axis: Any, view: SectionView, column: Column) -> None:
    for row in view.ranked:
        metric = row.metric(column.name)
        known = [entry for entry in metric.bins if entry.value is not None] if metric else []
        if not known:
            continue
        x = [entry.bin for entry in known]
        colour = view.colours.get(row.stored.path)
        if colour is None:
            axis.plot(x, [entry.value for entry in known], color="#c4cad3", lw=0.8, zorder=0)
            continue
        style, paint = _STYLES[colour % len(_STYLES)], _COLOURS[colour % len(_COLOURS)]
        axis.plot(x, [e.value for e in known], ls=style, marker="o", ms=2.6, lw=1.3, color=paint, label=row.label)
        low = [e.interval.low if e.interval else e.value for e in known]
        high = [e.interval.high if e.interval else e.value for e in known]
        axis.fill_between(x, low, high, color=paint, alpha=0.12, lw=0)
    axis.set_title(f"{column.name} {'↑' if column.card.direction == 'higher' else '↓'}")
    axis.set_xlabel("pose bin")


def _ends(metric: MetricValue, value: float) -> tuple[float, float]:
    interval = metric.interval
    return (value, value) if interval is None else (min(interval.low, value), max(interval.high, value))


def _limits(spans: Sequence[Span]) -> tuple[float, float]:
    low, high = min(span.low for span in spans), max(span.high for span in spans)
    pad = 0.05 * (high - low) or 0.05 * abs(low) or 0.5
    return low - pad, high + pad


def _value(row: Row, column: Column) -> float | None:
    metric = row.metric(column.name)
    return metric.value if metric else None


def save(figure: Any, stem: Path, *, dpi: int = 130, colours: int | None = 128) -> list[Path]:
    """Save as PDF and PNG without dates, so that the same scores give the same files.

    ``colours`` is the size of the PNG's palette, ``None`` for photographs.
    """
    from PIL import Image

    pdf, png = io.BytesIO(), io.BytesIO()
    figure.savefig(pdf, format="pdf", metadata={"CreationDate": None})
    figure.savefig(png, format="png", dpi=dpi)
    if colours is not None:
        picture = Image.open(png).convert("RGB").quantize(colours, dither=Image.Dither.NONE)
        png = io.BytesIO()
        picture.save(png, "PNG", optimize=True, dpi=(dpi, dpi))
    files = [stem.with_name(f"{stem.name}.{kind}") for kind in ("pdf", "png")]
    for file, content in zip(files, (pdf, png), strict=True):
        write_bytes(file, content.getvalue())
    return files
