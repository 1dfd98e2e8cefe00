"""What the pages show, made from boards: one view per protocol, judge set, method and metric card."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from dgbench.core.card import MetricCard
from dgbench.core.digests import sha256_bytes
from dgbench.core.protocol import Protocol
from dgbench.core.record import MetricValue
from dgbench.report.plots import COLOURS, Mark, Series, curve_plot, interval_plot
from dgbench.results.boards.board import Board, Row, Section

#: With more rows than this only so many metrics are drawn.
_LONG_TABLE, _FIRST_COLUMNS = 25, 4


def slug(text: str) -> str:
    """A file name for any text: unchanged where it is one already, else cleaned with a short digest."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")
    return plain if plain == text and plain else f"{plain or 'x'}-{sha256_bytes(text.encode())[:6]}"


@dataclass(frozen=True)
class Column:
    """A metric of a section: its card, and the range over all rows that the cells' bars are drawn in."""

    name: str
    card: MetricCard
    low: float
    high: float
    decimals: int = 3

    def share(self, value: float) -> float:
        """Where ``value`` lies in the range, 0..100."""
        spread = self.high - self.low
        return round(100 * (value - self.low) / spread, 1) if spread > 0 else 50.0


@dataclass(frozen=True)
class SectionView:
    """One judge set of one protocol."""

    slug: str
    section: Section
    columns: tuple[Column, ...]
    companions: tuple[Column, ...]
    compat: tuple[Column, ...]
    colours: dict[str, int] = field(default_factory=dict)

    @property
    def plotted(self) -> tuple[Column, ...]:
        """The columns that are drawn: of a long table the first few, since the table itself has a bar in each cell."""
        return self.columns if len(self.section.rows) <= _LONG_TABLE else self.columns[:_FIRST_COLUMNS]

    @property
    def ranked(self) -> list[Row]:
        """The ranked rows, best first."""
        return [row for row in self.section.rows if row.rank]

    def intervals(self, column: Column) -> str:
        """The interval plot of one metric, rows in the order of that metric."""
        found = [(row, metric) for row in self.section.rows if (metric := row.metric(column.name))]
        known = [(row, metric, metric.value) for row, metric in found if metric.value is not None]
        sign = -1 if column.card.direction == "higher" else 1
        known.sort(key=lambda entry: (bool(entry[0].reason), sign * entry[2], entry[0].label))
        marks = [_mark(row.label, metric, muted=bool(row.reason)) for row, metric, _ in known]
        title = f"{column.card.title} of {len(marks)} methods with 95 % intervals, {column.card.direction} is better"
        return interval_plot([mark for mark in marks if mark], title=title, better=column.card.direction)

    def curves(self, column: Column, *, only: Sequence[Row] = ()) -> str:
        """The yaw-bin curves of one metric; the best ranked methods, or the first of ``only``, in colour."""
        rows = list(only or self.section.rows)
        colours = {row.stored.path: index for index, row in enumerate(only[:COLOURS])} if only else self.colours
        series: list[Series] = []
        bins: dict[str, int] = {}
        for row in rows:
            metric = row.metric(column.name)
            if metric is None or not metric.bins or (row.reason and not only):
                continue
            bins = bins or {entry.bin: entry.n for entry in metric.bins}
            marks = tuple(
                Mark(e.bin, e.value, e.interval.low if e.interval else None, e.interval.high if e.interval else None)
                for e in metric.bins
                if e.value is not None
            )
            label = row.label
            series.append(Series(label, marks, colours.get(row.stored.path, -1)))
        title = f"{column.card.title} by pose bin, {column.card.direction} is better"
        return curve_plot(series, bins=list(bins.items()), title=title, better=column.card.direction)


@dataclass(frozen=True)
class ProtocolView:
    """One protocol with its text, where the protocol's file is known."""

    name: str
    slug: str
    board: Board
    protocol: Protocol | None
    sections: tuple[SectionView, ...]

    @property
    def title(self) -> str:
        """The protocol's title, or its name."""
        return self.protocol.title if self.protocol else self.name


