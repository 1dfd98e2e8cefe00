"""Two scored runs on the same pairs: what differs, how surely, and what would be needed to tell them apart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dgbench.core.errors import UsageError
from dgbench.core.record import MetricValue, Record
from dgbench.results.store import PAIR_SCORES, RECORD, metric_columns, read_pair_scores, read_record
from dgbench.stats.clusters import DRAWS, Clusters
from dgbench.stats.paired import PairedDifference, paired_difference
from dgbench.stats.signflip import holm


@dataclass(frozen=True)
class MetricComparison:
    """One metric of two runs.

    Attributes:
        name: the metric.
        direction: ``higher`` or ``lower`` is better.
        first: value of the first run over the compared pairs, failures at the floor (set metrics: over the run).
        second: the same of the second run.
        paired: the paired statistics; ``None`` for set metrics, which have no value per pair.
        p_holm: p adjusted by Holm over the metrics compared here; ``None`` for set metrics.
        note: why a comparison is missing or weak.
    """

    name: str
    direction: str
    first: float
    second: float
    paired: PairedDifference | None
    p_holm: float | None
    note: str = ""

    @property
    def better(self) -> str:
        """``first`` or ``second`` where the interval tells them apart, else ``neither``."""
        if self.paired is None or not self.paired.told_apart:
            return "neither"
        return "first" if (self.paired.difference > 0) == (self.direction == "higher") else "second"


@dataclass(frozen=True)
class Comparison:
    """All metrics of two runs that measure the same thing in both."""

    protocol: str
    first: str
    second: str
    n_pairs: int
    n_people: int
    metrics: tuple[MetricComparison, ...]
    notes: tuple[str, ...]


def scored_folder(run: Path, *, judges: str | None = None) -> Path:
    """Return the folder with ``record.json`` of a run folder, a scores folder or a published record.

    Raises:
        UsageError: the run has no scores, or scores by several judges and none is named.
    """
    if (run / RECORD).is_file():
        return run
    found = sorted(path.parent for path in run.glob(f"scores/{judges or '*'}/{RECORD}"))
    if not found:
        by = f" by '{judges}' judges" if judges else ""
        raise UsageError(f"{run}: holds no scores{by}; score it first: dgbench score {run}")
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise UsageError(f"{run}: scored by several judges ({names}); say which with --judges")
    return found[0]


def compare_runs(
    first: Path, second: Path, *, judges: str | None = None, draws: int = DRAWS, seed: int = 0
) -> Comparison:
    """Compare two scored runs pair by pair.

    Args:
        first: a run folder or a folder with ``record.json``.
        second: the other one.
        judges: which scores to read where a run has several.
        draws: bootstrap resamples.
        seed: of bootstrap and sign flips.

    Raises:
        UsageError: a run has no scores, the protocols differ, or no pair or metric is common to both.
    """
    folders = [scored_folder(path, judges=judges) for path in (first, second)]
    records = [read_record(folder) for folder in folders]
    if records[0].protocol.digest != records[1].protocol.digest:
        names = " and ".join(f"{r.protocol.id}@{r.protocol.version} ({r.protocol.digest[:12]})" for r in records)
        raise UsageError(f"the runs are of different protocols, {names}: their numbers cannot be compared")
    tables = [_by_pair(folder) for folder in folders]
    common = sorted(set(tables[0].index) & set(tables[1].index), key=str.encode)
    if not common:
        raise UsageError(f"{first} and {second} have no pair in common")
    notes = [] if len(common) == len(tables[0]) == len(tables[1]) else [_partial(tables, len(common))]
    tables = [table.loc[common] for table in tables]
    people = [tables[0][column].astype(str).tolist() for column in ("source_identity", "reference_identity")]
    clusters = Clusters.of(people[0], people[1])
    compared: list[MetricComparison] = []
    for name in (value.name for value in records[0].metrics):
        values = [_value(record, name) for record in records]
        if values[1] is None or values[0] is None:
            notes.append(f"{name}: only the first run has it")
        elif values[0].card_digest != values[1].card_digest:
            notes.append(f"{name}: not compared, the two runs measured it by different cards (judges or version)")
        elif all(name in metric_columns(table) for table in tables):
            scores = [table[name].to_numpy(dtype=np.float64) for table in tables]
            paired = paired_difference(scores[0], scores[1], clusters, draws=draws, seed=seed)
            means = [float(score.mean()) for score in scores]
            compared.append(MetricComparison(name, values[0].card.direction, means[0], means[1], paired, None))
        elif values[0].value is not None and values[1].value is not None:
            compared.append(_of_sets(values[0], values[1]))
    if not compared:
        raise UsageError(f"{first} and {second} have no metric in common that was measured the same way")
    return Comparison(
        protocol=f"{records[0].protocol.id}@{records[0].protocol.version}",
        first=_name(records[0]),
        second=_name(records[1]),
        n_pairs=len(common),
        n_people=len(clusters.people),
        metrics=_adjusted(compared),
        notes=tuple(notes),
    )


def _by_pair(folder: Path) -> pd.DataFrame:
    table = read_pair_scores(folder / PAIR_SCORES)
    return table.set_index("pair_id", drop=False)


def _partial(tables: list[pd.DataFrame], common: int) -> str:
    return f"{common} pairs are common to both; the runs have {len(tables[0])} and {len(tables[1])}"


def _value(record: Record, name: str) -> MetricValue | None:
    return next((value for value in record.metrics if value.name == name), None)


def _name(record: Record) -> str:
    return f"{record.method.name}/{record.run_id}"


def _of_sets(first: MetricValue, second: MetricValue) -> MetricComparison:
    assert first.value is not None
    assert second.value is not None
    note = "a set metric has no value per pair, so no paired interval; repeat with other seeds for its spread"
    if first.n_expected != second.n_expected:
        note = f"N differs ({first.n_expected} and {second.n_expected}): these two values cannot be compared"
    return MetricComparison(first.name, first.card.direction, first.value, second.value, None, None, note)


def _adjusted(compared: list[MetricComparison]) -> tuple[MetricComparison, ...]:
    adjusted = iter(holm([item.paired.p for item in compared if item.paired is not None]))
    return tuple(
        item
        if item.paired is None
        else MetricComparison(item.name, item.direction, item.first, item.second, item.paired, next(adjusted))
        for item in compared
    )
