"""Boards: per protocol and judge set, which records may be ranked, at what places, and why others may not."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from dgbench.core.card import MetricCard
from dgbench.core.companions import PARTS
from dgbench.core.groups import Group, group_of
from dgbench.core.record import MetricValue
from dgbench.results.boards.eligibility import Verdict, coverage_of, judge_by_newest, judge_by_rules, pairs_edition
from dgbench.results.boards.entries import Entries, find_entries
from dgbench.results.boards.gates import GATES, Mark, Measured, is_barred, marks_of
from dgbench.results.boards.overlap import Overlap, overlap
from dgbench.results.boards.ranks import RankRange, better_by_intervals, better_by_pairs, for_every_seed, places
from dgbench.results.boards.seeds import mean_of_seeds, mean_scores, same_pairs, spread_of_seeds
from dgbench.results.records.published import Published, PublishedTable
from dgbench.results.records.rules import Rules
from dgbench.results.records.statement import TIERS, Tier, lacks, tier_of
from dgbench.results.records.store import StoredRecord

#: Marks a value over so few images that it is biased; and what a table says about the mark below itself.
SMALL_SAMPLE = "†"
SMALL_SAMPLE_NOTE = (
    f"{SMALL_SAMPLE} Over fewer than 5,000 images (fid_smallN): biased upwards, the more the fewer there are. Rows of "
    "one table have equally many; values of other tables and of papers do not compare."
)
#: How the note of such a value begins (``metrics.fid``).
_SMALL_NOTES = ("fid_smallN", "small N")


@dataclass(frozen=True)
class Row:
    """One entry on a board: a record, or the records of several seeds.

    Attributes:
        name: the method.
        variant: what tells this row from others of the same name, "" where nothing has to.
        seeds: the records, by seed; one for a row that is not ranked.
        rank: the places it may hold; ``None`` for a row that is not ranked, and for oracles and sanity baselines,
            which take no place.
        reason: "" for a row that may be compared with the others, else why it may not.
        overlap: of its training data with what the protocol tests on.
        hidden: metrics of its records that are not shown, their cards being none of dgbench's.
        tier: how far its numbers are known: the least of its records.
        lacks: what cannot be known of its records, "" for nothing.
        marks: of a method that may be compared, one per gate (``gates.GATES``); a row that fails one is never first.
    """

    name: str
    variant: str
    seeds: tuple[StoredRecord, ...]
    rank: RankRange | None
    reason: str
    overlap: Overlap
    hidden: frozenset[str] = frozenset()
    tier: Tier = "reported by its author"
    lacks: str = ""
    marks: tuple[Mark, ...] = ()

    @property
    def group(self) -> Group:
        """Oracle, sanity baseline or method."""
        return group_of(self.stored.record.method.name)

    @property
    def stored(self) -> StoredRecord:
        """The record that stands for the row where only one can: that of the first seed."""
        return self.seeds[0]

    @property
    def label(self) -> str:
        """Name and variant, for a plot or a heading."""
        return f"{self.name} ({self.variant})" if self.variant else self.name

    @property
    def text(self) -> str:
        """The label with the number of seeds, for a table of text."""
        return self.label if len(self.seeds) == 1 else f"{self.label}, {len(self.seeds)} seeds"

    @cached_property
    def _metrics(self) -> dict[str, tuple[MetricValue, ...]]:
        held = [{m.name: m for m in self.shown(stored)} for stored in self.seeds]
        return {name: tuple(one[name] for one in held) for name in held[0] if all(name in one for one in held)}

    def shown(self, stored: StoredRecord) -> list[MetricValue]:
        """The values of one of the records that are shown."""
        return [metric for metric in stored.record.metrics if metric.name not in self.hidden]

    def metric_names(self, *, compat: bool) -> list[str]:
        """The metrics that every seed has, paper-compat ones apart."""
        return [name for name, held in self._metrics.items() if held[0].card.compat is compat]

    @cached_property
    def _means(self) -> dict[str, MetricValue]:
        return {name: mean_of_seeds(values) for name, values in self._metrics.items()}

    def metric(self, name: str) -> MetricValue | None:
        """The value of one metric, the mean over seeds where there are several; ``None`` where it has none."""
        return self._means.get(name)

    def spread(self, name: str) -> float | None:
        """Standard deviation of one metric over seeds, ``None`` with one seed."""
        return spread_of_seeds(self._metrics[name]) if name in self._metrics else None

    def mark(self, name: str) -> str:
        """``SMALL_SAMPLE`` beside a value of a set metric over few images, else ""."""
        metric = self.metric(name)
        if metric is None or metric.value is None:
            return ""
        return SMALL_SAMPLE if metric.note.startswith(_SMALL_NOTES) else ""

    def pair_scores(self) -> pd.DataFrame | None:
        """The scores of each pair, their mean over seeds where there are several; ``None`` where a seed has none."""
        tables = [table for stored in self.seeds if (table := stored.pair_scores()) is not None]
        return mean_scores(tables) if len(tables) == len(self.seeds) and same_pairs(tables) else None

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
    """The rows of one protocol under one judge set; rows of two sections are never ranked together.

    ``judges`` names the judge set and, in brackets, what keeps its rows apart from others by the same judges: older
    metric cards, or pairs that another copy of the data made.
    """

    judges: str
    primary: str
    rows: tuple[Row, ...]

    def metric_names(self, *, compat: bool = False) -> list[str]:
        """Metrics of the rows, primary first, then in the records' own order; paper-compat ones apart."""
        return list(self._names[compat])

    @cached_property
    def _names(self) -> dict[bool, list[str]]:
        found = {}
        for compat in (False, True):
            names = dict.fromkeys(name for row in self.rows for name in row.metric_names(compat=compat))
            found[compat] = sorted(names, key=lambda name: name != self.primary)
        return found

    def card(self, name: str) -> MetricCard:
        """The card of one of :meth:`metric_names`: of the first row that has it."""
        return next(metric.card for row in self.rows if (metric := row.metric(name)) is not None)

    def decimals(self, name: str) -> int:
        """How many decimals a reader is shown of a metric."""
        if name not in self._decimals:
            self._decimals[name] = self._find_decimals(name)
        return self._decimals[name]

    @cached_property
    def _decimals(self) -> dict[str, int]:
        return {}

    def _find_decimals(self, name: str) -> int:
        """How many decimals a reader is shown of a metric: 3, fewer where a typical value is over 10 or 100.

        Of a set metric up to 5: a kernel distance is small, and no interval beside it says that digits mean nothing.
        """
        known = [m for row in self.rows if (m := row.metric(name)) is not None and m.value is not None]
        typical = statistics.median(abs(metric.value or 0.0) for metric in known) if known else 0.0
        small = known[0].card.level == "set" and typical > 0 if known else False
        return 3 + (small and typical < 0.1) + (small and typical < 0.01) - (typical >= 10) - (typical >= 100)

    @property
    def small_sample_note(self) -> str:
        """What a table says below itself where a value is marked, else ""."""
        marked = any(row.mark(metric) for row in self.rows for metric in row.metric_names(compat=False))
        return SMALL_SAMPLE_NOTE if marked else ""

    @property
    def headline(self) -> list[str]:
        """The metrics that a table shows first: those that are not a part or a check of another one."""
        return [name for name in self.metric_names() if name not in self.companions]

    @property
    def companions(self) -> list[str]:
        """Parts, floors and ceilings of another metric of the section, as ``pose_yaw`` of ``pose``."""
        names = self.metric_names()
        parts = {part for name in names for part in PARTS.get(name, ()) if part != self.primary}
        return [name for name in names if name in parts]


