"""Options that several verbs share, so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ProtocolName = Annotated[str, typer.Option("--protocol", help="Protocol, as id@version (see `protocols list`).")]
DataRoot = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of the data set or of a prepared store [DGBENCH_DATA_<DATASET>]."),
]
Weights = Annotated[Path | None, typer.Option("--weights", help="Folder of network weights [DGBENCH_WEIGHTS].")]
JudgesName = Annotated[str, typer.Option("--judges", help="Which judges measure: embedded, open or standard.")]
RunOut = Annotated[Path, typer.Option("--out", help="The run folder: new, or one to go on with.")]
Wait = Annotated[
    float, typer.Option("--wait", min=0, help="Seconds to wait for another process that does the same now.")
]
