"""Does a record say what its table of pair scores says? Everything but set metrics is derived again from the table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from dgbench.core.digests import digest, seed_of
from dgbench.core.errors import UsageError
from dgbench.core.record import BinValue, Interval, MetricValue
from dgbench.results.boards.ranks import clusters_of
from dgbench.results.checks.problem import Problem
from dgbench.results.records.store import PAIR_SCORES, RECORD, StoredRecord, metric_columns
from dgbench.stats.clusters import DRAWS, mean_intervals

_TOLERANCE = 1e-6


def table_problems(stored: StoredRecord) -> list[Problem]:
    """Compare counts, values, floors, intervals and pose bins of every pair metric with the table beside the record."""
    place = f"{stored.path}/{PAIR_SCORES}"
    try:
        table = stored.pair_scores()
    except UsageError as error:
        return [Problem(place, "schema", str(error))]
    if table is None:
        return []
    problems: list[Problem] = []
    if table["pair_id"].duplicated().any():
        problems.append(Problem(place, "duplicate", "a pair stands twice"))
    columns = metric_columns(table)
    for name in columns:
        if not np.isfinite(table[name].to_numpy(dtype=np.float64, na_value=np.nan)).all():
            problems.append(Problem(place, "nan", f"{name} holds NaN or infinity"))
    if problems:
        return problems
    if digest(sorted(table["pair_id"].astype(str))) != stored.record.coverage.pair_set:
        problems.append(Problem(place, "score", "is not over the pairs whose digest the record states"))
    whole, bins = _summaries(table, columns), _bins(table, columns)
    for metric in stored.record.metrics:
        if metric.name in columns:
            scores = table[metric.name].to_numpy(dtype=np.float64)
            measured = table[f"{metric.name}__measured"].to_numpy(dtype=bool)
            found = [*_count_differences(metric, scores, measured), *_differences(metric, whole[metric.name], "")]
            found += _bin_differences(metric, [of_bin[metric.name] for of_bin in bins])
            problems += [Problem(f"{stored.path}/{RECORD}", "score", f"{metric.name}: {text}") for text in found]
        elif metric.card.level == "pair" and metric.value is not None:
            problems.append(Problem(place, "score", f"has no column for the pair metric {metric.name}"))
    return problems


def _summaries(table: pd.DataFrame, columns: Sequence[str], label: str = "") -> dict[str, BinValue]:
    """Count, mean and interval of every column of a table, or of one bin of it, as scoring makes them."""
    if not len(table) or not columns:
        return {name: BinValue(bin=label, n=0, value=None) for name in columns}
    scores = table[list(columns)].to_numpy(dtype=np.float64)
    intervals = mean_intervals(scores, clusters_of(table), seed=seed_of("bootstrap", DRAWS))
    return {
        name: BinValue(bin=label, n=len(values), value=float(values.mean()), interval=interval)
        for name, values, interval in zip(columns, scores.T, intervals, strict=True)
    }


def _bins(table: pd.DataFrame, columns: Sequence[str]) -> list[dict[str, BinValue]]:
    """The same of each pose bin."""
    labels = table["bin"].astype(str)
    return [_summaries(table[labels == label], columns, label) for label in sorted(set(labels) - {""})]


def _count_differences(metric: MetricValue, scores: np.ndarray, measured: np.ndarray) -> Iterator[str]:
    if len(scores) != metric.n_expected:
        yield f"says {metric.n_expected} pairs expected, its table holds {len(scores)}"
    if int(measured.sum()) != metric.n_scored:
        yield f"says {metric.n_scored} pairs measured, its table {int(measured.sum())}"
    mean = float(scores[measured].mean()) if measured.any() else None
    if not _close(metric.measured_only, mean):
        yield f"measured_only {_number(metric.measured_only)} is not the mean of its measured pairs, {_number(mean)}"
    floor = metric.card.floor
    off = 0 if floor is None else int((np.abs(scores[~measured] - floor) > _TOLERANCE * max(1.0, abs(floor))).sum())
    if off:
        yield f"{off} pairs that were not measured are not at the floor {floor:g}"


def _differences(claimed: MetricValue | BinValue, derived: BinValue, where: str) -> Iterator[str]:
    if not _close(claimed.value, derived.value):
        yield f"{where}value {_number(claimed.value)} is not the mean of its pairs, {_number(derived.value)}"
    if not _same_interval(claimed.interval, derived.interval):
        yield f"{where}interval {_ends(claimed.interval)} is not that of its pairs, {_ends(derived.interval)}"


def _bin_differences(metric: MetricValue, derived: Sequence[BinValue]) -> Iterator[str]:
    if [(entry.bin, entry.n) for entry in metric.bins] != [(entry.bin, entry.n) for entry in derived]:
        yield "its pose bins are not those of its pairs, or count them otherwise"
        return
    for claimed, entry in zip(metric.bins, derived, strict=True):
        yield from _differences(claimed, entry, f"bin {entry.bin}: ")


def _same_interval(claimed: Interval | None, derived: Interval | None) -> bool:
    """Whether two intervals are one; of another level or kind than scoring makes, no end can be derived."""
    if claimed is None or derived is None:
        return claimed is derived
    made_alike = (claimed.level, claimed.kind) == (derived.level, derived.kind)
    return made_alike and _close(claimed.low, derived.low) and _close(claimed.high, derived.high)


def _close(claimed: float | None, derived: float | None) -> bool:
    if claimed is None or derived is None:
        return claimed is derived
    return abs(claimed - derived) <= _TOLERANCE * max(1.0, abs(derived))


def _number(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.6f}"


def _ends(interval: Interval | None) -> str:
    return "nothing" if interval is None else f"[{interval.low:.6f}, {interval.high:.6f}] ({interval.level:g})"
