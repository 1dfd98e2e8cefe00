"""``dgbench data fetch-head``: get the morphable head that SynthFace renders, once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dgbench.cli.output import AsJson, emit
from dgbench.cli.progress import progress_bar


def fetch_head(
    source: Annotated[
        Path | None, typer.Option("--from", help="What DGBENCH_HEAD takes: ict_facekit.npz, or a copy of ICT-FaceKit.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Compact file to write [head/ict_facekit.npz in DGBENCH_CACHE].")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Download ICT-FaceKit light (MIT, 394 MB), check every file, and keep one compact file of 16 MB.

    An interrupted download goes on where it stopped. Without a network, copy the FaceXModel folder here and name it
    with --from.
    """
    from dgbench.synthface.head.download import fetch_head as fetch

    with progress_bar("fetch-head", quiet=as_json) as move:
        found = fetch(source=source, out=out, progress=move)
    text = f"{found.path}: head {found.digest[:16]}, {found.downloaded} files downloaded"
    emit({"path": str(found.path), "digest": found.digest, "downloaded": found.downloaded}, text, as_json=as_json)
