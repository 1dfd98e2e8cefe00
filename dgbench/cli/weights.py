"""``dgbench weights list``: which network files dgbench knows, which of them are here, and where the rest is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dgbench.cli.output import AsJson, emit


def list_(
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Folder of network weights [DGBENCH_WEIGHTS].")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List every weight file that the judges use: set, role, sha256, licence, and where it is or can be had."""
    from dgbench.core.errors import UsageError
    from dgbench.io.weights import weight_status

    if weights is not None and not weights.is_dir():
        raise UsageError(f"--weights {weights}: no such folder")
    rows = [weight_status(name, folder=weights) for name in _names()]
    lines = [
        f"{row['state']:8} {','.join(row['sets']):9} {row['role']:10} {row['name']}  "
        + (row["path"] or f"sha256 {row['sha256']}  {row['url']}")
        for row in rows
    ]
    emit({"weights": rows}, "\n".join(lines), as_json=as_json)


def _names() -> list[str]:
    from dgbench.io.weights import known_weights

    return [row.name for row in known_weights()]
