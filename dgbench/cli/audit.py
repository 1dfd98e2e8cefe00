"""``dgbench audit RUN`` and ``dgbench audit --table FILE``: are a run's scores, or a paper's numbers, what they say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dgbench.cli.options import DataRoot, Weights
from dgbench.cli.output import AsJson, emit

if TYPE_CHECKING:
    from dgbench.scoring.recompute import AuditReport


def audit(
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="A scored run folder.")] = None,
    table: Annotated[
        Path | None, typer.Option("--table", metavar="FILE", help="CSV of published numbers to check instead.")
    ] = None,
    judges: Annotated[str | None, typer.Option("--judges", help="Which scores, where a run has several.")] = None,
    sample: Annotated[int, typer.Option("--sample", min=1, help="Pairs whose scores are computed again.")] = 20,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the sample.")] = 0,
    weights: Weights = None,
    data: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Compute sampled scores of a run again from its images; or check a table of published numbers.

    Exit code 1 where something is found.
    """
    from dgbench.core.errors import UsageError

    if (run is None) == (table is None):
        raise UsageError("name a run folder, or a CSV file with --table, one of the two")
    if table is not None:
        _audit_table(table, as_json=as_json)
    elif run is not None:
        _audit_run(run, judges=judges, sample=sample, seed=seed, weights=weights, data=data, as_json=as_json)


def _audit_table(path: Path, *, as_json: bool) -> None:
    from dgbench.core.errors import WorkFailedError
    from dgbench.metrics.table_audit import audit_table

    findings = audit_table(path)
    lines = [f"{_places(f.lines)}: {f.kind}: {f.message}" for f in findings]
    data = [{"kind": f.kind, "lines": list(f.lines), "message": f.message} for f in findings]
    emit({"table": str(path), "findings": data}, "\n".join(lines) or f"{path}: nothing found", as_json=as_json)
    if findings:
        raise WorkFailedError(f"{path}: {len(findings)} finding(s), listed above")


def _places(lines: tuple[int, ...]) -> str:
    return ("line " if len(lines) == 1 else "lines ") + ", ".join(map(str, lines))


def _audit_run(
    run: Path, *, judges: str | None, sample: int, seed: int, weights: Path | None, data: Path | None, as_json: bool
) -> None:
    from dgbench.core.errors import UsageError, WorkFailedError
    from dgbench.engine.run.data import open_data
    from dgbench.engine.run.plan import RunFolder, read_plan
    from dgbench.engine.score.run_images import RunImages
    from dgbench.networks.judges import load_judges
    from dgbench.protocols.registry import load_protocol
    from dgbench.results.compare.paired import scored_folder
    from dgbench.results.records.store import PAIR_SCORES, read_pair_scores, read_record
    from dgbench.scoring.recompute import audit_scores

    scores = scored_folder(run, judges=judges)
    record = read_record(scores)
    if record.judges is None:
        raise UsageError(f"{scores}: its numbers were not measured by judges; there is nothing to compute again")
    plan = read_plan(RunFolder(run))
    loaded = load_protocol(plan.protocol)
    if loaded.protocol.digest != record.protocol.digest:
        raise UsageError(f"{run}: its scores are of another version of {plan.protocol}; score it again")
    opened = open_data(loaded, data or (Path(plan.data) if plan.data else None), weights=weights)
    report = audit_scores(
        record,
        read_pair_scores(scores / PAIR_SCORES),
        opened.pairs,
        RunImages(RunFolder(run), opened),
        judges=load_judges(record.judges, weights=weights),
        count=sample,
        seed=seed,
        size=opened.source.size,
        weights=weights,
    )
    emit(_report_data(run, report), _report_text(run, report), as_json=as_json)
    if report.findings:
        raise WorkFailedError(f"{run}: {len(report.findings)} finding(s), listed above")


def _report_data(run: Path, report: AuditReport) -> dict[str, object]:
    return {
        "run": str(run),
        "pairs": report.n_pairs,
        "scores": report.n_scores,
        "findings": [{"metric": f.metric, "pair_id": f.pair_id, "message": f.message} for f in report.findings],
        "skipped": report.skipped,
    }


def _report_text(run: Path, report: AuditReport) -> str:
    lines = [f"{f.metric} {f.pair_id or '(whole run)'}: {f.message}" for f in report.findings]
    lines += [f"not recomputed: {name}: {reason}" for name, reason in report.skipped.items()]
    agree = "all agree" if not report.findings else f"{len(report.findings)} do not agree"
    return "\n".join([*lines, f"{run}: {report.n_scores} scores of {report.n_pairs} pairs computed again, {agree}"])