@dataclass(frozen=True)
class Board:
    """One protocol (``id@version``): measured sections, and printed tables of the nearest task beside them."""

    protocol: str
    sections: tuple[Section, ...]
    published: tuple[PublishedTable, ...]


def make_boards(
    records: Sequence[StoredRecord],
    published: Published | None = None,
    *,
    rules: Rules | None = None,
    verified_only: bool = False,
) -> list[Board]:
    """Group, judge and order records; deterministic, whatever the order they come in.

    Args:
        records: the records of a results folder.
        published: printed tables to stand beside them.
        rules: the protocols and cards that records are held against. Where they are not given, or a protocol is not
            among them, the newest record of a table is the measure of the others.
        verified_only: rank only records that were measured again.
    """
    return list(iter_boards(records, published, rules=rules, verified_only=verified_only))


def iter_boards(
    records: Sequence[StoredRecord],
    published: Published | None = None,
    *,
    rules: Rules | None = None,
    verified_only: bool = False,
    light: bool = False,
) -> Iterator[Board]:
    """Yield the boards of :func:`make_boards` one after another.

    With ``light`` the records came without their metrics: those of a board are read for it and may go with it, so that
    ten thousand records need the memory of one board.
    """
    entries = find_entries(records)
    groups: dict[str, dict[str, list[StoredRecord]]] = defaultdict(lambda: defaultdict(list))
    for stored in sorted(records, key=lambda entry: entry.path.encode()):
        ref = stored.record.protocol
        groups[f"{ref.id}@{ref.version}"][stored.record.judges or ""].append(stored)
    tables = published.tables if published else ()
    for name in sorted(groups.keys() | {table.near for table in tables if table.near}):
        sections: list[Section] = []
        for judges in sorted(groups.get(name, {})):
            held = [stored.whole() if light else stored for stored in groups[name][judges]]
            sections += _sections(name, judges, held, entries, rules, verified=verified_only)
        yield Board(name, tuple(sections), tuple(table for table in tables if table.near == name))


