"""Does a record say what its table of pair scores says? Counts and values are derived again from the table."""

from __future__ import annotations

import numpy as np

from dgbench.core.digests import digest
from dgbench.core.errors import UsageError
from dgbench.core.record import MetricValue
from dgbench.results.problem import Problem
from dgbench.results.store import PAIR_SCORES, RECORD, StoredRecord, metric_columns

_TOLERANCE = 1e-6


def table_problems(stored: StoredRecord) -> list[Problem]:
    """Compare counts and values of every pair metric with the table beside the record."""
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
    for metric in stored.record.metrics:
        if metric.name in columns:
            values = table[metric.name].to_numpy(dtype=np.float64)
            measured = table[f"{metric.name}__measured"].to_numpy(dtype=bool)
            for text in _differences(metric, values, measured):
                problems.append(Problem(f"{stored.path}/{RECORD}", "score", f"{metric.name}: {text}"))
        elif metric.card.level == "pair" and metric.value is not None:
            problems.append(Problem(place, "score", f"has no column for the pair metric {metric.name}"))
    return problems


def _differences(metric: MetricValue, values: np.ndarray, measured: np.ndarray) -> list[str]:
    found: list[str] = []
    if len(values) != metric.n_expected:
        found.append(f"says {metric.n_expected} pairs expected, its table holds {len(values)}")
    if int(measured.sum()) != metric.n_scored:
        found.append(f"says {metric.n_scored} pairs measured, its table {int(measured.sum())}")
    claims = (("value", metric.value, values), ("measured_only", metric.measured_only, values[measured]))
    for name, claimed, scores in claims:
        if claimed is not None and len(scores):
            mean = float(scores.mean())
            if abs(mean - claimed) > _TOLERANCE * max(1.0, abs(mean)):
                found.append(f"{name} {claimed:.6f} is not the mean of its pairs, {mean:.6f}")
    return found