@dataclass(frozen=True)
class MethodView:
    """One method over all protocols: (protocol, section, row) in that order."""

    name: str
    slug: str
    rows: tuple[tuple[ProtocolView, SectionView, Row], ...]

    def ranked(self) -> list[tuple[ProtocolView, SectionView, list[Row]]]:
        """The ranked rows of each section, its variants together."""
        found: dict[str, tuple[ProtocolView, SectionView, list[Row]]] = {}
        for protocol, section, row in self.rows:
            if row.rank:
                found.setdefault(section.slug, (protocol, section, []))[2].append(row)
        return list(found.values())


@dataclass(frozen=True)
class CardView:
    """One metric card, with the judge sets and protocols that use it."""

    card: MetricCard
    used: tuple[str, ...]


def protocol_views(boards: Sequence[Board], protocols: dict[str, Protocol]) -> list[ProtocolView]:
    """A view per board, in the boards' order."""
    return [
        ProtocolView(
            name=board.protocol,
            slug=slug(board.protocol.replace("@", "-v")),
            board=board,
            protocol=protocols.get(board.protocol),
            sections=tuple(_section_view(board, section) for section in board.sections),
        )
        for board in boards
    ]


def method_views(protocols: Sequence[ProtocolView]) -> list[MethodView]:
    """A view per method name, sorted by name without regard to case."""
    rows: dict[str, list[tuple[ProtocolView, SectionView, Row]]] = {}
    for protocol in protocols:
        for section in protocol.sections:
            for row in section.section.rows:
                rows.setdefault(row.name, []).append((protocol, section, row))
    return [MethodView(name, slug(name), tuple(rows[name])) for name in sorted(rows, key=lambda n: (n.lower(), n))]


def card_views(protocols: Sequence[ProtocolView]) -> list[CardView]:
    """A view per card digest, sorted by name, version and judges."""
    cards: dict[str, MetricCard] = {}
    used: dict[str, set[str]] = {}
    for protocol in protocols:
        for section in protocol.sections:
            for row in section.section.rows:
                for metric in (metric for stored in row.seeds for metric in row.shown(stored)):
                    cards[metric.card_digest] = metric.card
                    place = f"{protocol.name} ({section.section.judges or 'no judges'})"
                    used.setdefault(metric.card_digest, set()).add(place)
    order = sorted(cards, key=lambda key: (cards[key].compat, cards[key].name, cards[key].version, key))
    return [CardView(cards[key], tuple(sorted(used[key]))) for key in order]


def _section_view(board: Board, section: Section) -> SectionView:
    ranked = [row for row in section.rows if row.rank]
    return SectionView(
        slug=slug(f"{board.protocol.replace('@', '-v')}-{section.judges or 'none'}"),
        section=section,
        columns=tuple(_column(section, name) for name in section.headline),
        companions=tuple(_column(section, name) for name in section.companions),
        compat=tuple(_column(section, name) for name in section.metric_names(compat=True)),
        colours={row.stored.path: index for index, row in enumerate(ranked[:COLOURS])},
    )


def _column(section: Section, name: str) -> Column:
    metrics = [metric for row in section.rows if (metric := row.metric(name)) is not None]
    values = [value for metric in metrics for value in _numbers(metric)] or [0.0, 1.0]
    return Column(name, metrics[0].card, min(values), max(values), section.decimals(name))


def _numbers(metric: MetricValue) -> list[float]:
    ends = [metric.interval.low, metric.interval.high] if metric.interval else []
    return [value for value in (metric.value, *ends) if value is not None]


def _mark(label: str, metric: MetricValue, *, muted: bool) -> Mark | None:
    if metric.value is None:
        return None
    low, high = (metric.interval.low, metric.interval.high) if metric.interval else (None, None)
    return Mark(label, metric.value, low, high, muted)
