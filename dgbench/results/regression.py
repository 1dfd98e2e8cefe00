"""Has a method become worse than its baseline, beyond what chance explains? The question that a CI asks."""

from __future__ import annotations

from pathlib import Path

from dgbench.core.record import MetricValue, Record
from dgbench.results.compare import compare_runs, scored_folder
from dgbench.results.store import read_record


def regressions(new: Path, baseline: Path, *, judges: str | None = None) -> list[str]:
    """Return one line per way in which ``new`` is shown to be worse than ``baseline``; none is a pass.

    A pair metric has regressed where the paired 95 % interval of the difference lies on the worse side of zero, a
    set metric where the two intervals are apart. Covering fewer pairs, and no longer having a metric, count too:
    leaving out what is hard must not look like progress. Paper-compat metrics are not asked.

    Args:
        new: a run folder or a folder with ``record.json``.
        baseline: what it is held against.
        judges: which scores, where a run has several.

    Raises:
        UsageError: nothing that could be compared.
    """
    records = [read_record(scored_folder(path, judges=judges)) for path in (new, baseline)]
    compared = {item.name: item for item in compare_runs(new, baseline, judges=judges).metrics}
    found: list[str] = []
    pairs = [_pairs(record) for record in records]
    if pairs[0] < pairs[1]:
        found.append(f"covers {pairs[0]} pairs, the baseline {pairs[1]}")
    values = {metric.name: metric for metric in records[0].metrics}
    for before in records[1].metrics:
        item, now = compared.get(before.name), values.get(before.name)
        if before.card.compat or before.value is None:
            continue
        if now is None or now.value is None:
            found.append(f"{before.name}: has no value any more")
        elif item is not None and item.paired is not None and item.better == "second":
            interval = item.paired.interval
            span = f", 95 % interval [{interval.low:.4f}, {interval.high:.4f}]" if interval else ""
            found.append(f"{before.name}: {item.second:.4f} → {item.first:.4f}{span}")
        elif item is not None and item.paired is None and _apart(now, before):
            found.append(f"{before.name}: {before.value:.4f} → {now.value:.4f}, intervals apart")
    return found


def _pairs(record: Record) -> int:
    return max((metric.n_expected for metric in record.metrics if metric.card.level == "pair"), default=0)


def _apart(now: MetricValue, before: MetricValue) -> bool:
    """Whether the interval of ``now`` lies wholly on the worse side of that of ``before``."""
    if now.interval is None or before.interval is None:
        return False
    if before.card.direction == "higher":
        return now.interval.high < before.interval.low
    return now.interval.low > before.interval.high
