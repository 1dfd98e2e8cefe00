"""``dgbench quickstart``: the whole suite on SynthFace, offline."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from dgbench.cli.output import AsJson, emit


def quickstart(
    out: Annotated[Path, typer.Option("--out", help="Folder for runs, results, leaderboard and report.")] = Path(
        "quickstart"
    ),
    full: Annotated[
        bool, typer.Option("--full", help="All mini protocols (self, cross, large pose), not the first alone.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run sanity baselines and the shipped Dual-Generator on a mini protocol, score, rank, and write a report.

    Needs no data set, no download and no GPU; the same command goes on where it was stopped.
    """
    from dgbench.core.errors import WorkFailedError
    from dgbench.engine.quickstart import quickstart as work
    from dgbench.engine.suite.file import Cell

    def announce(cell: Cell) -> None:
        if not as_json:
            print(cell, file=sys.stderr)

    done = work(out, full=full, announce=announce)
    failed = [outcome for outcome in done.outcomes if outcome.error]
    lines = [f"{len(done.outcomes) - len(failed)} of {len(done.outcomes)} runs scored with the embedded judges"]
    lines += [f"not done: {o.cell}: {o.error}" for o in failed]
    lines += [f"leaderboard: {done.leaderboard}", f"report:      {done.report}"]
    emit(
        {
            "runs": len(done.outcomes),
            "failed": [o.cell.told() | {"error": str(o.error)} for o in failed],
            "leaderboard": str(done.leaderboard),
            "report": str(done.report),
        },
        "\n".join(lines),
        as_json=as_json,
    )
    if failed:
        raise WorkFailedError(f"{len(failed)} of {len(done.outcomes)} runs could not be done; the reasons are above")
