"""``dgbench metrics calibrate``: how every pair metric answers to known doses of what changes a face."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dgbench.cli.options import JudgesName, Weights
from dgbench.cli.output import AsJson, emit
from dgbench.cli.progress import progress_bar


def calibrate(
    out: Annotated[Path, typer.Option("--out", help="Folder for calibration.md, .csv and .png.")],
    judges: JudgesName = "embedded",
    people: Annotated[int, typer.Option("--people", min=8, help="Rendered people.")] = 24,
    head: Annotated[Path | None, typer.Option("--head", help="The head model; else DGBENCH_HEAD or the cache.")] = None,
    weights: Weights = None,
    as_json: AsJson = False,
) -> None:
    """Measure each metric's answer to known changes of identity, pose, expression, gaze, light, hair, and damage."""
    from dgbench.core.card import JUDGE_SETS
    from dgbench.core.errors import UsageError
    from dgbench.networks.judges import load_judges
    from dgbench.scoring.calibration.measure import calibrate as measure
    from dgbench.scoring.calibration.page import write_calibration
    from dgbench.synthface.head.load import load_head

    if judges not in JUDGE_SETS:
        raise UsageError(f"--judges '{judges}': choose one of {', '.join(JUDGE_SETS)}")
    model, panel = load_head(head), load_judges(judges, weights=weights)  # what is missing is told before any work
    with progress_bar("calibrating", quiet=as_json) as move:
        table = measure(model, panel, people=people, progress=move)
    written = write_calibration(table, out, judges=judges, people=people)
    emit({"files": [str(path) for path in written]}, "\n".join(str(path) for path in written), as_json=as_json)
