"""The result of scoring a run: the table with one row per pair, and the values with their intervals."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import seed_of
from dgbench.core.face import Failure
from dgbench.core.pair import Pair
from dgbench.core.record import BinValue, Interval, MetricValue
from dgbench.metrics.contract import PairMetric, SetMetric, SetResult
from dgbench.stats.clusters import DRAWS, Clusters, mean_intervals

if TYPE_CHECKING:
    import pandas as pd

FAILED_SUFFIX = "__measured"


@dataclass(frozen=True)
class PairColumn:
    """One pair metric over all pairs: per pair a value or a failure."""

    metric: PairMetric
    scores: tuple[float | Failure, ...]


@dataclass(frozen=True)
class SetValue:
    """One set metric: over all pairs (failures as black images) and over the images that exist."""

    metric: SetMetric
    headline: SetResult
    measured: SetResult
    failures: Mapping[str, int]


@dataclass(frozen=True)
class ScoreTable:
    """Scores of one run. ``pairs`` are sorted by pair_id; every sequence has one entry per pair.

    Attributes:
        pairs: the expected pairs.
        generation: per pair the failure of its generation, or ``None``.
        alignment: per pair how the generated face was brought to the identity network, "" where nobody judged.
        columns: pair metrics in the order asked for.
        sets: set metrics in the order asked for.
        absent: pair metrics that apply to no pair of this run; they have no column and no value.
        order: the names as asked for.
        draws: bootstrap resamples for intervals.
    """

    pairs: tuple[Pair, ...]
    generation: tuple[Failure | None, ...]
    alignment: tuple[str, ...]
    columns: tuple[PairColumn, ...]
    sets: tuple[SetValue, ...] = ()
    absent: tuple[PairMetric, ...] = ()
    order: tuple[str, ...] = ()
    draws: int = DRAWS

    def frame(self) -> pd.DataFrame:
        """Return the pair table: one row per expected pair, sorted by pair_id.

        A metric's column holds its value, or the floor for a failure; ``<metric>__measured`` is true where the value
        was measured.
        """
        import pandas as pd

        pairs = self.pairs
        table: dict[str, object] = {
            "pair_id": [pair.pair_id for pair in pairs],
            "relation": [str(pair.relation) for pair in pairs],
            "source_identity": [pair.source_identity for pair in pairs],
            "reference_identity": [pair.reference_identity for pair in pairs],
            "bin": [pair.bin for pair in pairs],
            "yaw_reference": np.array(
                [math.nan if pair.yaw_reference is None else pair.yaw_reference for pair in pairs], dtype=np.float64
            ),
            "status": ["ok" if failure is None else "failed" for failure in self.generation],
            "failure_kind": ["" if failure is None else failure.kind for failure in self.generation],
        }
        for column in self.columns:
            name = column.metric.card.name
            table[name], table[f"{name}{FAILED_SUFFIX}"] = _filled(column)
        table["alignment"] = list(self.alignment)
        return pd.DataFrame(table)

    def metric_values(self) -> tuple[MetricValue, ...]:
        """Return every metric's value with interval, bins, counts and failures, in the order asked for."""
        values = _pair_values(self.pairs, self.columns, self.draws)
        values |= {m.card.name: _absent(m) for m in self.absent}
        values |= {s.metric.card.name: _set_value(len(self.pairs), s) for s in self.sets}
        return tuple(values[name] for name in (self.order or tuple(values)))


def _filled(column: PairColumn) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    floor = column.metric.card.floor
    assert floor is not None
    values = np.array([floor if isinstance(s, Failure) else s for s in column.scores], dtype=np.float64)
    return values, np.array([isinstance(s, float) for s in column.scores], dtype=np.bool_)


def exact_mean(values: NDArray[np.float64] | Sequence[float]) -> float:
    """Return the mean of at least one value, correctly rounded: no order of the values changes a bit."""
    return math.fsum(values) / len(values)


def _absent(metric: PairMetric) -> MetricValue:
    return MetricValue(
        name=metric.card.name,
        card=metric.card,
        card_digest=metric.card.digest,
        value=None,
        n_expected=0,
        n_scored=0,
        note="no pair of this protocol has what the metric compares",
    )


def _pair_values(pairs: Sequence[Pair], columns: Sequence[PairColumn], draws: int) -> dict[str, MetricValue]:
    """Return every pair metric's value by name; all metrics share the draws of the people."""
    if not columns:
        return {}
    filled = [_filled(column) for column in columns]
    table = np.stack([values for values, _ in filled], axis=1)
    clusters = Clusters.of([p.source_identity for p in pairs], [p.reference_identity for p in pairs])
    seed = seed_of("bootstrap", draws)
    intervals = mean_intervals(table, clusters, draws=draws, seed=seed)
    labels = np.array([pair.bin for pair in pairs], dtype=object)
    bins: list[list[BinValue]] = [[] for _ in columns]
    for label in sorted({pair.bin for pair in pairs} - {""}, key=_angle):
        inside = np.asarray(labels == label, dtype=np.bool_)
        part = mean_intervals(table[inside], clusters.take(inside), draws=draws, seed=seed)
        for of_metric, values, interval in zip(bins, table[inside].T, part, strict=True):
            of_metric.append(BinValue(bin=label, n=len(values), value=exact_mean(values), interval=interval))
    return {
        column.metric.card.name: _pair_value(column, *parts, of_metric, interval)
        for column, parts, of_metric, interval in zip(columns, filled, bins, intervals, strict=True)
    }


def _angle(label: str) -> tuple[float, str]:
    """Order bins by their angle, "5" before "10"; names that are no number come last, by name."""
    try:
        return float(label), label
    except ValueError:
        return math.inf, label


def _pair_value(
    column: PairColumn,
    values: NDArray[np.float64],
    measured: NDArray[np.bool_],
    bins: Sequence[BinValue],
    interval: Interval | None,
) -> MetricValue:
    card = column.metric.card
    failures = Counter(score.kind for score in column.scores if isinstance(score, Failure))
    n_scored = int(measured.sum())
    return MetricValue(
        name=card.name,
        card=card,
        card_digest=card.digest,
        value=exact_mean(values),
        interval=interval,
        measured_only=exact_mean(values[measured]) if n_scored else None,
        n_expected=len(values),
        n_scored=n_scored,
        failures=dict(sorted(failures.items())),
        bins=tuple(bins),
        note=column.metric.note() if n_scored else "no pair could be measured: the value is the floor",
    )


def _set_value(n_expected: int, item: SetValue) -> MetricValue:
    card = item.metric.card
    failed = sum(item.failures.values())
    return MetricValue(
        name=card.name,
        card=card,
        card_digest=card.digest,
        value=item.headline.value,
        measured_only=item.measured.value,
        n_expected=n_expected,
        n_scored=n_expected - failed,
        failures=dict(sorted(item.failures.items())),
        note=item.headline.note,
    )
