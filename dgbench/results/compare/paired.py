"""Two scored runs on the same pairs: what differs, how surely, and what would be needed to tell them apart."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from dgbench.core.card import MetricCard
from dgbench.core.errors import UsageError
from dgbench.core.record import MetricValue, Record
from dgbench.results.records.store import PAIR_SCORES, RECORD, metric_columns, read_pair_scores, read_record
from dgbench.stats.clusters import DRAWS, Clusters
from dgbench.stats.paired import PairedDifference, paired_differences
from dgbench.stats.signflip import holm

#: How the note of a Fréchet distance tells its spread (``metrics.fid.Fid.spread``). That of KID is over subsets of the
#: same images, not over people, and does not tell how far another measurement would lie.
_SPREAD = re.compile(r"\bsd (\S+) over \d+ disjoint parts of the source people")
_TWO_SIDED_95 = 1.96


@dataclass(frozen=True)
class MetricComparison:
    """One metric of two runs.

    Attributes:
        name: the metric.
        direction: ``higher`` or ``lower`` is better.
        first: value of the first run over the compared pairs, failures at the floor (set metrics: over the run).
        second: the same of the second run.
        paired: the paired statistics; ``None`` for set metrics, which have no value per pair.
        p_holm: p adjusted by Holm over the metrics compared here that decide; of the others, their own p; ``None`` for
            set metrics.
        decides: whether a difference can speak for a method (:func:`decides`).
        margin: how far the values of a set metric may lie apart by chance, where the records hold its spread.
        note: why a comparison is missing or weak.
    """

    name: str
    direction: str
    first: float
    second: float
    paired: PairedDifference | None
    p_holm: float | None
    decides: bool = True
    margin: float | None = None
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
    alike, not_alike = _measured_alike(records)
    notes += not_alike
    columns = set(metric_columns(tables[0])) & set(metric_columns(tables[1]))
    cards = [values[0].card for values in alike if values[0].name in columns]
    of_pairs = {item.name: item for item in _of_pairs(cards, tables, clusters, draws=draws, seed=seed)}
    compared = [
        of_pairs.get(one.name) or _of_sets(one, other)
        for one, other in alike
        if one.name in columns or (one.value is not None and other.value is not None)
    ]
    if not compared:
        raise UsageError(f"{first} and {second} have no metric in common that was measured the same way")
    compared, few = _adjusted(compared, len(clusters.people))
    notes += few
    return Comparison(
        protocol=f"{records[0].protocol.id}@{records[0].protocol.version}",
        first=_name(records[0]),
        second=_name(records[1]),
        n_pairs=len(common),
        n_people=len(clusters.people),
        metrics=tuple(compared),
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


def decides(card: MetricCard) -> bool:
    """Whether a difference can speak for a method: not a number as papers compute it, nor one of two real images."""
    images = {card.parameters.get("first"), card.parameters.get("second")}
    return not card.compat and (None in images or "generated" in images)


def _measured_alike(records: Sequence[Record]) -> tuple[list[tuple[MetricValue, MetricValue]], list[str]]:
    """Return both values of every metric that both runs measured by one card, and notes on the others of the first."""
    alike: list[tuple[MetricValue, MetricValue]] = []
    notes: list[str] = []
    for one in records[0].metrics:
        other = _value(records[1], one.name)
        if other is None:
            notes.append(f"{one.name}: only the first run has it")
        elif one.card_digest != other.card_digest:
            notes.append(f"{one.name}: not compared, the two runs measured it by different cards (judges or version)")
        else:
            alike.append((one, other))
    return alike, notes


def _of_pairs(
    cards: Sequence[MetricCard], tables: Sequence[pd.DataFrame], clusters: Clusters, *, draws: int, seed: int
) -> list[MetricComparison]:
    if not cards:
        return []
    names = [card.name for card in cards]
    scores = [table[names].to_numpy(dtype=np.float64) for table in tables]
    paired = paired_differences(scores[0], scores[1], clusters, draws=draws, seed=seed)
    means = [[float(table[name].mean()) for name in names] for table in tables]
    return [
        MetricComparison(card.name, card.direction, one, other, difference, None, decides(card))
        for card, one, other, difference in zip(cards, *means, paired, strict=True)
    ]


def _of_sets(first: MetricValue, second: MetricValue) -> MetricComparison:
    assert first.value is not None
    assert second.value is not None
    margin = None
    note = "a set metric has no value per pair, so no paired interval; "
    if first.n_expected != second.n_expected:
        note = f"N differs ({first.n_expected} and {second.n_expected}): these two values cannot be compared"
    elif (margin := chance_margin(first, second)) is not None:
        note += f"differences up to {margin:.3g} are within its recorded spread over people"
    elif first.interval is None or second.interval is None:
        note += "no spread of it is recorded, so --fail-if-worse passes it; repeat with other seeds for its spread"
    return MetricComparison(
        first.name, first.card.direction, first.value, second.value, None, None, decides(first.card), margin, note
    )


def chance_margin(first: MetricValue, second: MetricValue) -> float | None:
    """Return how far two values of a set metric may lie apart by chance (95 %), ``None`` where no spread is recorded.

    The recorded spread is that of parts of the people, each smaller than the whole, and the two methods share their
    people, which it does not know: both make the margin too wide, never too narrow.
    """
    found = [_SPREAD.search(value.note) for value in (first, second)]
    spreads = [float(match[1]) for match in found if match]
    return _TWO_SIDED_95 * math.hypot(*spreads) if len(spreads) == 2 else None


def _adjusted(compared: Sequence[MetricComparison], n_people: int) -> tuple[list[MetricComparison], list[str]]:
    """Adjust the p values of the metrics that decide, as one family; say where no p of it can be small enough."""
    own = {item.name: item.paired.p for item in compared if item.paired is not None}
    family = [item.name for item in compared if item.name in own and item.decides]
    adjusted = own | dict(zip(family, holm([own[name] for name in family]), strict=True))
    # Of 2^G patterns of signs two, the observed one and its mirror image, are always at least as far out.
    least = len(family) * 2.0 ** (1 - n_people)
    few = (
        f"{n_people} people are too few for any Holm-adjusted p of {len(family)} metrics to reach 0.05, "
        "so --fail-if-worse passes every pair metric"
    )
    items = [replace(item, p_holm=adjusted.get(item.name)) for item in compared]
    return items, [few] if least > 0.05 else []
