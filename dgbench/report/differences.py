"""Every two methods of a section on the same pairs: differences with intervals, by metric, bin and person."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dgbench.core.record import Interval
from dgbench.report.views import SectionView
from dgbench.results.boards.board import Row
from dgbench.results.boards.ranks import clusters_of
from dgbench.stats.clusters import Clusters, bootstrap_means, can_resample, interval_of_draws

_DIGITS = 4
#: With more methods than this a page shows the headline metrics alone.
_FEW_METHODS = 20

Floats = NDArray[np.float64]


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

    ``metrics[k].diff`` holds, for i < j in order and without brackets between them, low and high of the first minus
    the second in steps of ``metrics[k].step``, and the per cent of pairs where the first, and where the second, is
    better; low and high are ``None`` with too few people. ``bins`` and ``people`` hold means per method. A table of
    many methods leaves the parts of a metric out: the page grows with their number squared.
    """
    rows = comparable(view, tables)
    if len(rows) < 2:
        return None
    used = [tables[row.stored.path] for row in rows]
    clusters = clusters_of(used[0])
    metrics = []
    companions = view.companions if len(rows) <= _FEW_METHODS else ()
    for column in (*view.columns, *companions, *view.compat):
        if not all(column.name in table.columns for table in used):
            continue
        scores = np.stack([table[column.name].to_numpy(dtype=np.float64) for table in used], axis=1)
        if not np.isfinite(scores).all():
            continue
        means = bootstrap_means(scores, clusters) if can_resample(clusters) else None
        sign = 1 if column.card.direction == "higher" else -1
        pairs = list(itertools.combinations(range(len(rows)), 2))
        intervals = [_interval(means, scores, pair, clusters) for pair in pairs] if means is not None else []
        ends = [end for interval in intervals for end in (interval.low, interval.high)]
        step = _step(ends)
        diff: list[int | None] = []
        for place, (i, j) in enumerate(pairs):
            gap = sign * (scores[:, i] - scores[:, j])
            diff += [round(end / step) for end in ends[2 * place : 2 * place + 2]] or [None, None]
            diff += [round(100 * float((side * gap > 0).mean())) for side in (1, -1)]
        metrics.append(
            {
                "name": column.name,
                "title": column.card.title,
                "unit": column.card.unit,
                "better": column.card.direction,
                "mean": [float(f"{value:.7g}") for value in scores.mean(axis=0)],
                "step": step,
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


def _interval(means: Floats, scores: Floats, columns: tuple[int, int], clusters: Clusters) -> Interval:
    """Interval of one method's mean minus another's, from the draws (draws, M) that all methods share."""
    first, second = columns
    return interval_of_draws(means[:, first] - means[:, second], scores[:, first] - scores[:, second], clusters)


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


def _step(values: Sequence[float]) -> float:
    """The power of ten that gives the largest value five digits."""
    largest = max(map(abs, values), default=0.0)
    return float(f"1e{math.floor(math.log10(largest)) - 4}") if largest > 0 else 1.0


def _short(value: float) -> float:
    """Four significant digits: what a page can show, in as few bytes."""
    return float(f"{value:.{_DIGITS}g}")
