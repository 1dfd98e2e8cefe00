"""``dgbench leaderboard build`` and ``check``: tables from records, and the guard that CI runs over them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dgbench.cli.output import AsJson, emit
from dgbench.core.digests import sha256_bytes

_Protocols = Annotated[
    Path | None, typer.Option(help="The protocols folder; default: 'protocols' beside RESULTS, else the package's.")
]
_Results = Annotated[Path, typer.Argument(help="A results folder, or a folder of run folders.")]


def build(
    results: _Results,
    out: Annotated[Path | None, typer.Option(help="Where to write; default: RESULTS/leaderboards.")] = None,
    readme: Annotated[
        list[Path] | None, typer.Option(help="Also fill the marked tables of this Markdown file; may be repeated.")
    ] = None,
    protocols: _Protocols = None,
    as_json: AsJson = False,
) -> None:
    """Write CSV and Markdown tables of every record under RESULTS."""
    from dgbench.results.tables.leaderboard import build as build_leaderboard

    files = [
        str(file)
        for file in build_leaderboard(results, out, readmes=readme or [], protocols_root=_released(results, protocols))
    ]
    emit({"files": files}, "\n".join(files), as_json=as_json)


def check(
    results: _Results,
    protocols: _Protocols = None,
    base: Annotated[str | None, typer.Option(help="Compare with the merge base of this git revision and HEAD.")] = None,
    readme: Annotated[
        list[Path] | None,
        typer.Option(help="Markdown files whose marked tables are checked; default: README.md beside RESULTS."),
    ] = None,
    stranger: Annotated[
        bool,
        typer.Option("--stranger", help="With --base: the branch is a stranger's, who may write no corrections."),
    ] = False,
    whole: Annotated[
        bool, typer.Option("--whole", help="Check every record again, those too that an earlier check found clean.")
    ] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes that check records; default: one a core.")] = None,
    as_json: AsJson = False,
) -> None:
    """List everything that is wrong with RESULTS: schema, names, digests, scores, history, stale tables."""
    from dgbench.core.errors import WorkFailedError
    from dgbench.io.cache import cache_folder
    from dgbench.results.checks.check import check as check_results

    kept = cache_folder("leaderboard-check") / f"{sha256_bytes(str(results.resolve()).encode())[:16]}.json"
    problems = check_results(
        results,
        protocols_root=_released(results, protocols),
        base=base,
        trusted=not stranger,
        readmes=readme,
        cache_file=None if whole else kept,
        jobs=jobs,
    )
    text = "\n".join(str(problem) for problem in problems) or f"{results}: nothing is wrong"
    emit({"problems": [problem._asdict() for problem in problems]}, text, as_json=as_json)
    if problems:
        raise WorkFailedError(f"{results}: {len(problems)} problem(s), listed above; nothing was changed")


def _released(results: Path, given: Path | None) -> Path:
    """The protocols that records are held against."""
    from dgbench.protocols.registry import protocols_root

    beside = results.resolve().parent / "protocols"
    return given or (beside if beside.is_dir() else protocols_root())
