"""``dgbench report``: the static site of a results folder, with images where run folders are given."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dgbench.cli.output import AsJson, emit


def report(
    results: Annotated[Path, typer.Argument(help="A results folder, or a folder of run folders.")],
    out: Annotated[Path, typer.Option(help="Folder of the site: new, empty, or an earlier report.")],
    runs: Annotated[
        Path | None, typer.Option(help="Folder of run folders with images; default: RESULTS, if it holds runs.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="The data, for source, reference and target images, if it has moved.")
    ] = None,
    licensed_images: Annotated[
        bool, typer.Option("--licensed-images", help="Show images that their licence does not let you pass on.")
    ] = False,
    figures: Annotated[bool, typer.Option(help="Also write figures (PDF, PNG) and LaTeX tables.")] = True,
    image_size: Annotated[int, typer.Option(min=32, max=512, help="Side of a thumbnail in pixels.")] = 128,
    image_megabytes: Annotated[int, typer.Option(min=0, max=10_000, help="Thumbnails stop at this many MB.")] = 12,
    as_json: AsJson = False,
) -> None:
    """Write a static site of every record under RESULTS; open OUT/index.html in a browser."""
    from dgbench.engine.inputs import ProtocolInputs
    from dgbench.protocols.registry import protocols_root
    from dgbench.report.site import Options, build_report
    from dgbench.results.records.rules import Rules

    beside = results.resolve().parent / "protocols"
    folder = runs or (results if any(results.glob("**/run.json")) else None)
    options = Options(
        runs=folder,
        protocols_root=protocols_root(),
        rules=Rules(beside if beside.is_dir() else protocols_root()),
        inputs=ProtocolInputs(folder, data) if folder else None,
        licensed_images=licensed_images,
        figures=figures,
        image_size=image_size,
        image_budget=image_megabytes * 1_000_000,
    )
    files = build_report(results, out, options=options)
    size = sum(file.stat().st_size for file in files)
    index = str(out / "index.html")
    text = f"{index}: {len(files)} files, {size / 1e6:.1f} MB"
    emit({"index": index, "files": len(files), "bytes": size}, text, as_json=as_json)
