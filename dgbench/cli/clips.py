"""``dgbench score-clips``: temporal metrics of any method's videos against the real ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dgbench.cli.options import JudgesName, Weights
from dgbench.cli.output import AsJson, emit
from dgbench.cli.progress import progress_bar
from dgbench.core.errors import UsageError

if TYPE_CHECKING:
    from dgbench.core.record import MetricValue


def score_clips(
    generated: Annotated[Path, typer.Argument(metavar="GENERATED", help="Folder of a method's videos or frames.")],
    real: Annotated[Path, typer.Argument(metavar="REAL", help="Folder of the real clips, by the same names.")],
    metrics: Annotated[
        list[str] | None, typer.Option("--metric", help="jitter (the default) or fvd; may be repeated.")
    ] = None,
    judges: JudgesName = "embedded",
    weights: Weights = None,
    as_json: AsJson = False,
) -> None:
    """Score clips frame by frame against the real ones: landmark jitter, and FVD where fvd.onnx is given.

    A clip is a video, or a folder of frames; its person is the folder that it lies in. Clips and frames that were not
    generated count: they score the metric's cap, or enter as black frames.
    """
    from dgbench.core.card import JUDGE_SETS
    from dgbench.networks.judges import load_judges
    from dgbench.scoring.clip_folders import clips_in_folders
    from dgbench.scoring.clips import score_clips as score

    if judges not in JUDGE_SETS:
        raise UsageError(f"--judges '{judges}': choose one of {', '.join(JUDGE_SETS)}")
    names = tuple(dict.fromkeys(metrics or ["jitter"]))
    clips = clips_in_folders(generated, real)
    panel = load_judges(judges, weights=weights, roles=("detector", "landmarks")) if "jitter" in names else None
    with progress_bar(f"scoring {generated}", quiet=as_json) as move:
        values = score(clips, judges=panel, metrics=names, weights=weights, progress=move)
    emit({"metrics": [value.model_dump(mode="json") for value in values]}, _table(values), as_json=as_json)


def _table(values: tuple[MetricValue, ...]) -> str:
    lines = [f"{'metric':<10}{'value':>10}  {'95 % interval':<20}  clips"]
    for value in values:
        number = "-" if value.value is None else f"{value.value:.4f}"
        interval = f"[{value.interval.low:.4f}, {value.interval.high:.4f}]" if value.interval else "-"
        failed = "".join(f", {count} {kind}" for kind, count in sorted(value.failures.items()))
        lines.append(f"{value.name:<10}{number:>10}  {interval:<20}  {value.n_scored}/{value.n_expected}{failed}")
        lines += [f"{'':<10}{value.note}"] if value.note else []
    return "\n".join(lines)
