"""``dgbench table``: chosen metrics and methods of one protocol, to be pasted into a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

import typer

from dgbench.cli.output import AsJson, emit
from dgbench.core.errors import UsageError


def table(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="A results folder, or a folder of run folders.")],
    protocol: Annotated[str, typer.Option("--protocol", help="Protocol, as id@version.")],
    metrics: Annotated[
        str, typer.Option("--metrics", metavar="NAME,NAME", help="Columns, in this order [the headline metrics].")
    ] = "",
    methods: Annotated[
        str, typer.Option("--methods", metavar="NAME,NAME", help="Rows, in this order [every row].")
    ] = "",
    judges: Annotated[
        str | None, typer.Option("--judges", help="embedded, open or standard [those that rank most rows].")
    ] = None,
    form: Annotated[str, typer.Option("--format", metavar="latex|markdown|csv", help="What to write.")] = "markdown",
    intervals: Annotated[bool, typer.Option("--intervals", help="Write 95 % intervals into the cells.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a table for a paper: readable names with arrows, N and judges in the caption.

    Bold is the one method that is shown to be better than every other method of the table, by the rule that ranks are
    given by; where the pairs leave that open, nothing is bold.
    """
    from dgbench.results.boards.board import make_boards
    from dgbench.results.records.rules import rules_beside
    from dgbench.results.records.store import find_records
    from dgbench.results.tables.paper import Format, find_section, paper_table, render

    if form not in get_args(Format):
        raise UsageError(f"--format '{form}': choose one of {', '.join(get_args(Format))}")
    if not results.is_dir():
        raise UsageError(f"{results}: no such folder; give a results folder or a folder of run folders")
    boards = make_boards(find_records(results), rules=rules_beside(results, None))
    section = find_section(boards, protocol, judges)
    made = paper_table(
        section, protocol=protocol, metrics=_names(metrics), methods=_names(methods), intervals=intervals
    )
    text = render(made, form, label=protocol.replace("@", "-v"))  # type: ignore[arg-type]  # checked above
    data = {
        "caption": made.caption,
        "columns": list(made.cells.columns),
        "rows": [
            {"method": name, "cells": list(made.cells.iloc[n]), "bold": [bool(b) for b in made.bold.iloc[n]]}
            for n, name in enumerate(made.cells.index)
        ],
        "text": text,
    }
    emit(data, text.rstrip("\n"), as_json=as_json)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
