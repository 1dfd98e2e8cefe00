"""A manifest on disk: Parquet or CSV, the same content for the same copy, with ids kept as text."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd

from dgbench.core.errors import UsageError
from dgbench.datasets.manifest import COLUMNS, Manifest
from dgbench.io.atomic import write_bytes
from dgbench.io.parquet import read_frame

SUFFIXES = (".parquet", ".csv")


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write the frames table.

    Raises:
        UsageError: another suffix than .parquet or .csv.
    """
    buffer = io.BytesIO()
    if path.suffix.lower() == ".parquet":
        manifest.frames.to_parquet(buffer, index=False)
    elif path.suffix.lower() == ".csv":
        manifest.frames.to_csv(buffer, index=False, lineterminator="\n")
    else:
        raise UsageError(f"{path}: a manifest ends in {' or '.join(SUFFIXES)}")
    write_bytes(path, buffer.getvalue())


def read_frames(path: Path) -> pd.DataFrame:
    """Read a frames table back, with the dtypes of the manifest: ``01`` and ``090`` keep their zeros.

    Raises:
        UsageError: not a manifest.
    """
    try:
        if path.suffix.lower() == ".parquet":
            table = read_frame(path)
        else:
            table = pd.read_csv(path, dtype="object", keep_default_na=False, na_values=[""])
        if list(table.columns) != list(COLUMNS):
            raise ValueError("other columns")
        return pd.DataFrame({name: _column(table[name], dtype) for name, dtype in COLUMNS.items()})
    except (OSError, ValueError, TypeError, OverflowError) as error:
        raise UsageError(f"{path}: not a manifest ({' '.join(str(error).split())[:120]})") from error


def _column(values: pd.Series, dtype: str) -> pd.Series:
    if dtype == "object":
        plain = values.astype("object")
        return plain.where(plain.notna(), None)
    if dtype == "boolean":
        return values.map({"True": True, "False": False, True: True, False: False}).astype("boolean")
    if dtype == "Int64":
        return pd.to_numeric(values).astype("Int64")
    return pd.to_numeric(values).astype("float64")
