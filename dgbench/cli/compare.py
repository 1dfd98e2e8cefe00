"""``dgbench compare A B``: paired differences of two scored runs, with intervals and what would settle them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dgbench.cli.output import AsJson, emit

if TYPE_CHECKING:
    from dgbench.results.compare.paired import Comparison, MetricComparison


def compare(
    first: Annotated[Path, typer.Argument(metavar="RUN_A", help="A scored run, or a folder with record.json.")],
    second: Annotated[Path, typer.Argument(metavar="RUN_B", help="The run to compare it with.")],
    judges: Annotated[str | None, typer.Option("--judges", help="Which scores, where a run has several.")] = None,
    fail_if_worse: Annotated[
        bool, typer.Option("--fail-if-worse", help="Exit 1 where RUN_A is shown to be worse than RUN_B.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare two runs of one protocol pair by pair: difference, 95 % interval over people, p, and people needed."""
    from dgbench.core.errors import WorkFailedError
    from dgbench.results.compare.paired import compare_runs
    from dgbench.results.compare.regression import regressions

    result = compare_runs(first, second, judges=judges)
    emit(_data(result), _text(result), as_json=as_json)
    worse = regressions(first, second, judges=judges, comparison=result) if fail_if_worse else []
    if worse:
        raise WorkFailedError(f"{first}: worse than {second}: {'; '.join(worse)}")


def _data(result: Comparison) -> dict[str, Any]:
    from dataclasses import asdict

    metrics = []
    for item in result.metrics:
        row: dict[str, Any] = {
            "name": item.name,
            "direction": item.direction,
            "first": item.first,
            "second": item.second,
            "difference": item.first - item.second,
            "better": item.better,
            "p_holm": item.p_holm,
            "note": item.note,
        }
        if item.paired is not None:
            row |= asdict(item.paired)
            row["interval"] = item.paired.interval.model_dump() if item.paired.interval else None
        metrics.append(row)
    return {
        "protocol": result.protocol,
        "first": result.first,
        "second": result.second,
        "n_pairs": result.n_pairs,
        "n_people": result.n_people,
        "metrics": metrics,
        "notes": list(result.notes),
    }


def _text(result: Comparison) -> str:
    lines = [
        f"{result.protocol}: A = {result.first}, B = {result.second}",
        f"{result.n_pairs} pairs of {result.n_people} people; A - B, 95 % intervals clustered on both identities",
        "",
        f"{'metric':<18}{'A':>10}{'B':>10}{'A - B':>10}  {'95 % interval':<22}{'p':>8}{'p Holm':>8}  verdict",
    ]
    lines += [_line(item) for item in result.metrics]
    return "\n".join([*lines, *(f"note: {note}" for note in result.notes)])


def _line(item: MetricComparison) -> str:
    head = f"{item.name:<18}{item.first:>10.4f}{item.second:>10.4f}{item.first - item.second:>+10.4f}  "
    if item.paired is None:
        return f"{head}{'':<38}  {item.note}"
    interval = item.paired.interval
    span = f"[{interval.low:+.4f}, {interval.high:+.4f}]" if interval else "too few people"
    return f"{head}{span:<22}{item.paired.p:>8.4f}{item.p_holm:>8.4f}  {_verdict(item)}"


def _verdict(item: MetricComparison) -> str:
    paired = item.paired
    assert paired is not None
    if item.better != "neither":
        # The interval and the test may disagree where few people differ; the reader is told so, not one of the two.
        doubt = (
            ""
            if item.p_holm is not None and item.p_holm <= 0.05
            else " by its interval, but not by the Holm-adjusted p"
        )
        return f"{'A' if item.better == 'first' else 'B'} is better{doubt}"
    if paired.difference == 0:
        return "equal"
    if paired.needed_people is None or paired.detectable is None:
        return "not told apart: too few people"
    return (
        f"not told apart: about {paired.needed_people} people would be needed for this difference; "
        f"these {paired.n_people} show differences from {paired.detectable:.4f} on"
    )
