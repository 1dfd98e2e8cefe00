"""``dgbench doctor``: what is here, what is missing, what is broken; to paste into an issue."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dgbench.cli.options import Weights
from dgbench.cli.output import AsJson, emit


def doctor(
    weights: Weights = None,
    results: Annotated[Path | None, typer.Option("--results", help="Results folder to test.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check packages, devices, judges, weights by digest, the golden vectors of every metric, video, protocols, disk.

    The output is made to be pasted into a bug report.

    Exit code 1 where something is broken; missing things are needed by some work only and leave it 0.
    """
    from dgbench.core.errors import WorkFailedError
    from dgbench.doctor.checks import run_checks

    checks = run_checks(weights=weights, results=results)
    width = max(len(check.name) for check in checks)
    lines = [f"{check.verdict:<8}{check.name:<{width}}  {check.detail}" for check in checks]
    emit({"checks": [asdict(check) for check in checks]}, "\n".join(lines), as_json=as_json)
    broken = [check.name for check in checks if check.verdict == "broken"]
    if broken:
        raise WorkFailedError(f"broken: {', '.join(broken)}")
