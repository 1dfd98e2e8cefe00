"""The data sets by name, each imported only when it is asked for."""

from __future__ import annotations

import os
import re
from pathlib import Path

from dgbench.core.errors import MissingError, UsageError
from dgbench.core.registry import Registry
from dgbench.datasets.dataset import Dataset, Reader

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

_BUILT_IN: dict[str, str] = {
    "frll": "dgbench.datasets.frll:FRLL",
    "rafd": "dgbench.datasets.rafd:RAFD",
    "multipie": "dgbench.datasets.multipie:MULTIPIE",
    "voxceleb1": "dgbench.datasets.voxceleb:VOXCELEB1",
    "voxceleb2": "dgbench.datasets.voxceleb:VOXCELEB2",
    "synthface": "dgbench.synthface.sets.reader:SYNTHFACE",
    "synthface-mini": "dgbench.synthface.sets.reader:SYNTHFACE_MINI",
}


def register(dataset: Dataset) -> Dataset:
    """Make a data set known under its name in this process.

    Raises:
        UsageError: the name is taken, or it is no data set.
    """
    return DATASETS.register(dataset, name=getattr(dataset, "name", str(dataset)))


def reader(name: str) -> Reader:
    """Return the reader of a data set.

    Raises:
        UsageError: no data set of that name.
    """
    return DATASETS.get(name).read


def data_root(name: str, given: Path | None) -> Path:
    """Return the folder of a data set: the one given, else ``DGBENCH_DATA_<DATASET>``.

    Raises:
        MissingError: no folder is named, or it does not exist.
    """
    dataset = DATASETS.get(name)
    variable = dataset.variable
    path = given or (Path(os.environ[variable]) if os.environ.get(variable) else None)
    how = f"get it from {dataset.how_to_get}"
    if path is None:
        raise MissingError(f"data set '{dataset.name}' is needed: pass --data or set {variable}; {how}")
    if not path.is_dir():
        raise MissingError(f"{path}: no such folder, and data set '{dataset.name}' is needed; {how}")
    return path


def _check(candidate: object, name: str) -> Dataset:
    if not isinstance(candidate, Dataset):
        raise UsageError(f"data set '{name}' is not a dgbench.Dataset")
    if not _NAME.fullmatch(candidate.name):
        raise UsageError(f"data set name '{candidate.name}' must be lower-case letters, digits, '-'")
    return candidate


DATASETS: Registry[Dataset] = Registry(
    "data set", built_in=_BUILT_IN, group="dgbench.datasets", check=_check, name_of=lambda dataset: dataset.name
)
