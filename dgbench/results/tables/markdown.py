"""The Markdown pages of a leaderboard: an index and one page per protocol, readable on any code host."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from dgbench.core.text import for_markdown
from dgbench.results.boards.board import Board, Row, Section
from dgbench.results.boards.entries import seed_name
from dgbench.results.records.published import Published, PublishedTable
from dgbench.results.tables import formats

ARROWS = {"higher": "↑", "lower": "↓"}
_NOTE = (
    "A row is ranked only if it was measured by dgbench over exactly the protocol's pairs, with the same metric "
    "cards as the other ranked rows. The rank is a range: every place that the pairs cannot rule out. Values "
    "count every pair, failures at the metric's floor; brackets are 95 % intervals over identities. Oracles and sanity "
    "baselines take no place. Gates, in order: keeps identity (better than `copy-reference`), follows motion (better "
    "than `copy-source`), looks real (better than `blurred-target`), by paired adjusted tests: ✓ passed, ✗ failed, ? "
    "not known; a method that fails one is never first."
)
_SEEDS_NOTE = (
    "Several seeds of a method share a row: mean ± standard deviation over seeds, then the mean of their intervals. "
    "Such a row stands above another only where each of its seeds does."
)


def protocol_markdown(board: Board, *, link: str = "../") -> str:
    """One page: a table per judge set, paper-compat values apart, printed tables of the nearest task below."""
    parts = [f"# {for_markdown(board.protocol)}", ""]
    if board.sections:
        parts += [_NOTE, ""]
    for section in board.sections:
        parts += [f"## Judges: {for_markdown(section.judges) or 'none'}", "", section_markdown(section, link=link), ""]
        if any(len(row.seeds) > 1 for row in section.rows):
            parts += [_SEEDS_NOTE, ""]
        if section.small_sample_note:
            parts += [section.small_sample_note, ""]
        if section.companions:
            parts += [
                "### Parts, floors and ceilings of these metrics",
                "",
                _side_table(section, section.companions),
                "",
            ]
        compat = section.metric_names(compat=True)
        if compat:
            parts += ["### As papers compute it (never ranked)", "", _side_table(section, compat), ""]
    if board.published:
        parts += ["## Printed in papers (another protocol, never ranked with the rows above)", ""]
    for table in board.published:
        parts += [published_markdown(table, level=3), ""]
    return "\n".join(parts)


def section_markdown(section: Section, *, link: str = "") -> str:
    """The table of one judge set; ``link`` is the way from the page to the results folder."""
    names = section.headline
    header = ["Rank", "Method", "Gates", "Tier", "Coverage"]
    header += [f"{name} {ARROWS[section.card(name).direction]}" for name in names]
    header += ["Failures", "Training data", "Date", "Record"]
    return markdown_table(header, [_cells(section, row, names, link) for row in section.rows])


def index_rows(board: Board) -> list[list[str]]:
    """A board's rows of the first page: what is measured, with the leading methods."""
    rows = []
    for section in board.sections:
        ranked = [row for row in section.rows if row.rank]
        leaders = ", ".join(dict.fromkeys(r.label for r in ranked if r.rank and r.rank.low == 1))
        counts = [str(len(ranked)), str(len(section.rows) - len(ranked))]
        page = Link.to(board.protocol, f"{board.protocol}.md")
        rows.append([page, section.judges, section.primary, *counts, leaders or "–"])
    if not board.sections:
        rows.append([Link.to(board.protocol, f"{board.protocol}.md"), "–", "–", "0", "0", "only printed numbers"])
    return rows


def index_markdown(rows: Sequence[Sequence[str]], published: Published) -> str:
    """The first page: the rows of all boards, and where papers contradict each other."""
    parts = ["# Leaderboards", "", "Made by `dgbench leaderboard build`; do not edit by hand. " + _NOTE, ""]
    header = ["Protocol", "Judges", "Primary metric", "Ranked", "Unranked", "May hold rank 1"]
    parts += [markdown_table(header, rows) if rows else "No record yet.", ""]
    far = [table for table in published.tables if not table.near]
    if far:
        parts += ["## Printed in papers, near no protocol of dgbench", ""]
        for table in far:
            parts += [published_markdown(table, level=3), ""]
    if published.contradictions:
        parts += ["## Where papers contradict each other", "", contradictions_markdown(published), ""]
    return "\n".join(parts)


