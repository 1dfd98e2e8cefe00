"""``dgbench data sheets``: contact sheets of SynthFace, to see what it looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dgbench.cli.output import AsJson, emit
from dgbench.cli.progress import progress_bar


def sheets(
    out: Annotated[Path, typer.Option("--out", help="Folder for the PNG files.")] = Path("docs/synthface"),
    head: Annotated[Path | None, typer.Option("--head", help="The head's npz or FaceXModel folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """Render contact sheets: 24 people, 13 views, expressions, 20 lights, landmarks with visibility."""
    from dgbench.synthface.head.load import load_head
    from dgbench.synthface.sets.contact_sheet import SHEETS, write_sheets

    with progress_bar("sheets", quiet=as_json) as move:
        written = write_sheets(load_head(head), out, progress=move)
    text = "\n".join(f"{path}: {SHEETS[path.stem]}" for path in written)
    emit({"files": [str(path) for path in written]}, text, as_json=as_json)
