"""``dgbench weights list | fetch``: which network files dgbench knows, which are here, and getting the others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dgbench.cli.output import AsJson, emit
from dgbench.core.errors import UsageError


def list_(
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Folder of network weights [DGBENCH_WEIGHTS].")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List every weight file that the judges use: set, role, sha256, licence, and where it is or can be had."""
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


def fetch(
    what: Annotated[
        list[str], typer.Argument(metavar="open|standard|inception|NAME...", help="A judge set, or single files.")
    ],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Folder of weights [weights/ in DGBENCH_CACHE].")
    ] = None,
    accept: Annotated[
        bool, typer.Option("--accept-licence", help="Accept licences that forbid some uses, without being asked.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Download network weights: resumed where they stopped, checked by sha256, named as the judges expect.

    Each file's licence is printed; where it forbids some uses, you are asked first. Files that are here already are
    left alone. The embedded judges ship in the package and need nothing.
    """
    import sys

    from dgbench.cli.progress import progress_bar
    from dgbench.io.weights import cache_folder, download_weight, named_weights, weight_status

    folder = to or cache_folder()
    rows = list(dict.fromkeys(row for name in what for row in named_weights(name)))
    states = {row.name: weight_status(row.name, folder=to) for row in rows}
    todo = [row for row in rows if states[row.name]["state"] != "here"]
    lines = [f"here     {row.name}: {states[row.name]['path']}" for row in rows if row not in todo]
    for licence in dict.fromkeys(row.licence for row in todo):
        names = ", ".join(row.name for row in todo if row.licence == licence)
        print(f"licence of {names}: {licence}", file=sys.stderr)
    if (bound := [row for row in todo if not row.free]) and not accept:
        if not sys.stdin.isatty():
            raise UsageError(f"{bound[0].name}: {bound[0].licence}; read the licence and pass --accept-licence")
        if not typer.confirm("Do you accept these licences?", err=True):
            raise UsageError(f"{bound[0].name} was not downloaded: its licence was not accepted")
    done = []
    for row in todo:
        with progress_bar(row.name, quiet=as_json) as move:
            path = download_weight(row, folder, progress=move)
        done.append({"name": row.name, "path": str(path), "licence": row.licence})
        lines.append(f"fetched  {row.name}: {path}")
    emit({"here": [row.name for row in rows if row not in todo], "fetched": done}, "\n".join(lines), as_json=as_json)


def _names() -> list[str]:
    from dgbench.io.weights import known_weights

    return [row.name for row in known_weights()]
