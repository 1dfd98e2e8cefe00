"""``dgbench leaderboard``: tables from records, the guard that CI runs over them, and measuring a record again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dgbench.cli.options import DataRoot, Weights
from dgbench.cli.output import AsJson, emit
from dgbench.cli.progress import progress_bar
from dgbench.core.digests import sha256_bytes

if TYPE_CHECKING:
    from dgbench.results.checks.problem import Problem

_Protocols = Annotated[
    Path | None, typer.Option(help="The protocols folder; default: 'protocols' beside RESULTS, else the package's.")
]
_VerifiedOnly = Annotated[
    bool, typer.Option("--verified-only", help="Rank only rows that were measured again (leaderboard verify).")
]
_Results = Annotated[Path, typer.Argument(help="A results folder, or a folder of run folders.")]


def build(
    results: _Results,
    out: Annotated[Path | None, typer.Option(help="Where to write; default: RESULTS/leaderboards.")] = None,
    readme: Annotated[
        list[Path] | None, typer.Option(help="Also fill the marked tables of this Markdown file; may be repeated.")
    ] = None,
    protocols: _Protocols = None,
    verified_only: _VerifiedOnly = False,
    as_json: AsJson = False,
) -> None:
    """Write CSV and Markdown tables of every record under RESULTS."""
    from dgbench.results.tables.leaderboard import build as build_leaderboard

    released = _released(results, protocols)
    made = build_leaderboard(results, out, readmes=readme or [], protocols_root=released, verified_only=verified_only)
    files = [str(file) for file in made]
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
    verified_only: _VerifiedOnly = False,
    tables: Annotated[
        bool, typer.Option(help="Hold the tables against the records; not where they are built after a merge.")
    ] = True,
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
        verified_only=verified_only,
        tables=tables,
        cache_file=None if whole else kept,
        jobs=jobs,
    )
    problems += _unknown_names(_released(results, protocols))
    text = "\n".join(str(problem) for problem in problems) or f"{results}: nothing is wrong"
    emit({"problems": [problem._asdict() for problem in problems]}, text, as_json=as_json)
    if problems:
        raise WorkFailedError(f"{results}: {len(problems)} problem(s), listed above; nothing was changed")


def _unknown_names(root: Path) -> list[Problem]:
    """What protocols name that is not known here: samplers, metrics, data sets, origins of points."""
    from dgbench.core.errors import UsageError
    from dgbench.engine.run.known_names import unknown_names
    from dgbench.protocols.drafts import read_protocol
    from dgbench.results.checks.problem import Problem

    found = []
    for file in sorted(root.glob("*/v*/protocol.yaml")):
        try:
            reasons = unknown_names(read_protocol(file))
        except UsageError:
            continue  # the check of the files has said so
        place = file.relative_to(root.parent).as_posix()
        found += [Problem(place, "protocol", reason) for reason in reasons]
    return found


def _released(results: Path, given: Path | None) -> Path:
    """The protocols that records are held against."""
    from dgbench.protocols.registry import protocols_root

    beside = results.resolve().parent / "protocols"
    return given or (beside if beside.is_dir() else protocols_root())


def changes(
    results: _Results,
    base: Annotated[str, typer.Option("--base", help="The git revision to compare with, at its merge base.")],
    protocols: _Protocols = None,
    as_json: AsJson = False,
) -> None:
    """Write as Markdown which rows of the leaderboard this branch changes."""
    from dgbench.results.records.rules import Rules
    from dgbench.results.tables.changes import changed_rows

    text = changed_rows(results, base=base, rules=Rules(_released(results, protocols)))
    emit({"markdown": text}, text, as_json=as_json)


def verify(
    record: Annotated[Path, typer.Argument(metavar="RECORD", help="The folder of a record.")],
    outputs: Annotated[Path, typer.Option("--outputs", help="Folder, zip or tar of its images, named <pair_id>.png.")],
    data: DataRoot = None,
    weights: Weights = None,
    sample: Annotated[
        int | None, typer.Option("--sample", min=0, help="Measure so many pairs; default: all. 0: digests alone.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the sample; draw it after the submission.")] = 0,
    builder: Annotated[str, typer.Option("--builder", help="Who measures, such as the address of a CI run.")] = "",
    as_json: AsJson = False,
) -> None:
    """Measure RECORD again from its images and write a statement of the result beside it.

    Exit code 1 where a score, or the digest of the images, is not what the record says.
    """
    from dgbench.core.errors import WorkFailedError
    from dgbench.engine.score.verify import verify_record
    from dgbench.results.records.statement import write_statement

    with progress_bar(f"measuring {record} again", quiet=as_json) as move:
        statement = verify_record(
            record, outputs, data=data, weights=weights, sample=sample, seed=seed, builder=builder, progress=move
        )
    file = write_statement(record, statement)
    result, taken = statement.predicate.result, statement.predicate.sample
    lines = [*result.differences, *(f"not measured again: {name}: {why}" for name, why in result.skipped.items())]
    agree = "all agree" if result.agrees else "they do not agree"
    lines.append(
        f"{file}: {result.scores} scores of {taken.pairs}/{taken.of} pairs, {agree}; outputs: {result.outputs}"
    )
    emit(statement.model_dump(mode="json", by_alias=True), "\n".join(lines), as_json=as_json)
    if not result.agrees:
        raise WorkFailedError(f"{record}: is not what its images give; the statement says so")
