"""Boards: per protocol and judge set, which records may be ranked, at what places, and why others may not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dgbench.core.record import MetricValue, Record
from dgbench.results.overlap import Overlap, overlap
from dgbench.results.published import Published, PublishedTable
from dgbench.results.ranks import RankRange, better_by_intervals, better_by_pairs, places
from dgbench.results.store import StoredRecord


@dataclass(frozen=True)
class Row:
    """One record on a board. ``reason`` is "" for a ranked row, else why it is not ranked."""

    stored: StoredRecord
    rank: RankRange | None
    reason: str
    overlap: Overlap

    def metric(self, name: str) -> MetricValue | None:
        """The record's value of one metric, or ``None`` where it has none."""
        return next((m for m in self.stored.record.metrics if m.name == name), None)

    @property
    def coverage(self) -> str:
        """``n/N``: pairs that the run was over, of the protocol's pairs."""
        return coverage_of(self.stored.record)

    @property
    def covered(self) -> float:
        """The same as a share, 0..1."""
        done, _, whole = self.coverage.partition("/")
        return int(done) / max(1, int(whole))


@dataclass(frozen=True)
class Section:
    """The rows of one protocol under one judge set; rows of two sections are never ranked together."""

    judges: str
    primary: str
    rows: tuple[Row, ...]

    def metric_names(self, *, compat: bool = False) -> list[str]:
        """Metrics of the rows, primary first, then in the records' own order; paper-compat ones apart."""
        found = (m.name for row in self.rows for m in row.stored.record.metrics if m.card.compat is compat)
        names = list(dict.fromkeys(found))
        return sorted(names, key=lambda name: name != self.primary)


@dataclass(frozen=True)
class Board:
    """One protocol (``id@version``): measured sections, and printed tables of the nearest task beside them."""

    protocol: str
    sections: tuple[Section, ...]
    published: tuple[PublishedTable, ...]


def coverage_of(record: Record) -> str:
    """``n/N``: pairs that the run was over, of the protocol's pairs; a run of a part of a whole copy shows the part.

    The metric with the most pairs tells: others may apply to some pairs only, or to none.
    """
    pairs = max((metric.n_expected for metric in record.metrics if metric.card.level == "pair"), default=0)
    return f"{min(record.coverage.found, pairs)}/{record.coverage.expected}"


def make_boards(records: Sequence[StoredRecord], published: Published | None = None) -> list[Board]:
    """Group, judge and order records; deterministic, whatever the order they come in."""
    groups: dict[str, dict[str, list[StoredRecord]]] = defaultdict(lambda: defaultdict(list))
    for stored in sorted(records, key=lambda entry: entry.path.encode()):
        ref = stored.record.protocol
        groups[f"{ref.id}@{ref.version}"][stored.record.judges or ""].append(stored)
    tables = published.tables if published else ()
    names = sorted(groups.keys() | {table.near for table in tables if table.near})
    return [
        Board(
            protocol=name,
            sections=tuple(_section(judges, groups[name][judges]) for judges in sorted(groups.get(name, {}))),
            published=tuple(table for table in tables if table.near == name),
        )
        for name in names
    ]


def _section(judges: str, records: list[StoredRecord]) -> Section:
    primary = _most_common([(stored.record.primary_metric, stored.record.created) for stored in records])
    reasons = _reasons(records, primary)
    tables: dict[str, pd.DataFrame | None] = {}
    for stored in records:
        if not reasons[stored.path]:
            tables[stored.path] = table = stored.pair_scores()
            if table is not None and primary in table.columns and not np.isfinite(table[primary]).all():
                reasons[stored.path] = "pair scores are not finite"
    ranked = [stored for stored in records if not reasons[stored.path]]
    held = dict(zip((stored.path for stored in ranked), _places(ranked, tables, primary), strict=True))
    rows = [
        Row(
            stored=stored,
            rank=held.get(stored.path),
            reason=reasons[stored.path],
            overlap=overlap(stored.record.protocol.id, stored.record.method.training_data),
        )
        for stored in records
    ]
    return Section(judges=judges, primary=primary, rows=tuple(sorted(rows, key=lambda row: _order(row, primary))))


