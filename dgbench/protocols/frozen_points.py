"""Points shipped with a protocol, so that everyone crops alike without a detector: five per image, as shares."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import UsageError
from dgbench.io.atomic import write_bytes

FILE = "landmarks.csv.gz"
_HEADER = ("key", *(f"{axis}{i}" for i in range(5) for axis in "xy"))


def write_points(path: Path, points: Mapping[str, NDArray]) -> str:
    """Write key → (5, 2) shares of width and height, six decimals; returns the sha256 of the uncompressed bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADER)
    for key in sorted(points, key=str.encode):
        writer.writerow([key, *(f"{value:.6f}" for value in np.asarray(points[key]).ravel())])
    data = text.getvalue().encode()
    write_bytes(path, gzip.compress(data, mtime=0))
    return sha256_bytes(data)


def read_points(path: Path, *, sha256: str) -> dict[str, NDArray[np.float64]]:
    """Read frozen points.

    Raises:
        UsageError: the file is missing, damaged, or not the one that ``sha256`` names.
    """
    try:
        with gzip.open(path, "rb") as handle:
            data = handle.read(1 << 28)
        if sha256_bytes(data) != sha256:
            raise UsageError(f"{path}: frozen landmarks are not the released ones (their digest differs)")
        rows = list(csv.reader(io.StringIO(data.decode("utf-8")), strict=True))
        if tuple(rows[0]) != _HEADER:
            raise ValueError("other columns")
        return {row[0]: np.array(row[1:], dtype=np.float64).reshape(5, 2) for row in rows[1:]}
    except (OSError, EOFError, ValueError, IndexError, csv.Error, zlib.error) as error:
        raise UsageError(f"{path}: frozen landmarks cannot be read ({error})") from error
