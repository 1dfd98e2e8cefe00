"""``dgbench data synth``: SynthFace trees in the layouts of the data sets that they stand in for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from dgbench.cli.output import AsJson, emit
from dgbench.core.errors import UsageError


def synth(
    layout: Annotated[str, typer.Argument(help="rafd, multipie, voxceleb1, voxceleb2 or frll.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the tree; an unfinished one is continued.")],
    identities: Annotated[int | None, typer.Option("--identities", help="How many people, spread evenly; all.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed is another world of people.")] = 0,
    size: Annotated[int | None, typer.Option("--size", help="Longer side in pixels, 64 to 512.")] = None,
    subset: Annotated[
        list[str] | None, typer.Option("--subset", help="Keep some values of a field, as camera=045,090; repeatable.")
    ] = None,
    frames: Annotated[int | None, typer.Option("--frames", help="At most this many frames of a clip.")] = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Processes; by default one per core.")] = None,
    head: Annotated[Path | None, typer.Option("--head", help="The head's npz or FaceXModel folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """Render a SynthFace tree in a data set's own layout, with exact landmarks, visibility and pose beside it."""
    from dgbench.synthface.head.load import load_head
    from dgbench.synthface.sets.layouts import LAYOUTS, Selection
    from dgbench.synthface.sets.layouts import layout as find_layout
    from dgbench.synthface.sets.tree import TreePlan, write_tree

    find_layout(layout)
    if frames is not None and frames < 1:
        raise UsageError(f"--frames must be at least 1, got {frames}")
    selection = Selection(identities=identities, only=_fields(subset or []), frames=frames)
    plan = TreePlan(layout, seed, LAYOUTS[layout].default_size if size is None else size, selection)
    plan.check()
    count = workers if workers is not None else len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    report = write_tree(plan, out, load_head(head), workers=count)
    text = (
        f"{out}: {report.images} images of {report.people} people in {report.files} files "
        f"({report.units} units, {report.kept} of them were there already)"
    )
    data = {name: getattr(report, name) for name in ("people", "images", "files", "units", "kept")}
    emit({"out": str(out), "layout": layout, **data}, text, as_json=as_json)


def _fields(subset: list[str]) -> dict[str, frozenset[str]]:
    """Return field → values of ``camera=045,090`` words; a field may be given twice."""
    only: dict[str, frozenset[str]] = {}
    for word in subset:
        name, equals, values = word.partition("=")
        chosen = frozenset(value for value in values.split(",") if value)
        if not equals or not name or not chosen:
            raise UsageError(f"--subset {word!r}: write field=value or field=value,value (for example camera=090)")
        only[name] = only.get(name, frozenset()) | chosen
    return only