def _reasons(records: list[StoredRecord], primary: str) -> dict[str, str]:
    """Why each record is not ranked, "" where it is, by path."""
    superseded = {stored.record.supersedes for stored in records if stored.record.supersedes}
    newest: dict[tuple[str, str, int], str] = {}
    for stored in sorted(records, key=lambda entry: (entry.record.created, entry.path)):
        if stored.record.run_id not in superseded:
            newest[_subject(stored)] = stored.path
    reasons = {s.path: _own_reason(s, primary, superseded, newest.get(_subject(s), "")) for s in records}
    sound = [stored for stored in records if not reasons[stored.path]]
    if not sound:
        return reasons
    protocol = _most_common([(s.record.protocol.digest, s.record.created) for s in sound])
    cards: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for stored in sound:
        for metric in stored.record.metrics:
            cards[metric.name].append((metric.card_digest, stored.record.created))
    expected = {name: _most_common(seen) for name, seen in cards.items()}
    for stored in sound:
        if stored.record.protocol.digest != protocol:
            reasons[stored.path] = "protocol digest differs"
            continue
        other = [m.name for m in stored.record.metrics if m.card_digest != expected[m.name]]
        if other:
            reasons[stored.path] = f"metric card differs: {', '.join(other)}"
    return reasons


def _own_reason(stored: StoredRecord, primary: str, superseded: set[str], newest: str) -> str:
    record = stored.record
    value = next((metric for metric in record.metrics if metric.name == primary), None)
    if record.origin != "measured":
        return f"origin {record.origin}"
    if record.run_id in superseded:
        return "superseded"
    if not record.coverage.complete:
        return f"coverage {coverage_of(record)}"
    if record.primary_metric != primary or value is None or value.value is None:
        return f"no value of {primary}"
    if value.card.compat:
        return "primary metric is paper-compat"
    return "" if stored.path == newest else "a newer record of the same method"


def _subject(stored: StoredRecord) -> tuple[str, str, int]:
    """What a section may rank only once: a method with its weights and settings, and the run's seed."""
    return stored.record.method.name, stored.record.method.digest, stored.record.seed


def _places(ranked: list[StoredRecord], loaded: dict[str, pd.DataFrame | None], primary: str) -> list[RankRange]:
    if not ranked:
        return []
    values = [next(m for m in stored.record.metrics if m.name == primary) for stored in ranked]
    higher = values[0].card.direction == "higher"
    tables = [loaded[stored.path] for stored in ranked]
    usable = [table for table in tables if table is not None and primary in table.columns]
    same = len(usable) == len(ranked) and all(
        np.array_equal(table["pair_id"].to_numpy(), usable[0]["pair_id"].to_numpy()) for table in usable
    )
    if same:
        return places(better_by_pairs(usable, primary, higher=higher))
    return places(better_by_intervals([value.interval for value in values], higher=higher))


def _order(row: Row, primary: str) -> tuple[object, ...]:
    metric = row.metric(primary)
    value = metric.value if metric is not None else None
    sign = -1.0 if metric is not None and metric.card.direction == "higher" else 1.0
    place = (0, row.rank.low, row.rank.high) if row.rank else (1, 0, 0)
    known = (0, sign * value) if row.rank and value is not None else (1, 0.0)
    return (*place, *known, row.stored.record.method.name, row.stored.path.encode())


def _most_common(seen: list[tuple[str, str]]) -> str:
    """The value seen most often; between equals the one with the latest date, then the last by name."""
    counts = Counter(value for value, _ in seen)
    latest: dict[str, str] = {}
    for value, created in seen:
        latest[value] = max(created, latest.get(value, ""))
    return max(counts, key=lambda value: (counts[value], latest[value], value))
