"""Every two methods of a section on the same pairs: differences with intervals, by metric, bin and person."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dgbench.report.views import SectionView
from dgbench.results.board import Row
from dgbench.results.ranks import clusters_of
from dgbench.results.resample import can_resample, difference_interval, resampled_means

_DIGITS = 4


def comparable(view: SectionView, tables: dict[str, pd.DataFrame]) -> list[Row]:
    """The rows that can be compared pair by pair: same pairs as the first ranked row that has a table, same cards."""
    rows = [row for row in view.section.rows if row.stored.path in tables]
    if not rows:
        return []
    first = rows[0]
    ids = tables[first.stored.path]["pair_id"].to_numpy()
    cards = {metric.name: metric.card_digest for metric in first.stored.record.metrics}
    return [
        row
        for row in rows
        if np.array_equal(tables[row.stored.path]["pair_id"].to_numpy(), ids)
        and all(cards.get(m.name, m.card_digest) == m.card_digest for m in row.stored.record.metrics)
    ]


def difference_data(view: SectionView, tables: dict[str, pd.DataFrame]) -> dict[str, Any] | None:
    """Return what the page of differences shows, as plain data; ``None`` with fewer than two comparable rows.

    ``metrics[k].diff`` holds, for i < j in order, [first minus second, low, high, share of pairs where the first is
    better, share where the second is]; low and high are ``None`` with too few people. ``bins`` and ``people`` hold
    means per method.
    """
    rows = comparable(view, tables)
    if len(rows) < 2:
        return None
    used = [tables[row.stored.path] for row in rows]
    clusters = clusters_of(used[0])
    metrics = []
    for column in (*view.columns, *view.companions, *view.compat):
        if not all(column.name in table.columns for table in used):
            continue
        scores = np.stack([table[column.name].to_numpy(dtype=np.float64) for table in used], axis=1)
        if not np.isfinite(scores).all():
            continue
        means = resampled_means(scores, clusters) if can_resample(clusters) else None
        sign = 1 if column.card.direction == "higher" else -1
        diff: list[list[float | None]] = []
        for i, j in itertools.combinations(range(len(rows)), 2):
            interval = difference_interval(means, scores, (i, j), clusters) if means is not None else None
            gap = scores[:, i] - scores[:, j]
            bounds = [_short(interval.low), _short(interval.high)] if interval else [None, None]
            diff.append(
                [
                    _short(float(gap.mean())),
                    *bounds,
                    *(round(float((side * gap > 0).mean()), 3) for side in (sign, -sign)),
                ]
            )
        metrics.append(
            {
                "name": column.name,
                "title": column.card.title,
                "unit": column.card.unit,
                "better": column.card.direction,
                "mean": [_short(float(value)) for value in scores.mean(axis=0)],
                "diff": diff,
                "bins": _grouped(scores, used[0]["bin"].astype(str).tolist()),
            }
        )
    if not metrics:
        return None
    first = used[0]
    primary = np.stack([table[metrics[0]["name"]].to_numpy(dtype=np.float64) for table in used], axis=1)
    return {
        "methods": [row.label for row in rows],
        "ranked": [row.rank is not None for row in rows],
        "pairs": len(first),
        "people": _grouped(primary, first["source_identity"].astype(str).tolist()),
        "metrics": metrics,
    }


def _grouped(scores: NDArray[np.float64], names: Sequence[str]) -> list[dict[str, Any]]:
    """Mean of every method over each group of pairs; nothing where there is one group only."""
    groups = sorted(set(names), key=lambda name: (_number(name), name))
    if len(groups) < 2:
        return []
    index = np.array(names)
    return [
        {
            "name": group or "–",
            "n": int((index == group).sum()),
            "mean": [_short(float(value)) for value in scores[index == group].mean(axis=0)],
        }
        for group in groups
    ]


def _number(name: str) -> float:
    digits = "".join(itertools.takewhile(lambda sign: sign.isdigit() or sign in "+-.", name))
    try:
        return float(digits)
    except ValueError:
        return 0.0


def _short(value: float) -> float:
    """Four significant digits: what a page can show, in as few bytes."""
    return float(f"{value:.{_DIGITS}g}")
