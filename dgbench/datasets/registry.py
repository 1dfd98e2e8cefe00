"""The readers by data-set name, found lazily so that naming one imports nothing else."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path

from dgbench.core.errors import MissingError, UsageError, did_you_mean
from dgbench.datasets.manifest import Manifest

Reader = Callable[[Path], Manifest]

#: Name → "module:function". A reader takes the root of a copy and returns its manifest.
READERS: dict[str, str] = {
    "frll": "dgbench.datasets.frll:read_frll",
    "rafd": "dgbench.datasets.rafd:read_rafd",
    "multipie": "dgbench.datasets.multipie:read_multipie",
    "voxceleb1": "dgbench.datasets.voxceleb:read_voxceleb1",
    "voxceleb2": "dgbench.datasets.voxceleb:read_voxceleb2",
    "synthface": "dgbench.synthface.sets.reader:read_synthface",
}

_HOW_TO_GET = {
    "frll": "figshare, doi 10.6084/m9.figshare.5047666 (CC BY 4.0)",
    "rafd": "the Radboud Faces Database, on request for academic research",
    "multipie": "CMU Multi-PIE, under a signed agreement",
    "voxceleb1": "the VoxCeleb project, on request",
    "voxceleb2": "the VoxCeleb project, on request",
    "synthface": "`dgbench data synth`",
}


def reader(name: str) -> Reader:
    """Return the reader of a data set.

    Raises:
        UsageError: no data set of that name.
    """
    if name not in READERS:
        raise UsageError(f"no data set '{name}' (known: {', '.join(READERS)}).{did_you_mean(name, list(READERS))}")
    module, function = READERS[name].split(":")
    found: Reader = getattr(importlib.import_module(module), function)
    return found


def data_root(dataset: str, given: Path | None) -> Path:
    """Return the folder of a data set: the one given, else ``DGBENCH_DATA_<DATASET>``.

    Raises:
        MissingError: no folder is named, or it does not exist.
    """
    variable = f"DGBENCH_DATA_{dataset.upper()}"
    path = given or (Path(os.environ[variable]) if os.environ.get(variable) else None)
    how = f"get it from {_HOW_TO_GET.get(dataset, 'its authors')}"
    if path is None:
        raise MissingError(f"data set '{dataset}' is needed: pass --data or set {variable}; {how}")
    if not path.is_dir():
        raise MissingError(f"{path}: no such folder, and data set '{dataset}' is needed; {how}")
    return path
