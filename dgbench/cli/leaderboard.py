"""``dgbench leaderboard build`` and ``check``: tables from records, and the guard that CI runs over them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dgbench.cli.output import AsJson, emit

_Results = Annotated[Path, typer.Argument(help="A results folder, or a folder of run folders.")]


def build(
    results: _Results,
    out: Annotated[Path | None, typer.Option(help="Where to write; default: RESULTS/leaderboards.")] = None,
    readme: Annotated[
        list[Path] | None, typer.Option(help="Also fill the marked tables of this Markdown file; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write CSV and Markdown tables of every record under RESULTS."""
    from dgbench.results.tables.leaderboard import build as build_leaderboard

    files = [str(file) for file in build_leaderboard(results, out, readmes=readme or [])]
    emit({"files": files}, "\n".join(files), as_json=as_json)


def check(
    results: _Results,
    protocols: Annotated[
        Path | None, typer.Option(help="The protocols folder; default: 'protocols' beside RESULTS, else the package's.")
    ] = None,
    base: Annotated[str | None, typer.Option(help="Compare with the merge base of this git revision and HEAD.")] = None,
    readme: Annotated[
        list[Path] | None,
        typer.Option(help="Markdown files whose marked tables are checked; default: README.md beside RESULTS."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List everything that is wrong with RESULTS: schema, names, digests, scores, history, stale tables."""
    from dgbench.core.errors import WorkFailedError
    from dgbench.protocols.registry import protocols_root
    from dgbench.results.checks.check import check as check_results

    beside = results.resolve().parent / "protocols"
    released = protocols or (beside if beside.is_dir() else protocols_root())
    problems = check_results(results, protocols_root=released, base=base, readmes=readme)
    text = "\n".join(str(problem) for problem in problems) or f"{results}: nothing is wrong"
    emit({"problems": [problem._asdict() for problem in problems]}, text, as_json=as_json)
    if problems:
        raise WorkFailedError(f"{results}: {len(problems)} problem(s), listed above; nothing was changed")
