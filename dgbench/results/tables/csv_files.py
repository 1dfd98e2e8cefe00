"""The CSV files of a leaderboard: one wide table per protocol, one long table over all protocols and metrics."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from dgbench.core.record import MetricValue
from dgbench.core.text import for_csv
from dgbench.results.boards.board import Board, Row, Section
from dgbench.results.boards.entries import seed_name
from dgbench.results.boards.gates import GATES
from dgbench.results.records.published import Published, PublishedTable
from dgbench.results.records.statement import tier_of
from dgbench.results.records.store import StoredRecord
from dgbench.results.tables import formats

_COMMON = ("judges", "rank_low", "rank_high", "status", "gates", "method", "variant", "seeds", "origin", "coverage")
_TRAILING = (
    "failures",
    "training_data",
    "overlap",
    "date",
    "method_digest",
    "published_values",
    "notes",
    "tier",
    "lacks",
    "code",
    "record",
)
_OVERALL = ("protocol", *_COMMON, "metric", "primary", "paper_compat", "value", "low", "high", "measured_only")
_OVERALL_TRAILING = ("n_scored", "n_expected", *_TRAILING[:4], "card_digest", "source", "notes", "tier", "record")


def protocol_csv(board: Board) -> str:
    """One row per entry and per published row; every metric takes six columns, paper-compat ones come last.

    Several seeds of an entry share a row: its values are means over seeds, ``<metric>_seed_sd`` their spread.
    """
    metrics = _names(board.sections)
    header = [*_COMMON, *(column for name in metrics for column in _metric_columns(name)), *_TRAILING]
    rows: list[list[str]] = []
    for section in board.sections:
        for row in section.rows:
            cells = [cell for name in metrics for cell in _metric_cells(section, row, name)]
            rows.append([*_common(section, row, row.seeds), *cells, *_row_trailing(row, section)])
    for table in board.published:
        for method in table.rows:
            blank = [""] * sum(len(_metric_columns(name)) for name in metrics)
            rows.append([*_published_common(table, method), *blank, *_published_trailing(table, method)])
    return _csv(header, rows)


def overall_rows(board: Board) -> list[list[str]]:
    """Of one board, a row per judge set, record and metric.

    Seeds that share a row, and its rank, in the protocol's table have rows of their own here.
    """
    return [
        _overall_row(board, section, row, stored, metric)
        for section in board.sections
        for row in section.rows
        for stored in row.seeds
        for metric in row.shown(stored)
    ]


def overall_csv(measured: Sequence[Sequence[str]], published: Published) -> str:
    """The rows of all boards; published cells follow, with their source."""
    rows = list(measured)
    for table in published.tables:
        for method in table.rows:
            for name, value in table.cells(method).items():
                tail = ["", "", "", "", "", "", "", _source(table), "", "", _place(table)]
                cells = [name, "no", "no", str(value), "", "", ""]
                rows.append([table.near, *_published_common(table, method), *cells, *tail])
    return _csv([*_OVERALL, *_OVERALL_TRAILING], rows)


def _overall_row(board: Board, section: Section, row: Row, stored: StoredRecord, metric: MetricValue) -> list[str]:
    record = stored.record
    low, high = (metric.interval.low, metric.interval.high) if metric.interval else (None, None)
    return [
        board.protocol,
        *_common(section, row, (stored,)),
        metric.name,
        "yes" if metric.name == section.primary else "no",
        "yes" if metric.card.compat else "no",
        *_numbers(section, metric.name, (metric.value, low, high, metric.measured_only)),
        str(metric.n_scored),
        str(metric.n_expected),
        formats.failures(metric.failures),
        formats.training(record.method),
        row.overlap,
        record.created[:10],
        metric.card_digest[:12],
        record.source,
        _notes([metric]),
        tier_of(stored),
        stored.path,
    ]


def _common(section: Section, row: Row, seeds: Sequence[StoredRecord]) -> list[str]:
    low, high = (str(row.rank.low), str(row.rank.high)) if row.rank else ("", "")
    status = f"unranked: {row.reason}" if row.reason else "ranked" if row.rank else row.group
    gates = " ".join(f"{gate.name}: {mark};" for gate, mark in zip(GATES, row.marks, strict=False)).rstrip(";")
    which = " ".join(seed_name(stored.record) for stored in seeds)
    origin = row.stored.record.origin
    return [section.judges, low, high, status, gates, row.name, row.variant, which, origin, row.coverage]


def _row_trailing(row: Row, section: Section) -> list[str]:
    record = row.stored.record
    primary = row.metric(section.primary)
    return [
        formats.failures(primary.failures if primary else record.coverage.failed),
        formats.training(record.method),
        row.overlap,
        max(stored.record.created for stored in row.seeds)[:10],
        record.method.digest[:12],
        "",
        _notes([metric for name in _names([section]) if (metric := row.metric(name)) is not None]),
        row.tier,
        row.lacks,
        " ".join(dict.fromkeys(formats.code(stored.record.code) for stored in row.seeds)),
        " ".join(stored.path for stored in row.seeds),
    ]


def _published_common(table: PublishedTable, method: str) -> list[str]:
    origin = table.origin(method)
    return ["", "", "", f"unranked: origin {origin}", "", method, "", "", origin, ""]


def _published_trailing(table: PublishedTable, method: str) -> list[str]:
    values = "; ".join(f"{name} {value}" for name, value in table.cells(method).items())
    return ["", "", "", "", "", f"{values} ({_source(table)})", "", "", "", "", _place(table)]


def _source(table: PublishedTable) -> str:
    return f"{table.paper}, {table.table}"


def _place(table: PublishedTable) -> str:
    return f"published/{table.id}"


def _metric_columns(name: str) -> list[str]:
    return [name, *(f"{name}_{part}" for part in ("low", "high", "seed_sd", "measured_only", "measured"))]


def _metric_cells(section: Section, row: Row, name: str) -> list[str]:
    metric = row.metric(name)
    if metric is None:
        return [""] * len(_metric_columns(name))
    low, high = (metric.interval.low, metric.interval.high) if metric.interval else (None, None)
    numbers = _numbers(section, name, (metric.value, low, high, row.spread(name), metric.measured_only))
    return [*numbers, f"{metric.n_scored}/{metric.n_expected}"]


def _numbers(section: Section, name: str, values: Iterable[float | None]) -> list[str]:
    decimals = max(formats.DECIMALS, section.decimals(name))
    return [formats.number(value, decimals=decimals) for value in values]


def _notes(metrics: Iterable[MetricValue]) -> str:
    """What the scoring noted of these metrics, such as that a set is small."""
    return " | ".join(f"{metric.name}: {metric.note}" for metric in metrics if metric.note)


def _names(sections: Sequence[Section]) -> list[str]:
    """The metrics of all sections, paper-compat ones last."""
    every = [name for compat in (False, True) for section in sections for name in section.metric_names(compat=compat)]
    return list(dict.fromkeys(every))


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([for_csv(name) for name in header])
    writer.writerows([for_csv(cell) for cell in row] for row in rows)
    return buffer.getvalue()
