"""``dgbench compute``: any metrics on two folders of images matched by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dgbench.cli.options import JudgesName, Weights
from dgbench.cli.output import AsJson, emit
from dgbench.core.errors import UsageError, WorkFailedError

if TYPE_CHECKING:
    from dgbench.core.record import MetricValue

_NAMED = 5


def compute(
    first: Annotated[Path, typer.Argument(metavar="A", help="Folder of images to measure, such as generated ones.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Folder of images to hold them against.")],
    metrics: Annotated[
        str, typer.Option("--metrics", metavar="NAME,NAME", help="Metrics; see `dgbench metrics list`.")
    ],
    judges: JudgesName = "embedded",
    weights: Weights = None,
    as_json: AsJson = False,
) -> None:
    """Compute metrics between two folders of images; images of one name belong together, whatever their suffix.

    Names without a partner are listed and left out; exit code 1 where there are any, or where an image could not be
    measured. Such numbers belong to no protocol and rank nowhere.
    """
    from dgbench.cli.progress import progress_bar
    from dgbench.core.card import JUDGE_SETS
    from dgbench.scoring.folders import score_folders

    if judges not in JUDGE_SETS:
        raise UsageError(f"--judges '{judges}': choose one of {', '.join(JUDGE_SETS)}")
    done = 0
    with progress_bar("compute", quiet=as_json) as move:

        def step(count: int) -> None:
            nonlocal done
            done += count
            move(done, 0)

        found = score_folders(
            first,
            second,
            metrics=[name.strip() for name in metrics.split(",") if name.strip()],
            judges=judges,
            weights=weights,
            progress=step,
        )
    failed = {kind: count for value in found.metrics for kind, count in value.failures.items()}
    data = {
        "judges": found.judges,
        "matched": found.matched,
        "images": {"A": found.first, "B": found.second},
        "unmatched": list(found.unmatched),
        "metrics": [value.model_dump(mode="json") for value in found.metrics],
    }
    counts = f"{found.matched}/{max(found.first, found.second)} matched by name (A {found.first}, B {found.second})"
    lines = [counts, *(_line(value) for value in found.metrics)]
    if found.unmatched:
        rest = len(found.unmatched) - _NAMED
        more = f" and {rest} more" if rest > 0 else ""
        lines.append(f"left out, without a partner: {', '.join(found.unmatched[:_NAMED])}{more}")
    emit(data, "\n".join(lines), as_json=as_json)
    left = [f"{len(found.unmatched)} images have no partner"] if found.unmatched else []
    left += ["some could not be measured (" + ", ".join(sorted(failed)) + ")"] if failed else []
    if left:
        raise WorkFailedError("; ".join(left))


def _line(value: MetricValue) -> str:
    from dgbench.metrics.registry import metric_class

    decimals = metric_class(value.name).decimals
    number = "-" if value.value is None else f"{value.value:.{decimals}f}"
    interval = f"  [{value.interval.low:.{decimals}f}, {value.interval.high:.{decimals}f}]" if value.interval else ""
    failed = "".join(f", {count} {kind}" for kind, count in value.failures.items())
    note = f"  {value.note}" if value.note else ""
    return f"{value.name:<18}{number:>10}{interval}  {value.n_scored}/{value.n_expected}{failed}{note}"
