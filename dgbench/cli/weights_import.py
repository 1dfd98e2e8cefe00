"""``dgbench weights import-official``: the authors' released checkpoints become a checkpoint folder of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dgbench.cli.output import AsJson, emit


def import_official(
    files: Annotated[list[Path], typer.Argument(help="Official *_nets_ema.ckpt files: IDSG, RFG, or both.")],
    out: Annotated[Path, typer.Option(help="Checkpoint folder to write (for `dgbench run --checkpoint`).")],
    map_value: Annotated[
        float,
        typer.Option(help="Brightness of map lines: 1 as in training, 0.00392157 (1/255) as in the released demo."),
    ] = 1.0,
    second_head: Annotated[bool, typer.Option(help="Keep the generator's unused four-channel head.")] = False,
    trained_on: Annotated[
        list[str] | None,
        typer.Option("--trained-on", help="Data set that the files were trained on; may be repeated. [VoxCeleb1]"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import official DG weights: read safely, check every key and shape, write safetensors."""
    from dgbench.core.errors import UsageError
    from dgbench.models.dg.official.convert import TRAINED_ON
    from dgbench.models.dg.official.convert import import_official as run

    if not 0 < map_value <= 1:
        raise UsageError(f"--map-value {map_value}: must be above 0 and at most 1")
    report = run(files, out, map_value=map_value, second_head=second_head, trained_on=trained_on or TRAINED_ON)
    missing = [part for part in ("idsg", "rfg") if part not in report.parts]
    data = {
        "folder": str(report.folder),
        "parts": list(report.parts),
        "missing": missing,
        "weights_sha256": report.weights_sha256,
        "files": {kind: dict(note) for kind, note in report.files.items()},
        "training_data": list(report.training_data),
        "size": report.config.size,
        "rfg": report.config.rfg.model_dump(mode="json"),
        "idsg": report.config.idsg.model_dump(mode="json"),
    }
    lines = [f"{kind}: {note['file']} ({note['sha256'][:12]}…)" for kind, note in sorted(report.files.items())]
    lines.append(f"trained on: {', '.join(report.training_data)}; runs and fine-tuned models declare it")
    if missing:
        lines.append(f"still missing: {', '.join(missing)}; import it into the same folder before reenacting")
    emit(data, "\n".join([*lines, f"written to {out}"]), as_json=as_json)
