"""Has a method become worse than its baseline, beyond what chance explains? The question that a CI asks."""

from __future__ import annotations

import itertools
from pathlib import Path

from dgbench.core.companions import COMPANIONS
from dgbench.core.record import MetricValue, Record
from dgbench.results.compare.paired import Comparison, MetricComparison, compare_runs, decides, scored_folder
from dgbench.results.records.store import read_record

#: The chance that an unchanged method is called worse in any pair metric.
_LEVEL = 0.05
_BESIDE = frozenset(itertools.chain.from_iterable(COMPANIONS.values()))


def regressions(
    new: Path, baseline: Path, *, judges: str | None = None, comparison: Comparison | None = None
) -> list[str]:
    """Return one line per way in which ``new`` is shown to be worse than ``baseline``; none is a pass.

    A pair metric has regressed where the paired 95 % interval of the difference lies on the worse side of zero and the
    p value, adjusted by Holm over all metrics compared, is at most 5 %. A set metric has where the values lie further
    apart than their recorded spread explains, or their intervals are apart; without a record of either it passes.
    Covering fewer pairs, no longer having a metric, and measuring it by another card count too: leaving out what is
    hard, or not being comparable, must not look like progress. Metrics that speak for no method (paper-compat, ceiling,
    impostor) and companions of another, as ``pose_yaw`` of ``pose``, are not asked.

    Args:
        new: a run folder or a folder with ``record.json``.
        baseline: what it is held against.
        judges: which scores, where a run has several.
        comparison: what :func:`compare_runs` says of the two, where it was asked already.

    Raises:
        UsageError: nothing that could be compared.
    """
    records = [read_record(scored_folder(path, judges=judges)) for path in (new, baseline)]
    compared = {item.name: item for item in (comparison or compare_runs(new, baseline, judges=judges)).metrics}
    values = {metric.name: metric for metric in records[0].metrics}
    found: list[str] = []
    pairs = [_pairs(record) for record in records]
    if pairs[0] < pairs[1]:
        found.append(f"covers {pairs[0]} pairs, the baseline {pairs[1]}")
    for before in _asked(records[1]):
        now = values.get(before.name)
        if now is None or now.value is None:
            worse = "has no value any more"
        elif now.card_digest != before.card_digest:
            worse = "not comparable, measured by another card (judges or version) than the baseline; score that again"
        else:
            worse = _worse(compared[before.name], now, before)
        if worse:
            found.append(f"{before.name}: {worse}")
    return found


def _asked(record: Record) -> list[MetricValue]:
    """Return the metrics that a protocol asks for and a method answers for."""
    beside = _BESIDE - {record.primary_metric}
    return [m for m in record.metrics if m.value is not None and decides(m.card) and m.name not in beside]


def _pairs(record: Record) -> int:
    return max((metric.n_expected for metric in record.metrics if metric.card.level == "pair"), default=0)


def _worse(item: MetricComparison, now: MetricValue, before: MetricValue) -> str:
    """Return how the new run, the first of ``item``, is shown to be worse; "" where it is not."""
    change = f"{item.second:.4f} → {item.first:.4f}"
    if item.paired is not None and item.paired.interval is not None and item.p_holm is not None:
        interval = item.paired.interval
        span = f"95 % interval [{interval.low:.4f}, {interval.high:.4f}], adjusted p {item.p_holm:.4f}"
        return f"{change}, {span}" if item.better == "second" and item.p_holm <= _LEVEL else ""
    if item.margin is not None:
        loss = item.first - item.second if item.direction == "lower" else item.second - item.first
        return (
            f"{change}, beyond the {item.margin:.4f} that its spread over people explains" if loss > item.margin else ""
        )
    return f"{change}, intervals apart" if _apart(now, before) else ""


def _apart(now: MetricValue, before: MetricValue) -> bool:
    """Whether the interval of ``now`` lies wholly on the worse side of that of ``before``."""
    if now.interval is None or before.interval is None:
        return False
    if before.card.direction == "higher":
        return now.interval.high < before.interval.low
    return now.interval.low > before.interval.high
