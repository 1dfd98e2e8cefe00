"""``dgbench methods list | check``: what runs here and what is missing, and whether a method keeps the contract."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dgbench.cli.output import AsJson, emit
from dgbench.core.errors import MissingError, WorkFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dgbench.methods.contract import Reenactor


def list_(*, as_json: AsJson = False) -> None:
    """List methods of this process and third-party baselines, with what is missing to run each here."""
    from dgbench.core.groups import group_of
    from dgbench.methods.baseline_card import baseline_names, find_setup, load_card
    from dgbench.methods.registry import NEED_CHECKPOINT, WARPS, method_names

    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "kind": ("without learning" if name in WARPS else "in process")
            if group_of(name) == "method"
            else group_of(name),
            "runnable": True,
            "missing": [],
            "needs_checkpoint": name in NEED_CHECKPOINT,
        }
        for name in method_names()
    ]
    for name in baseline_names():
        card = load_card(name)
        missing = list(find_setup(card).missing)
        rows.append(
            {
                "name": name,
                "kind": "isolated worker",
                "runnable": not missing,
                "missing": missing,
                "licence": card.licence,
                "commit": card.commit,
                "device": card.device,
                "weights_published": card.weights_published,
                "needs": list(card.needs),
            }
        )
    width = max(len(row["name"]) for row in rows)
    lines = []
    for row in rows:
        if row["kind"] != "isolated worker":
            state = "needs --checkpoint" if row["needs_checkpoint"] else "ready"
        elif row["runnable"]:
            state = "set up" + (" (CUDA GPU only)" if row["device"] == "cuda" else "")
        else:
            state = "missing " + ", ".join(part.split(" (")[0] for part in row["missing"])
            state += "" if row["weights_published"] else " (no weights were ever published)"
        lines.append(f"{row['name']:<{width}}  {row['kind']:<16}  {state}")
    lines.append("How to get what is missing: baselines/<name>/README.md, or `dgbench methods list --json`.")
    emit({"methods": rows}, "\n".join(lines), as_json=as_json)


def check(
    name: Annotated[
        str,
        typer.Argument(help="See `dgbench methods list`; or pkg.module:Class, ./file.py:Class."),
    ],
    *,
    checkpoint: Annotated[Path | None, typer.Option(help="Weights: a file, or a folder for some baselines.")] = None,
    repo: Annotated[Path | None, typer.Option(help="Checkout of a baseline.")] = None,
    python: Annotated[Path | None, typer.Option(help="Interpreter of a baseline's own environment.")] = None,
    size: Annotated[int, typer.Option(help="Side of the drawn test faces in pixels.", min=32, max=1024)] = 256,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:0, ...")] = "cpu",
    option: Annotated[list[str] | None, typer.Option(help="A baseline's option, NAME=VALUE; repeatable.")] = None,
    any_commit: Annotated[bool, typer.Option(help="Run another upstream commit than the verified one.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a method against the contract on drawn faces: pass or fail, item by item."""
    from dgbench.methods.baseline_card import baseline_names
    from dgbench.methods.conformance import check_method
    from dgbench.methods.contract import LoadContext
    from dgbench.methods.devices import check_device
    from dgbench.methods.registry import check_checkpoint

    check_device(device, here=name not in baseline_names())
    check_checkpoint(name, checkpoint)
    made: list[Reenactor] = []
    make = _maker(name, repo, python, checkpoint, option or [], any_commit=any_commit)

    def keep() -> Reenactor:
        made.append(make())
        return made[-1]

    context = LoadContext(size=size, device=device, checkpoint=checkpoint)
    try:
        items = check_method(keep, context, tolerance=0 if device == "cpu" else 1)
    finally:
        for method in made:
            close = getattr(method, "close", None)
            if close is not None:
                close()
    failed = [item.name for item in items if item.outcome == "fail"]
    rows = [{"item": item.name, "outcome": item.outcome, "detail": item.detail} for item in items]
    text = "\n".join(f"{item.outcome:<4}  {item.name:<26}  {item.detail}" for item in items)
    emit({"method": name, "ok": not failed, "items": rows}, text, as_json=as_json)
    if failed:
        raise WorkFailedError(f"{name}: {len(failed)} of {len(items)} checks failed ({', '.join(failed)})")


def _maker(
    name: str, repo: Path | None, python: Path | None, checkpoint: Path | None, options: list[str], *, any_commit: bool
) -> Callable[[], Reenactor]:
    """Return what makes a new, unloaded method of that name."""
    from dgbench.engine.run.methods import WorkerSetup, build_method, parse_options
    from dgbench.methods.baseline_card import baseline_names, find_setup, load_card, require_setup

    setup = WorkerSetup(repo=repo, python=python, options=parse_options(options), any_commit=any_commit)
    if name in baseline_names():
        card = load_card(name)
        try:
            require_setup(card, find_setup(card, repo=repo, python=python, checkpoint=checkpoint))
        except MissingError as error:
            raise MissingError(f"{error}; `dgbench methods list` shows what is here") from error
    return lambda: build_method(name, checkpoint=checkpoint, worker=setup)