def _sections(
    protocol: str,
    judges: str,
    records: list[StoredRecord],
    entries: Entries,
    rules: Rules | None,
    *,
    verified: bool,
) -> list[Section]:
    """The table of one protocol and judge set, and beside it those of older cards and of other pairs."""
    facts = rules.protocol(protocol) if rules else None
    if rules is not None and facts is not None:
        primary, verdicts = facts.protocol.primary_metric, judge_by_rules(records, rules, facts)
    else:
        primary, verdicts = judge_by_newest(records)
    tables: dict[str, pd.DataFrame | None] = {}
    for stored in records:
        verdict = verdicts[stored.path]
        if verdict.reason:
            continue
        tables[stored.path] = table = stored.pair_scores(only=primary)
        reason, edition = "", verdict.edition
        if verified and tier_of(stored) != "measured again here":
            reason = "not measured again"
        elif table is not None and primary in table.columns and not np.isfinite(table[primary]).all():
            reason = "pair scores are not finite"
        elif table is not None and facts is not None and facts.pairs is None:
            edition = ", ".join(filter(None, (edition, pairs_edition(table))))
        elif table is not None and facts is not None and facts.difference(table):
            reason = "pairs are not the protocol's"
        verdicts[stored.path] = Verdict(reason, edition, verdict.hidden)
    editions: dict[str, list[StoredRecord]] = defaultdict(list)
    for stored in records:
        editions[verdicts[stored.path].edition].append(stored)
    return [
        _section(f"{judges} ({edition})" if edition else judges, primary, editions[edition], entries, verdicts, tables)
        for edition in sorted(editions)
    ]


