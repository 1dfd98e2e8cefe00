"""Several seeds of one entry as one row: the mean over seeds, their spread, and the interval within a seed.

Pairs of different seeds are never pooled as if they were more pairs: people, not seeds, are what intervals resample.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from dgbench.core.record import BinValue, Interval, MetricValue
from dgbench.results.records.store import metric_columns


def mean_of_seeds(values: Sequence[MetricValue]) -> MetricValue:
    """One metric over the seeds of a row: means of value and of interval ends, sums of counts and failures.

    A seed without a value leaves the row without one: the mean of those that have it would flatter the method.
    """
    first = values[0]
    if len(values) == 1:
        return first
    failures: dict[str, int] = {}
    for value in values:
        for kind, count in value.failures.items():
            failures[kind] = failures.get(kind, 0) + count
    held = [{entry.bin: entry for entry in value.bins} for value in values]
    bins = tuple(
        BinValue(
            bin=entry.bin,
            n=entry.n,
            value=_mean([by_name[entry.bin].value for by_name in held]),
            interval=_interval([by_name[entry.bin].interval for by_name in held]),
        )
        for entry in first.bins
        if all(entry.bin in by_name for by_name in held)
    )
    return first.model_copy(
        update={
            "value": _mean([value.value for value in values]),
            "interval": _interval([value.interval for value in values]),
            "measured_only": _mean([value.measured_only for value in values]),
            "n_expected": sum(value.n_expected for value in values),
            "n_scored": sum(value.n_scored for value in values),
            "failures": failures,
            "bins": bins,
            "note": "; ".join(dict.fromkeys(value.note for value in values if value.note)),
        }
    )


def spread_of_seeds(values: Sequence[MetricValue]) -> float | None:
    """Standard deviation over seeds (n - 1), ``None`` with fewer than two values."""
    known = [value.value for value in values if value.value is not None]
    return statistics.stdev(known) if len(known) == len(values) > 1 else None


def mean_scores(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Pair scores of a row: each pair's mean over seeds; measured, and well, where every seed is.

    Args:
        tables: one table per seed, all over the same pairs in the same order.
    """
    first = tables[0]
    if len(tables) == 1:
        return first
    frame = first.copy()
    for name in metric_columns(first):
        if all(name in table.columns for table in tables):
            scores = np.stack([table[name].to_numpy(dtype=np.float64) for table in tables])
            frame[name] = scores.mean(axis=0)
            frame[f"{name}__measured"] = np.all([table[f"{name}__measured"] for table in tables], axis=0)
    for table in tables[1:]:
        failed = (frame["status"] == "ok") & (table["status"] != "ok")
        for column in ("status", "failure_kind"):
            frame[column] = frame[column].mask(failed, table[column])
    return frame


def same_pairs(tables: Sequence[pd.DataFrame]) -> bool:
    """Whether all tables are over the same pairs in the same order."""
    return all(np.array_equal(table["pair_id"].to_numpy(), tables[0]["pair_id"].to_numpy()) for table in tables)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if len(known) == len(values) else None


def _interval(values: Sequence[Interval | None]) -> Interval | None:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    ends: tuple[Callable[[Interval], float], ...] = (lambda entry: entry.low, lambda entry: entry.high)
    low, high = (statistics.fmean(end(entry) for entry in known) for end in ends)
    return known[0].model_copy(update={"low": low, "high": high, "kind": f"{known[0].kind}, mean of seeds"})
