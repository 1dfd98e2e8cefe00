"""Figures of images for papers: pairs by every method, and one person through poses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dgbench.report.figures import RC, save
from dgbench.report.gallery import StripRow
from dgbench.report.panels import Panel
from dgbench.results.boards.board import Row

#: Pairs in the figure of pairs.
_PAIRS = 5
_CELL, _GAP, _INCH = 112, 4, 0.95
_NO_IMAGE = (236, 239, 243)
_BOX, _EDGE = "#c8102e", 1.5

Grid = Sequence[Sequence[str | None]]


def strip_figure(rows: Sequence[Row], strip: Sequence[StripRow], site: Path, stem: Path) -> list[Path]:
    """Write ``stem`` as PDF and PNG: one row per pair, columns source, reference, every method, target."""
    names = ["Source", "Reference", *(row.label for row in rows), "Target"]
    grid = [
        [pair.inputs["source"], pair.inputs["reference"], *(g for g, _ in pair.generated), pair.inputs["target"]]
        for pair in strip[:_PAIRS]
    ]
    return _grid_figure(grid, site, stem, columns=names)


def panel_figure(panel: Panel, site: Path, stem: Path) -> list[Path]:
    """Write ``stem`` as PDF and PNG: references on top, then sources, a row per method, and the target.

    Methods that reenact stand in red boxes, as in the Dual-Generator paper's figures; sanity baselines stand bare.
    """
    generated = [[pair.generated[place][0] for pair in panel.pairs] for place in range(len(panel.rows))]
    grid = [[pair.inputs[role] for pair in panel.pairs] for role in ("reference", "source")]
    grid += [*generated, [pair.inputs["target"] for pair in panel.pairs]]
    names = ["Reference", "Source", *(row.label for row in panel.rows), "Target"]
    yaws = ["" if yaw is None else f"{yaw:+.0f}°" for yaw in panel.yaws]
    boxed = [2 + place for place, row in enumerate(panel.rows) if row.stored.record.method.motion != "none"]
    return _grid_figure(grid, site, stem, columns=yaws, names=names, boxed=boxed)


def _grid_figure(
    grid: Grid, site: Path, stem: Path, *, columns: Sequence[str], names: Sequence[str] = (), boxed: Sequence[int] = ()
) -> list[Path]:
    """Images in rows, those of ``boxed`` in red boxes; grey is no image."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle
    from PIL import Image

    pitch = _CELL + _GAP
    sheet = Image.new("RGB", (pitch * len(columns) - _GAP, pitch * len(grid) - _GAP), "white")
    for line, row in enumerate(grid):
        for place, name in enumerate(row):
            corner = (pitch * place, pitch * line)
            if name is None:
                sheet.paste(_NO_IMAGE, (*corner, corner[0] + _CELL, corner[1] + _CELL))
                continue
            with Image.open(site / name) as picture:
                sheet.paste(picture.convert("RGB").resize((_CELL, _CELL), Image.Resampling.LANCZOS), corner)
    left = 0.062 * max((len(_short(name)) for name in names), default=0)
    width, height, top = left + _INCH * len(columns), _INCH * len(grid), 0.25
    with mpl.rc_context(RC):
        figure = Figure(figsize=(width, height + top))
        axis = figure.add_axes((left / width, 0, 1 - left / width, height / (height + top)))
        axis.imshow(sheet, aspect="auto")
        axis.set_axis_off()
        for line in boxed:
            edge = 1.5
            wide, tall = sheet.width - 2 * edge, _CELL - 2 * edge
            axis.add_patch(
                Rectangle((edge, pitch * line + edge), wide, tall, fill=False, edgecolor=_BOX, linewidth=1.4)
            )
        for place, name in enumerate(columns):
            axis.text(pitch * place + _CELL / 2, -8, _short(name), ha="center", va="bottom", fontsize=6.5)
        for line, name in enumerate(names):
            axis.text(-8, pitch * line + _CELL / 2, _short(name), ha="right", va="center", fontsize=6.5)
        return save(figure, stem, dpi=118, colours=None)


def _short(name: str) -> str:
    return name if len(name) <= 30 else f"{name[:29]}…"