def _section(
    judges: str,
    primary: str,
    records: list[StoredRecord],
    entries: Entries,
    verdicts: dict[str, Verdict],
    tables: dict[str, pd.DataFrame | None],
) -> Section:
    ranked = _by_entry([stored for stored in records if not verdicts[stored.path].reason], entries)
    competing = [seeds for seeds in ranked if group_of(seeds[0].record.method.name) == "method"]
    marks = _marks(ranked, competing)
    held = dict(zip((seeds[0].path for seeds in competing), _places(competing, tables, primary), strict=True))
    held = {path: _not_first(place) if is_barred(marks[path]) else place for path, place in held.items()}
    rows = [
        Row(
            name=entries.by_path[seeds[0].path].name,
            variant=entries.variant(seeds[0].path),
            seeds=seeds,
            rank=held.get(seeds[0].path),
            reason=verdicts[seeds[0].path].reason,
            overlap=overlap(seeds[0].record.protocol.id, seeds[0].record.method.training_data),
            hidden=verdicts[seeds[0].path].hidden,
            tier=max((tier_of(stored) for stored in seeds), key=TIERS.index),
            lacks="; ".join(dict.fromkeys(filter(None, map(lacks, seeds)))),
            marks=marks.get(seeds[0].path, ()),
        )
        for seeds in (*ranked, *((stored,) for stored in records if verdicts[stored.path].reason))
    ]
    return Section(judges=judges, primary=primary, rows=tuple(sorted(rows, key=lambda row: _order(row, primary))))


def _marks(
    ranked: list[tuple[StoredRecord, ...]],
    competing: list[tuple[StoredRecord, ...]],
) -> dict[str, tuple[Mark, ...]]:
    """Return the gates' marks by path; of several seeds each has to pass."""
    wanted = {gate.baseline for gate in GATES}
    baselines = {
        seeds[0].record.method.name: _measured(seeds[0]) for seeds in ranked if seeds[0].record.method.name in wanted
    }
    marks = {}
    for seeds in competing:
        of_seeds = [marks_of(_measured(stored), baselines) for stored in seeds]
        marks[seeds[0].path] = tuple(min(column, key=_WORST_FIRST.index) for column in zip(*of_seeds, strict=True))
    return marks


_WORST_FIRST: tuple[Mark, ...] = ("failed", "not known", "passed")


def _measured(stored: StoredRecord) -> Measured:
    """A row with its whole table: gates compare other metrics than the one that ranks."""
    return Measured({metric.name: metric for metric in stored.record.metrics}, stored.pair_scores())


def _not_first(place: RankRange) -> RankRange:
    return RankRange(max(2, place.low), max(2, place.high))


def _by_entry(records: list[StoredRecord], entries: Entries) -> list[tuple[StoredRecord, ...]]:
    """The records of each entry in the order of their seeds."""
    groups: dict[object, list[StoredRecord]] = defaultdict(list)
    for stored in records:
        groups[entries.by_path[stored.path].key].append(stored)
    return [tuple(sorted(held, key=lambda s: (entries.by_path[s.path].seed, s.path))) for held in groups.values()]


def _places(
    ranked: list[tuple[StoredRecord, ...]], loaded: dict[str, pd.DataFrame | None], primary: str
) -> list[RankRange]:
    """Places of the rows: one stands above another only where each of its seeds does."""
    records = [stored for seeds in ranked for stored in seeds]
    if not records:
        return []
    rows = [place for place, seeds in enumerate(ranked) for _ in seeds]
    values = [next(m for m in stored.record.metrics if m.name == primary) for stored in records]
    higher = values[0].card.direction == "higher"
    tables = [loaded[stored.path] for stored in records]
    usable = [table for table in tables if table is not None and primary in table.columns]
    if len(usable) == len(records) and same_pairs(usable):
        return places(for_every_seed(better_by_pairs(usable, primary, higher=higher, rows=rows), rows))
    return places(for_every_seed(better_by_intervals([value.interval for value in values], higher=higher), rows))


def _order(row: Row, primary: str) -> tuple[object, ...]:
    metric = row.metric(primary)
    value = metric.value if metric is not None else None
    sign = -1.0 if metric is not None and metric.card.direction == "higher" else 1.0
    place = (0, row.rank.low, row.rank.high) if row.rank else (2 if row.reason else 1, 0, 0)
    known = (0, sign * value) if not row.reason and value is not None else (1, 0.0)
    return (*place, *known, row.name, row.stored.path.encode())
