"""The quickstart: sanity baselines and the shipped Dual-Generator on a mini protocol, scored, ranked and shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dgbench.engine.inputs import ProtocolInputs
from dgbench.engine.run.methods import default_checkpoint
from dgbench.engine.suite.file import Cell, Suite, SuiteMethod
from dgbench.engine.suite.runner import Outcome, run_suite
from dgbench.protocols.registry import protocols_root
from dgbench.report.site import Options, build_report

PROTOCOLS = ("synthface-mini-self@1", "synthface-mini-cross@2", "synthface-mini-largepose@2")

#: The sanity baselines that take a second each.
QUICK = ("copy-source", "copy-reference", "target", "blurred-target", "shuffled", "black")


@dataclass(frozen=True)
class Quickstart:
    """What the quickstart left behind."""

    outcomes: list[Outcome]
    leaderboard: Path
    report: Path


def quickstart(out: Path, *, full: bool = False, announce: Callable[[Cell], None] | None = None) -> Quickstart:
    """Run what needs no data set and no download, and leave a leaderboard and a site under ``out``.

    Args:
        out: the folder.
        full: all mini protocols; else the first one, which shows the same things.
        announce: called with each run before it begins.

    Raises:
        UsageError: ``out`` holds something else. WorkFailedError: interrupted; the same call goes on.
    """
    methods = [SuiteMethod(name=name) for name in QUICK]
    checkpoint = default_checkpoint("dg")
    if checkpoint is not None:
        methods.append(SuiteMethod(name="dg", checkpoint=checkpoint))
    suite = Suite(
        name="quickstart",
        protocols=PROTOCOLS if full else PROTOCOLS[:1],
        methods=tuple(methods),
        runs=out / "runs",
        results=out / "results",
    )
    outcomes, _ = run_suite(suite, announce=announce)
    options = Options(
        runs=suite.runs, protocols_root=protocols_root(), inputs=ProtocolInputs(suite.runs), figures=False
    )
    build_report(suite.results, out / "report", options=options)
    return Quickstart(
        outcomes=outcomes,
        leaderboard=suite.results / "leaderboards" / "README.md",
        report=out / "report" / "index.html",
    )
