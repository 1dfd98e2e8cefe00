"""``dgbench suite``: many methods on many protocols from one file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dgbench.cli.output import AsJson, emit

if TYPE_CHECKING:
    from dgbench.engine.suite.file import Suite


def suite(
    file: Annotated[Path, typer.Argument(metavar="FILE.yaml", help="The suite.")],
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or cuda:N.")] = "cpu",
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes side by side (with --cluster local: its CPUs).")
    ] = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", metavar="ADDRESS|local", help="Ray cluster to do the work.")
    ] = None,
    shards: Annotated[int | None, typer.Option("--shards", min=1, help="Parts that each run is cut into.")] = None,
    cpus: Annotated[int, typer.Option("--cpus", min=1, help="CPUs a task takes on the cluster.")] = 1,
    gpus: Annotated[float, typer.Option("--gpus", min=0, help="GPUs a run on cuda takes on the cluster.")] = 1,
    pull: Annotated[
        bool, typer.Option("--pull", help="The nodes share no folder: bring what they make to this machine.")
    ] = False,
    plan_only: Annotated[
        bool, typer.Option("--dry-run", help="Only list the runs, what is done of them, and what is missing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run, score and publish every method on every protocol of a suite, then build the leaderboard.

    The same command goes on where it was stopped. A method that cannot run here is reported, and the others go on;
    the exit code is then 1. The records are the same, whoever does the work.
    """
    from dgbench.core.errors import WorkFailedError
    from dgbench.engine.suite.executors import make_executor
    from dgbench.engine.suite.file import Cell, read_suite
    from dgbench.engine.suite.runner import run_suite
    from dgbench.methods.devices import check_device

    def announce(cell: Cell) -> None:
        if not as_json:
            print(cell, file=sys.stderr)

    check_device(device, here=False)  # whether it is there is asked where each run is done
    read = read_suite(file)
    if plan_only:
        _list_runs(read, as_json=as_json)
        return
    with make_executor(
        workers=workers, cluster=cluster, shared=read.runs, device=device, cpus=cpus, gpus=gpus, pull=pull
    ) as executor:
        outcomes, tables = run_suite(read, device=device, executor=executor, parts=shards, announce=announce)
    failed = [outcome for outcome in outcomes if outcome.error]
    lines = [f"{len(outcomes) - len(failed)} of {len(outcomes)} runs scored and published in {read.results}"]
    lines += [f"not done: {o.cell}: {o.error}" for o in failed]
    lines += [f"leaderboard: {path}" for path in tables if path.name == "README.md"]
    emit(
        {
            "done": [o.cell.told() | {"records": [r.run_id for r in o.records]} for o in outcomes if not o.error],
            "failed": [o.cell.told() | {"error": str(o.error)} for o in failed],
            "leaderboard": [str(path) for path in tables],
        },
        "\n".join(lines),
        as_json=as_json,
    )
    if failed:
        raise WorkFailedError(f"{len(failed)} of {len(outcomes)} runs could not be done; the reasons are above")


def _list_runs(suite: Suite, *, as_json: bool) -> None:
    from dgbench.core.errors import WorkFailedError
    from dgbench.engine.suite.dry_run import dry_run

    prospects = dry_run(suite)
    emit({"runs": [p.told() for p in prospects]}, "\n".join(map(str, prospects)), as_json=as_json)
    if stuck := [p for p in prospects if p.problem]:
        raise WorkFailedError(f"{len(stuck)} of {len(prospects)} runs could not be done; the reasons are above")
