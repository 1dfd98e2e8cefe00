"""Does a record say what its table of pair scores says? Everything but set metrics is derived again from the table."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from dgbench.core.digests import digest, seed_of
from dgbench.core.errors import UsageError
from dgbench.core.record import BinValue, Interval, MetricValue
from dgbench.results.boards.ranks import clusters_of
from dgbench.results.checks.problem import Problem
from dgbench.results.records.card_lock import LockedCard
from dgbench.results.records.rules import Rules
from dgbench.results.records.store import PAIR_SCORES, RECORD, StoredRecord, metric_columns
from dgbench.stats.clusters import DRAWS
from dgbench.stats.shared_draws import SharedDraws

_TOLERANCE = 1e-6
#: Resamples of the pairs and pose bins that were checked last; records of one protocol follow each other.
_DRAWS: OrderedDict[str, SharedDraws] = OrderedDict()
_KEPT_BYTES = 80 << 20


def table_problems(stored: StoredRecord, table: pd.DataFrame, rules: Rules | None = None) -> list[Problem]:
    """Compare counts, values, floors, intervals and pose bins of every pair metric with the table beside the record.

    With ``rules`` the pairs must be the protocol's own, and every score one that its card can give.
    """
    place = f"{stored.path}/{PAIR_SCORES}"
    problems: list[Problem] = []
    if table["pair_id"].duplicated().any():
        problems.append(Problem(place, "duplicate", "a pair is repeated"))
    columns = metric_columns(table)
    for name in columns:
        if not np.isfinite(_floats(table[name])).all():
            problems.append(Problem(place, "nan", f"{name} holds NaN or infinity"))
    if problems:
        return problems
    record = stored.record
    if digest(sorted(table["pair_id"].astype(str))) != record.coverage.pair_set:
        problems.append(Problem(place, "score", "is not over the pairs whose digest the record states"))
    facts = None
    with contextlib.suppress(UsageError):  # a damaged protocol is said once, where protocols are read
        facts = rules.of(record) if rules else None
    if facts is not None and record.coverage.complete and (other := facts.difference(table)):
        problems.append(Problem(place, "pairs", other))
    whole, bins = _summaries(table, columns)
    for metric in record.metrics:
        if metric.name in columns:
            scores = _floats(table[metric.name])
            measured = table[f"{metric.name}__measured"].to_numpy(dtype=bool)
            found = [*_count_differences(metric, scores, measured), *_differences(metric, whole[metric.name], "")]
            found += _bin_differences(metric, [of_bin[metric.name] for of_bin in bins])
            problems += [Problem(f"{stored.path}/{RECORD}", "score", f"{metric.name}: {text}") for text in found]
            locked = rules.cards.find(metric, record.judges) if rules else None
            if locked is not None and (strange := _outside(scores, locked)):
                problems.append(Problem(place, "range", f"{metric.name}: {strange} scores are none that it can give"))
        elif metric.card.level == "pair" and metric.value is not None:
            problems.append(Problem(place, "score", f"has no column for the pair metric {metric.name}"))
    return problems


def _floats(column: pd.Series) -> np.ndarray:
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _outside(scores: np.ndarray, locked: LockedCard) -> int:
    low = -np.inf if locked.low is None else locked.low - _TOLERANCE
    high = np.inf if locked.high is None else locked.high + _TOLERANCE
    return int(((scores < low) | (scores > high)).sum())


def _summaries(table: pd.DataFrame, columns: Sequence[str]) -> tuple[dict[str, BinValue], list[dict[str, BinValue]]]:
    """Count, mean and interval of every column of a table, and the same of each pose bin, as scoring makes them."""
    scores = np.stack([_floats(table[name]) for name in columns], axis=1) if columns else np.empty((len(table), 0))
    people = [table[name].astype(str).tolist() for name in ("source_identity", "reference_identity")]
    labels = table["bin"].fillna("").astype(str).to_numpy()
    pairs = digest([*people, labels.tolist()])
    clusters = clusters_of(table)

    def summary(label: str, inside: np.ndarray) -> dict[str, BinValue]:
        values = scores[inside]
        key = f"{pairs} {label}"
        if key not in _DRAWS:
            _DRAWS[key] = SharedDraws(clusters.take(inside) if label else clusters, seed=seed_of("bootstrap", DRAWS))
            while sum(draws.nbytes for draws in _DRAWS.values()) > _KEPT_BYTES and len(_DRAWS) > 1:
                _DRAWS.popitem(last=False)
        _DRAWS.move_to_end(key)
        made = zip(columns, values.mean(axis=0), _DRAWS[key].intervals(values), strict=True)
        return {n: BinValue(bin=label, n=len(values), value=float(mean), interval=held) for n, mean, held in made}

    if not len(table) or not columns:
        return {name: BinValue(bin="", n=0, value=None) for name in columns}, []
    named = sorted(set(labels.tolist()) - {""}, key=_angle)
    return summary("", np.ones(len(table), dtype=bool)), [summary(label, labels == label) for label in named]


def _angle(label: str) -> tuple[float, str]:
    """Bins stand by their angle, "5" before "10", as scoring orders them; names that are no number come last."""
    try:
        return float(label), label
    except ValueError:
        return float("inf"), label


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
