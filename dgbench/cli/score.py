"""``dgbench score``: a run folder, or any method's images, against a protocol."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dgbench.cli.options import DataRoot, JudgesName, Wait, Weights
from dgbench.cli.output import AsJson, emit
from dgbench.cli.progress import progress_bar
from dgbench.core.errors import UsageError, WorkFailedError

if TYPE_CHECKING:
    from dgbench.core.record import MetricValue, Record


def score(
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="A run folder made by `dgbench run`.")] = None,
    judges: JudgesName = "embedded",
    weights: Weights = None,
    data: DataRoot = None,
    protocol: Annotated[str | None, typer.Option("--protocol", help="With --outputs: the protocol.")] = None,
    outputs: Annotated[
        Path | None, typer.Option("--outputs", help="Folder, zip or tar of any method's images, named <pair_id>.png.")
    ] = None,
    method: Annotated[str | None, typer.Option("--method", help="With --outputs: the method's name.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="With --outputs: the run folder to make.")] = None,
    trained_on: Annotated[
        list[str] | None, typer.Option("--trained-on", help="With --outputs: a training set; may be repeated.")
    ] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option("--metric", help="Measure this alone, by the networks it needs; may be repeated; never ranks."),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option("--also", metavar="NAME", help="Measure this beside the protocol's metrics; may be repeated."),
    ] = None,
    results: Annotated[
        Path | None, typer.Option("--results", help="Also publish the record into this results folder.")
    ] = None,
    partial: Annotated[
        bool,
        typer.Option("--partial", help="Score an unfinished run over the pairs it has; it never ranks."),
    ] = False,
    as_delivered: Annotated[
        bool, typer.Option("--as-delivered", help="With --outputs: score images that look wrong as they are.")
    ] = False,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Threads that judge images; all cores by default.")
    ] = None,
    wait: Wait = 0.0,
    as_json: AsJson = False,
) -> None:
    """Score a run; or, with --protocol, --data, --outputs, --method and --out, any method's images.

    Every expected pair counts: one that was not generated or not measured scores the metric's floor, and the value
    over measured pairs stands beside it. Exit code 1 where images of --outputs were missing or refused.
    """
    from dgbench.core.card import JUDGE_SETS
    from dgbench.engine.score.scorer import score_run
    from dgbench.metrics.registry import check_name
    from dgbench.results.records.store import publish

    if judges not in JUDGE_SETS:
        raise UsageError(f"--judges '{judges}': choose one of {', '.join(JUDGE_SETS)}")
    for name in (*(metrics or ()), *(also or ())):
        if name not in ("fd", "kd"):
            check_name(name)
    complaint = ""
    if outputs is not None:
        run, complaint = _adopt(run, protocol=protocol, outputs=outputs, method=method, out=out, data=data,
                                weights=weights, trained_on=trained_on, as_delivered=as_delivered)  # fmt: skip
    elif run is None:
        raise UsageError("name a run folder, or give --protocol, --outputs, --method and --out")
    elif protocol or method or out or trained_on:
        raise UsageError("--protocol, --method, --out and --trained-on go with --outputs; a run folder knows its own")
    with progress_bar(f"scoring {run}", quiet=as_json) as move:
        scored = score_run(
            run,
            judges=judges,
            weights=weights,
            data=data,
            workers=threads,
            wait_s=wait,
            only=metrics or (),
            also=also or (),
            partial=partial,
            progress=move,
        )
    published = str(publish(scored.folder, results)) if results else None
    emit(
        {"folder": str(scored.folder), "published": published, "record": scored.record.model_dump(mode="json")},
        _table(scored.record, scored.folder),
        as_json=as_json,
    )
    if complaint:
        raise WorkFailedError(complaint)


def _adopt(
    run: Path | None,
    *,
    protocol: str | None,
    outputs: Path,
    method: str | None,
    out: Path | None,
    data: Path | None,
    weights: Path | None,
    trained_on: list[str] | None,
    as_delivered: bool,
) -> tuple[Path, str]:
    from dgbench.engine.run.data import open_data
    from dgbench.engine.run.outputs import adopt_outputs
    from dgbench.protocols.registry import load_protocol

    if run is not None or not (protocol and method and out):
        raise UsageError("--outputs needs --protocol, --method and --out, and no run folder")
    loaded = load_protocol(protocol)
    adopted = adopt_outputs(
        loaded,
        open_data(loaded, data, weights=weights),
        outputs,
        method=method,
        out=out,
        data=data,
        training_data=tuple(trained_on or ()),
        as_delivered=as_delivered,
    )
    parts = [f"{count} {kind}" for kind, count in sorted(adopted.failed.items())]
    if adopted.unmatched:
        shown = ", ".join(adopted.unmatched[:3])
        parts.append(f"{len(adopted.unmatched)} named after no pair (such as {shown}), left alone")
    return out, f"{outputs}: {'; '.join(parts)}" if parts else ""


def _table(record: Record, folder: Path) -> str:
    from dgbench.core.record import SUBSET_NOTE

    coverage = record.coverage
    n_pairs = coverage.generated + sum(coverage.failed.values())
    rank = "" if coverage.complete else "  (unranked: not the protocol's whole pair set)"
    rank += "".join(f"  (unranked: {note})" for note in record.notes if note.startswith(SUBSET_NOTE))
    lines = [
        f"{record.method.name} on {record.protocol.id}@{record.protocol.version}, judges: {record.judges}",
        f"pairs      {n_pairs}/{coverage.expected}{rank}",
        f"generated  {coverage.generated}"
        + "".join(f", {count} {kind}" for kind, count in sorted(coverage.failed.items())),
        *(f"note       {note}" for note in record.notes),
        "",
        f"{'metric':<18}{'value':>10}  {'95 % interval':<20}{'measured only':>14}  scored",
        *(_row(value) for value in record.metrics),
        "",
        f"record: {folder / 'record.json'}",
    ]
    return "\n".join(lines)


def _row(value: MetricValue) -> str:
    def number(x: float | None) -> str:
        return "-" if x is None else f"{x:.4f}"

    interval = f"[{value.interval.low:.4f}, {value.interval.high:.4f}]" if value.interval else "-"
    failed = "".join(f", {count} {kind}" for kind, count in sorted(value.failures.items()))
    note = f"  {value.note}" if value.note else ""
    return (
        f"{value.name:<18}{number(value.value):>10}  {interval:<20}{number(value.measured_only):>14}  "
        f"{value.n_scored}/{value.n_expected}{failed}{note}"
    )
