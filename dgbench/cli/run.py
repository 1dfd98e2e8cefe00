"""``dgbench run``: a method over a protocol's pairs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dgbench.cli.options import DataRoot, ProtocolName, RunOut, Wait, Weights
from dgbench.cli.output import AsJson, emit
from dgbench.cli.progress import progress_bar

if TYPE_CHECKING:
    from dgbench.engine.run.runner import RunSummary


def run(
    protocol: ProtocolName,
    method: Annotated[str, typer.Option("--method", help="See `methods list`; or pkg.module:Class, ./file.py:Class.")],
    out: RunOut,
    label: Annotated[
        str | None, typer.Option("--label", help="Name to record the run under; else the method's.")
    ] = None,
    data: DataRoot = None,
    checkpoint: Annotated[Path | None, typer.Option("--checkpoint", help="Weights of the method.")] = None,
    repo: Annotated[Path | None, typer.Option("--repo", help="Checkout of a third-party method.")] = None,
    python: Annotated[Path | None, typer.Option("--python", help="Interpreter that the method runs in.")] = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", help="Option of a third-party method, KEY=VALUE; may be repeated.")
    ] = None,
    any_commit: Annotated[
        bool, typer.Option("--any-commit", help="Run another upstream commit than the verified one.")
    ] = False,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Seconds a pair may take in a worker.")] = 120.0,
    pair_timeout: Annotated[
        float, typer.Option("--pair-timeout", min=1, help="Seconds a pair may take of a method in this process.")
    ] = 600.0,
    trained_on: Annotated[
        list[str] | None,
        typer.Option("--trained-on", help="A training set of a third-party method's own weights; may be repeated."),
    ] = None,
    weights: Weights = None,
    shard: Annotated[str, typer.Option("--shard", help="Do part I of N of the pairs, written I/N.")] = "1/1",
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only the first N pairs; never ranks.")] = None,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or cuda:N.")] = "cpu",
    seed: Annotated[int, typer.Option("--seed", help="Run seed.")] = 0,
    batch_size: Annotated[int | None, typer.Option("--batch-size", min=1, help="Pairs a call of the method.")] = None,
    max_failures: Annotated[
        str, typer.Option("--max-failures", help="Failed pairs that still count as done: a count, or a share like 1%.")
    ] = "0",
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try failed pairs again.")] = False,
    accept_edited: Annotated[
        bool, typer.Option("--accept-edited", help="Go on although the method's code has changed; the record says so.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin this run anew: remove what an earlier call made in --out.")
    ] = False,
    wait: Wait = 0.0,
    as_json: AsJson = False,
) -> None:
    """Run a method over a protocol's pairs; the same command goes on where it was stopped.

    Images and a journal are kept in the run folder. A pair that fails is kept by kind and message, counted, and
    scored at each metric's floor.
    """
    from dgbench.engine.run.budget import FailureBudget
    from dgbench.engine.run.methods import WorkerSetup, build_method, default_checkpoint, parse_options
    from dgbench.engine.run.plan import Shard
    from dgbench.engine.run.runner import run_method
    from dgbench.protocols.registry import load_protocol

    part, budget = Shard.parse(shard), FailureBudget.parse(max_failures)
    loaded = load_protocol(protocol)
    setup = WorkerSetup(
        repo=repo,
        python=python,
        options=parse_options(option or []),
        any_commit=any_commit,
        timeout_s=timeout,
        trained_on=tuple(trained_on or ()),
    )
    checkpoint = checkpoint or default_checkpoint(method)
    chosen = build_method(method, checkpoint=checkpoint, worker=setup)
    if batch_size:
        chosen.batch_size = batch_size
    with progress_bar(f"{method} on {loaded.protocol.name}", quiet=as_json) as move:
        summary = run_method(
            loaded,
            chosen,
            out=out,
            label=label,
            data=data,
            checkpoint=checkpoint,
            weights=weights,
            device=device,
            shard=part,
            limit=limit,
            seed=seed,
            retry_failed=retry_failed,
            accept_edited=accept_edited,
            fresh=fresh,
            wait_s=wait,
            pair_timeout_s=pair_timeout,
            end_hung=True,
            progress=move,
        )
    failed = sum(summary.failed.values())
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(summary.failed.items()))
    others = f"the other parts of {part.count}, and then " if part.count > 1 else ""
    text = (
        f"{method} on {loaded.protocol.name}: {summary.generated}/{summary.planned} pairs generated "
        f"({summary.done_now} done now, {summary.planned_done - summary.done_now} found)"
        f"{f', {failed} failed ({kinds})' if failed else ''}; the copy covers {summary.covered}/{summary.expected} "
        f"of the protocol's pairs{_unranked(summary, limit)}\n"
        f"next: {others}dgbench score {shlex.quote(str(out))}"
    )
    emit(
        {
            "run": str(out),
            "protocol": loaded.protocol.name,
            "method": method,
            "generated": summary.generated,
            "planned": summary.planned,
            "covered": summary.covered,
            "expected": summary.expected,
            "failed": summary.failed,
            "done_now": summary.done_now,
        },
        text,
        as_json=as_json,
    )
    budget.check(failed, summary.planned, where=out)


def _unranked(summary: RunSummary, limit: int | None) -> str:
    """Return why a run will not rank, as the end of a sentence, or ""."""
    if limit:
        return f"; cut by --limit {limit}, this run will not rank"
    return "" if summary.covered == summary.expected else ", so this run will not rank"
