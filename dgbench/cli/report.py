"""``dgbench report``: the static site of a results folder, with images where run folders are given."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dgbench.cli.output import AsJson, emit

if TYPE_CHECKING:
    from dgbench.core.face import Image
    from dgbench.engine.data import OpenData
    from dgbench.report.images import InputImages, Role

_LOG = logging.getLogger(__name__)


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
    from dgbench.protocols.registry import protocols_root
    from dgbench.report.site import Options, build_report

    folder = runs or (results if any(results.glob("**/run.json")) else None)
    options = Options(
        runs=folder,
        protocols_root=protocols_root(),
        inputs=_Inputs(folder, data) if folder else None,
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


class _Inputs:
    """Opens the data behind a protocol as its runs did; where it is gone the report goes on without inputs."""

    def __init__(self, runs: Path, data: Path | None) -> None:
        self._runs, self._data = runs, data

    def __call__(self, name: str) -> InputImages | None:
        """Return the input images of protocol ``id@version``, ``None`` where the data is not here."""
        from dgbench.core.errors import MissingError, UsageError
        from dgbench.engine.data import open_data
        from dgbench.protocols.registry import load_protocol

        try:
            return _OpenInputs(open_data(load_protocol(name), self._data or self._root_of(name)))
        except (MissingError, UsageError) as error:
            _LOG.warning("%s: shown without source, reference and target images: %s", name, error)
            return None

    def _root_of(self, name: str) -> Path | None:
        """The data folder that the first run of the protocol names."""
        from dgbench.engine.plan import RUN_FILE, RunFolder, read_plan

        for file in sorted(self._runs.glob(f"**/{RUN_FILE}")):
            plan = read_plan(RunFolder(file.parent))
            if plan.protocol == name and plan.data:
                return Path(plan.data)
        return None


class _OpenInputs:
    """The images of opened data, by pair and role."""

    def __init__(self, opened: OpenData) -> None:
        self._source = opened.source
        self._pairs = {pair.pair_id: pair for pair in opened.pairs}

    def image(self, pair_id: str, role: Role) -> Image | None:
        """Return one image, ``None`` where the pair has none or it cannot be read."""
        from dgbench.io.images import ImageError

        pair = self._pairs.get(pair_id)
        key = {"source": pair.source, "reference": pair.reference, "target": pair.target}[role] if pair else None
        if key is None:
            return None
        try:
            return self._source.image(key)
        except ImageError as error:
            _LOG.warning("%s: %s", key, error)
            return None
