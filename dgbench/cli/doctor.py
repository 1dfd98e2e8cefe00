"""``dgbench doctor``: what is here, what is missing, what is broken; ``dgbench doctor judges``: do the judges agree."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer

from dgbench.cli.options import DataRoot, Weights
from dgbench.cli.output import AsJson, emit


def doctor(
    what: Annotated[
        str | None, typer.Argument(help="'judges': compare judge sets on many methods. Nothing: the checks.")
    ] = None,
    weights: Weights = None,
    results: Annotated[Path | None, typer.Option("--results", help="Results folder to test.")] = None,
    protocol: Annotated[
        str, typer.Option("--protocol", help="judges: protocol of cross pairs.")
    ] = "synthface-mini-cross",
    judges: Annotated[
        list[str] | None, typer.Option("--judges", help="judges: a set to compare (repeat; default embedded, open).")
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option("--method", help="judges: a built-in method (repeat; default 14 of them).")
    ] = None,
    run: Annotated[
        list[Path] | None, typer.Option("--run", help="judges: a run folder of another method (repeat).")
    ] = None,
    every: Annotated[int, typer.Option("--every", min=1, help="judges: take each N-th pair.")] = 4,
    data: DataRoot = None,
    out: Annotated[Path | None, typer.Option("--out", help="judges: write what was found as JSON.")] = None,
    page: Annotated[
        Path | None, typer.Option("--page", help="judges: Markdown page whose table between markers is replaced.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check packages, devices, judges, weights by digest, the golden vectors of every metric, video, protocols, disk.

    The output is made to be pasted into a bug report.

    `doctor judges` shows the same images of many methods to two or more judge sets and prints how far they agree:
    rank correlation over images and over methods, equal error rates by yaw, retrieval.

    Exit code 1 where something is broken; missing things are needed by some work only and leave it 0.
    """
    if what == "judges":
        _judges(protocol, judges, method, run, every, data, weights, out, page, as_json=as_json)
        return
    from dgbench.core.errors import UsageError, WorkFailedError
    from dgbench.doctor.checks import run_checks

    if what is not None:
        raise UsageError(f"doctor {what}: give 'judges', or nothing for the checks")
    checks = run_checks(weights=weights, results=results)
    width = max(len(check.name) for check in checks)
    lines = [f"{check.verdict:<8}{check.name:<{width}}  {check.detail}" for check in checks]
    emit({"checks": [asdict(check) for check in checks]}, "\n".join(lines), as_json=as_json)
    broken = [check.name for check in checks if check.verdict == "broken"]
    if broken:
        raise WorkFailedError(f"broken: {', '.join(broken)}")


def _judges(
    protocol: str,
    judges: list[str] | None,
    method: list[str] | None,
    run: list[Path] | None,
    every: int,
    data: Path | None,
    weights: Path | None,
    out: Path | None,
    page: Path | None,
    *,
    as_json: bool,
) -> None:
    from dgbench.doctor.judges import METHODS, compare_judges
    from dgbench.doctor.judges_table import markdown, plain, put_into, write_found
    from dgbench.protocols.registry import load_protocol

    found: dict[str, Any] = compare_judges(
        load_protocol(protocol),
        cast(list[Literal["embedded", "open", "standard"]], judges or ["embedded", "open"]),
        methods=method or METHODS,
        runs={folder.name: folder for folder in run or []},
        data=data,
        weights=weights,
        every=every,
        progress=None if as_json else lambda text: typer.echo(f"  {text}", err=True),
    )
    if out is not None:
        write_found(found, out)
    if page is not None:
        put_into(page, found)
    emit(plain(found), markdown(found), as_json=as_json)
