"""The calibration as files: the table, curves, and a page of Markdown."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pandas as pd

from dgbench.io.atomic import write_bytes
from dgbench.scoring.calibration.doses import DOSES
from dgbench.scoring.calibration.measure import OWN_DOSE, needed_pairs, nuisances


def write_calibration(table: pd.DataFrame, out: Path, *, judges: str, people: int) -> list[Path]:
    """Write ``calibration.csv``, ``calibration.png`` and ``calibration.md`` into ``out``; returns their paths.

    Raises:
        WorkFailedError: the folder cannot be written.
    """
    content = {
        "calibration.csv": table.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode(),
        "calibration.png": _curves(table),
        "calibration.md": _page(table, judges=judges, people=people).encode(),
    }
    for name, data in content.items():
        write_bytes(out / name, data)
    return [out / name for name in content]


def _curves(table: pd.DataFrame) -> bytes:
    """Draw one small plot per metric and dose: the value over the amount, with the sd of the change as a band."""
    from matplotlib.figure import Figure

    metrics, doses = list(dict.fromkeys(table["metric"])), [d for d in DOSES if d.name in set(table["dose"])]
    figure = Figure(figsize=(1.5 * len(doses) + 0.6, 1.25 * len(metrics) + 0.6), layout="constrained")
    axes = figure.subplots(len(metrics), len(doses), squeeze=False, sharey="row")
    for row, metric in zip(axes, metrics, strict=True):
        of_metric = table[table["metric"] == metric]
        start = float(of_metric[of_metric["dose"] == "none"]["value"].iloc[0])
        for axis, dose in zip(row, doses, strict=True):
            part = of_metric[of_metric["dose"] == dose.name].sort_values("level")
            x, y = [0.0, *part["level"]], [start, *part["value"]]
            spread = [0.0, *part["sd"]]
            own = OWN_DOSE[metric] == dose.name
            colour = "#b2182b" if own else "#2166ac"
            axis.plot(x, y, color=colour, linewidth=1.6 if own else 1.1, marker="o", markersize=2.2)
            low, high = (
                [a - s for a, s in zip(y, spread, strict=True)],
                [a + s for a, s in zip(y, spread, strict=True)],
            )
            axis.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
            axis.axvline(dose.standard, color="#999999", linewidth=0.6, linestyle=":")
            axis.tick_params(labelsize=6, length=2)
            for side in ("top", "right"):
                axis.spines[side].set_visible(False)
            if row is axes[0]:
                axis.set_title(dose.name, fontsize=8)
            if row is axes[-1]:
                axis.set_xlabel(dose.unit, fontsize=5.5)
            if axis is row[0]:
                axis.set_ylabel(metric, fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def _page(table: pd.DataFrame, *, judges: str, people: int) -> str:
    shares = nuisances(table)
    standard = table[table["standard"]]
    doses = [dose for dose in DOSES if dose.name in shares.columns]
    lines = [
        "# What each metric answers to",
        "",
        f"Made by `dgbench metrics calibrate --people {people} --judges {judges}`; do not edit by hand.",
        f"{people} rendered people whom no protocol shows and no network was trained on, in one pose. One thing is",
        "changed by a known amount, everything else is the same to the last pixel; the truth is the unchanged picture.",
        "",
        "![Curves](calibration.png)",
        "",
        "*Mean over people; band: one standard deviation of the change; dotted: the standard dose; red: the dose that",
        "the metric is for.*",
        "",
        "## Nuisances",
        "",
        "Effect of one standard dose, as a share of the effect of the metric's own standard dose (**bold**): at 1.00",
        "the nuisance moves the metric as much as what it should measure.",
        "",
        "| metric | " + " | ".join(dose.name for dose in doses) + " |",
        "| --- |" + " ---: |" * len(doses),
    ]
    for metric in dict.fromkeys(table["metric"]):
        cells = [_share(shares.loc[metric, dose.name], own=OWN_DOSE[metric] == dose.name) for dose in doses]
        lines.append(f"| `{metric}` | " + " | ".join(cells) + " |")
    lines += ["", "Standard doses: " + "; ".join(f"{d.name} {d.standard:g} ({d.unit})" for d in doses) + ".", ""]
    lines += [
        "## Pairs needed",
        "",
        "Pairs of different people that show one standard dose with 80 % power at 5 %, two-sided.",
        "",
        "| metric | " + " | ".join(dose.name for dose in doses) + " |",
        "| --- |" + " ---: |" * len(doses),
    ]
    for metric in dict.fromkeys(table["metric"]):
        rows = standard[standard["metric"] == metric].set_index("dose")
        cells = [_count(needed_pairs(rows.loc[d.name, "effect"], rows.loc[d.name, "sd"])) for d in doses]
        lines.append(f"| `{metric}` | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _share(value: float, *, own: bool) -> str:
    text = "–" if not math.isfinite(value) else f"{value:.2f}"
    return f"**{text}**" if own else text


def _count(pairs: float) -> str:
    return "–" if not math.isfinite(pairs) or pairs > 100_000 else f"{math.ceil(pairs)}"
