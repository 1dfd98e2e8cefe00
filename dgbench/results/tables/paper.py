"""A table for a paper: chosen metrics and methods of one protocol, as LaTeX, Markdown or CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from dgbench.core.errors import UsageError, did_you_mean
from dgbench.core.groups import group_of
from dgbench.core.text import for_csv, for_latex, for_markdown
from dgbench.results.boards.board import SMALL_SAMPLE, SMALL_SAMPLE_NOTE, Board, Row, Section
from dgbench.results.boards.ranks import better_by_intervals, better_by_pairs, for_every_seed
from dgbench.results.boards.seeds import same_pairs
from dgbench.results.tables import formats

Format = Literal["latex", "markdown", "csv"]
_ARROWS = {"higher": "↑", "lower": "↓"}
_LATEX = {"↑": r"$\uparrow$", "↓": r"$\downarrow$", "±": r"$\pm$", "†": r"$^\dagger$", "–": "--"}


_BOLD = "Bold: better than every other method shown, sanity baselines aside, pair by pair over people, at 95 %."


@dataclass(frozen=True)
class PaperTable:
    """Text cells with a row a method and a column a metric (``cells``), which of them are bold, and the caption."""

    cells: pd.DataFrame
    bold: pd.DataFrame
    caption: str


def find_section(boards: Sequence[Board], protocol: str, judges: str | None) -> Section:
    """Return the table of a protocol by some judges; those that rank most rows where none are named.

    Raises:
        UsageError: there is no record of it; says what there is.
    """
    named = [board for board in boards if protocol in (board.protocol, board.protocol.partition("@")[0])]
    if not named:
        known = [board.protocol for board in boards if board.sections]
        raise UsageError(f"no record of {protocol} (there are: {', '.join(known)}).{did_you_mean(protocol, known)}")
    sections = [one for one in named[-1].sections if judges is None or one.judges == judges]
    if not sections:
        known = [one.judges or "none" for one in named[-1].sections]
        raise UsageError(f"no record of {protocol} by {judges or 'any'} judges (there are: {', '.join(known)})")
    return max(sections, key=lambda one: (sum(row.rank is not None for row in one.rows), one.judges))


def paper_table(
    section: Section,
    *,
    protocol: str,
    metrics: Sequence[str] = (),
    methods: Sequence[str] = (),
    intervals: bool = False,
) -> PaperTable:
    """Choose and format the cells.

    A cell is bold where its method is shown to be better than every other method of the table, pair by pair over
    people, with all comparisons holding together at 95 %: the rule by which ranks are given. Sanity baselines and
    oracles take no part in that, and a row that is not ranked is never bold.

    Args:
        section: the records, judged.
        protocol: ``id@version``, for the caption.
        metrics: the columns in their order; by default the section's headline metrics.
        methods: the rows in their order, by name; by default every row in the board's order.
        intervals: whether cells hold their 95 % interval.

    Raises:
        UsageError: a metric or method that the section does not have.
    """
    known = [*section.metric_names(), *section.metric_names(compat=True)]
    names = list(metrics) or section.headline
    for name in names:
        if name not in known:
            raise UsageError(f"no metric '{name}' here (there are: {', '.join(known)}).{did_you_mean(name, known)}")
    rows = _rows(section, methods)
    index = [row.text + (f" ({row.reason})" if row.reason else "") for row in rows]
    cells, bold = {}, {}
    for name in names:
        card = section.card(name)
        unit = f", {card.unit}" if card.unit else ""
        header = f"{card.title}{unit} {_ARROWS[card.direction]}"
        cells[header] = [_cell(section, row, name, intervals=intervals) for row in rows]
        best = _best(rows, name, higher=card.direction == "higher")
        bold[header] = [row is best for row in rows]
    return PaperTable(
        cells=pd.DataFrame(cells, index=pd.Index(index, name="Method")),
        bold=pd.DataFrame(bold, index=pd.Index(index, name="Method")),
        caption=_caption(
            section,
            rows,
            protocol,
            intervals=intervals,
            any_bold=any(map(any, bold.values())),
            any_mark=any(SMALL_SAMPLE in cell for column in cells.values() for cell in column),
        ),
    )


def render(table: PaperTable, form: Format, *, label: str) -> str:
    """Return the table as text; ``label`` names it in LaTeX."""
    return {"latex": _latex, "markdown": _markdown, "csv": _csv}[form](table, label)


def _rows(section: Section, methods: Sequence[str]) -> list[Row]:
    if not methods:
        return list(section.rows)
    known = [row.name for row in section.rows]
    for name in methods:
        if name not in known:
            raise UsageError(f"no method '{name}' here (there are: {', '.join(known)}).{did_you_mean(name, known)}")
    # A method that is ranked stands with its ranked rows; the others say why they are not.
    return [
        row
        for name in dict.fromkeys(methods)
        for ranked in (True, False)
        for row in section.rows
        if row.name == name and (row.rank is not None) is ranked and (ranked or not _is_ranked(section, name))
    ]


def _is_ranked(section: Section, name: str) -> bool:
    return any(row.name == name and row.rank is not None for row in section.rows)


def _best(rows: Sequence[Row], name: str, *, higher: bool) -> Row | None:
    """The one method that is shown to be better than all others; ``None`` where the pairs leave that open."""
    asked = [row for row in rows if row.rank is not None and group_of(row.name) == "method"]
    held = [row for row in asked if (value := row.metric(name)) is not None and value.value is not None]
    if len(held) < 2:
        return None
    seeds = [(place, stored) for place, row in enumerate(held) for stored in row.seeds]
    places = [place for place, _ in seeds]
    tables = [stored.pair_scores() for _, stored in seeds]
    usable = [table for table in tables if table is not None and name in table.columns]
    if len(usable) == len(seeds) and same_pairs(usable):
        better = better_by_pairs(usable, name, higher=higher, rows=places)
    else:
        values = [next(m for m in stored.record.metrics if m.name == name) for _, stored in seeds]
        better = better_by_intervals([value.interval for value in values], higher=higher)
    shown = for_every_seed(better, places)
    winners = [row for place, row in enumerate(held) if shown[place].sum() == len(held) - 1]
    return winners[0] if winners else None


def _cell(section: Section, row: Row, name: str, *, intervals: bool) -> str:
    value, decimals = row.metric(name), section.decimals(name)
    if value is None or value.value is None:
        return "–"
    text = formats.number(value.value, decimals=decimals) + row.mark(name)
    if (spread := row.spread(name)) is not None:
        text += f" ± {formats.number(spread, decimals=decimals)}"
    return f"{text} {formats.interval(value.interval, decimals=decimals)}".rstrip() if intervals else text


def _caption(
    section: Section, rows: Sequence[Row], protocol: str, *, intervals: bool, any_bold: bool, any_mark: bool
) -> str:
    expected = {row.stored.record.coverage.expected for row in rows}
    tables = [table for row in rows[:1] if (table := row.stored.pair_scores()) is not None]
    people = f" of {tables[0]['source_identity'].nunique()} people" if tables else ""
    count = f"N = {expected.pop()} pairs{people}" if len(expected) == 1 else "rows differ in N"
    return " ".join(
        [
            f"{protocol}, {count}, {section.judges or 'no'} judges.",
            "Values count every pair, failures at the metric's floor.",
            *(["Brackets: 95 % intervals over people."] if intervals else []),
            *([_BOLD] if any_bold else []),
            *([SMALL_SAMPLE_NOTE] if any_mark else []),
        ]
    )


def _latex(table: PaperTable, label: str) -> str:
    def shown(text: str) -> str:
        escaped = for_latex(text)
        for sign, command in _LATEX.items():
            escaped = escaped.replace(sign, command)
        return escaped

    def line(cells: list[str]) -> str:
        return f"    {' & '.join(cells)} \\\\"

    lines = [
        "% needs \\usepackage{booktabs}",
        r"\begin{table}",
        r"  \centering",
        f"  \\caption{{{shown(table.caption)}}}",
        f"  \\label{{tab:{label}}}",
        f"  \\begin{{tabular}}{{l{'r' * table.cells.shape[1]}}}",
        r"    \toprule",
        line(["Method", *map(shown, table.cells.columns)]),
        r"    \midrule",
    ]
    for number, name in enumerate(table.cells.index):
        pairs = zip(table.cells.iloc[number], table.bold.iloc[number], strict=True)
        lines.append(line([shown(name), *(f"\\textbf{{{shown(t)}}}" if b else shown(t) for t, b in pairs)]))
    return "\n".join([*lines, r"    \bottomrule", r"  \end{tabular}", r"\end{table}", ""])


def _markdown(table: PaperTable, label: str) -> str:
    rows = [["Method", *table.cells.columns], ["---"] * (1 + table.cells.shape[1])]
    for number, name in enumerate(table.cells.index):
        pairs = zip(table.cells.iloc[number], table.bold.iloc[number], strict=True)
        rows.append([for_markdown(name), *(f"**{for_markdown(t)}**" if b else for_markdown(t) for t, b in pairs)])
    return "\n".join(["| " + " | ".join(row) + " |" for row in rows] + ["", table.caption, ""])


def _csv(table: PaperTable, label: str) -> str:
    cells = table.cells.map(for_csv)
    cells.index = cells.index.map(for_csv)
    return str(cells.to_csv(lineterminator="\n"))
