"""The pose table of a copy: estimated head poses by key, made by `dgbench data prepare` and joined by the reader."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd

from dgbench.core.digests import digest
from dgbench.core.errors import UsageError
from dgbench.io.atomic import write_bytes
from dgbench.io.cache import cache_folder

#: A table of this name in the root of the copy is used before the cached one.
FILE = "dgbench-poses.csv"
COLUMNS = ("key", "yaw", "pitch", "roll", "pose_source")


def pose_file(root: Path) -> Path:
    """Return the pose table of a copy: ``ROOT/dgbench-poses.csv``, else the one in dgbench's cache."""
    inside = root / FILE
    return inside if inside.is_file() else cache_folder() / "poses" / f"{digest(str(root.resolve()))[:24]}.csv"


def write_poses(path: Path, table: pd.DataFrame) -> None:
    """Write a pose table (columns :data:`COLUMNS`, degrees, NaN where no face was found), sorted by key."""
    ordered = table[list(COLUMNS)].sort_values("key", kind="stable")
    text = io.StringIO()
    ordered.to_csv(text, index=False, lineterminator="\n", float_format="%.4f")
    write_bytes(path, text.getvalue().encode())


def read_poses(path: Path) -> pd.DataFrame | None:
    """Read a pose table, or return ``None`` where there is none.

    Raises:
        UsageError: the file is no pose table, or a key is repeated.
    """
    if not path.is_file():
        return None
    try:
        text = {"key": "object", "pose_source": "object"}
        table = pd.read_csv(path, dtype=text, keep_default_na=False, na_values={"yaw": "", "pitch": "", "roll": ""})
        if tuple(table.columns) != COLUMNS:
            raise ValueError(f"columns must be {','.join(COLUMNS)}")
        if table["key"].duplicated().any():
            raise ValueError("a key is repeated")
        return table.astype({"yaw": "float64", "pitch": "float64", "roll": "float64"})
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not a pose table ({' '.join(str(error).split())[:120]}); remove it") from error


def join_poses(frames: pd.DataFrame, poses: pd.DataFrame) -> pd.DataFrame:
    """Return the frames with yaw, pitch, roll and pose_source filled in by key."""
    place = {key: row for row, key in enumerate(poses["key"])}
    rows = np.array([place.get(key, -1) for key in frames["key"]], dtype=np.int64)
    joined = frames.copy(deep=False)
    for name in ("yaw", "pitch", "roll"):
        values = np.append(poses[name].to_numpy(np.float64), np.nan)
        joined[name] = values[rows]
    sources = np.array([*poses["pose_source"], None], dtype=object)
    joined["pose_source"] = pd.Series(sources[rows], dtype="object")
    return joined