def published_markdown(table: PublishedTable, *, level: int) -> str:
    """One printed table, with its source, how it differs from the protocol, and what is doubtful about it."""
    paper, place, data = (for_markdown(text) for text in (table.paper, table.table, table.data))
    link = Link.to(table.paper, table.url) if table.url else paper
    parts = [f"{'#' * level} {paper}: {place}", "", f"Source: {link}, {place}. Data: {data}.", ""]
    parts += [f"- Differs: {for_markdown(text)}" for text in table.differences]
    parts += [f"- Doubt: {for_markdown(text)}" for text in table.doubts]
    header = ["Method", "Origin", *(f"{m.name} {ARROWS[m.direction]}" for m in table.metrics), "Note"]
    rows = []
    for method, values in table.rows.items():
        cells = ["–" if value is None else str(value) for value in values]
        rows.append([method, table.origin(method), *cells, table.row_notes.get(method, "")])
    return "\n".join([*parts, "", markdown_table(header, rows)])


def contradictions_markdown(published: Published) -> str:
    """Every quantity that papers disagree on, all values side by side."""
    rows = []
    for entry in published.contradictions:
        claims = []
        for claim in entry.claims:
            table, value = published.claim(entry.method, claim)
            setting = f", {claim.setting}" if claim.setting else ""
            claims.append(f"{value} ({table.paper}, {table.table}{setting})")
        rows.append([entry.method, entry.quantity, "; ".join(claims), entry.remark])
    return markdown_table(["Method", "Quantity", "Printed values", "Remark"], rows)


def _cells(section: Section, row: Row, names: Sequence[str], link: str) -> list[str]:
    record = row.stored.record
    primary = row.metric(section.primary)
    place = formats.place(row.rank, group=row.group, reason=row.reason)
    data = formats.training(record.method)
    if row.overlap not in ("none declared", "other data"):
        data += f" ⚠ {row.overlap}"
    failures = formats.failures(primary.failures if primary else record.coverage.failed)
    metrics = [_cell(section, row, name) for name in names]
    texts = ["record"] if len(row.seeds) == 1 else [f"seed {seed_name(stored.record)}" for stored in row.seeds]
    links = [Link.to(text, f"{link}{stored.path}/record.json") for text, stored in zip(texts, row.seeds, strict=True)]
    return [
        place,
        row.text,
        formats.gates(row.marks),
        "; ".join(filter(None, (row.tier if record.origin == "measured" else record.origin, row.lacks))),
        row.coverage,
        *metrics,
        failures,
        data,
        max(stored.record.created for stored in row.seeds)[:10],
        Link(", ".join(links)),
    ]


def _cell(section: Section, row: Row, name: str) -> str:
    text = formats.metric_cell(row.metric(name), row.spread(name), decimals=section.decimals(name))
    return text + row.mark(name)


def _side_table(section: Section, names: Sequence[str]) -> str:
    header = ["Method", *(f"{name} {ARROWS[section.card(name).direction]}" for name in names)]
    return markdown_table(header, [[row.text, *(_cell(section, row, name) for name in names)] for row in section.rows])


class Link(str):
    """A cell that is a link, made here: its text harmless, its address quoted."""

    __slots__ = ()

    @classmethod
    def to(cls, text: str, address: str) -> Link:
        """A link with ``text`` to ``address``, a path or an address of the web."""
        quoted = quote(address, safe="/:@+,;=?&#%~!$*'")
        return cls(f"[{for_markdown(text)}]({quoted})")


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; what would end a cell, open a tag or make a link is escaped."""
    lines = [[for_markdown(name) for name in header], ["---"] * len(header)]
    lines += [[cell if isinstance(cell, Link) else for_markdown(cell) for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
