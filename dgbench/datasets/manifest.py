"""The manifest: one row per image or frame of a user's copy of a data set, in one schema for every set."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pandas as pd

#: Column → pandas dtype. Ids are strings, so that ``01`` and ``090`` keep their zeros; text uses object with None.
COLUMNS: dict[str, str] = {
    "key": "object",  # unique and stable: the name by which pairs refer to this image
    "dataset": "object",
    "variant": "object",
    "subject": "object",
    "subject_group": "object",
    "sex": "object",
    "session": "Int64",
    "recording": "Int64",
    "video": "object",
    "clip": "object",
    "frame": "Int64",  # 0-based position in this extraction
    "source_frame": "Int64",  # 25 fps index in the original video, where known
    "expression": "object",
    "expression_raw": "object",
    "gaze": "object",
    "camera": "object",
    "yaw_nominal": "float64",  # degrees, + = nose to image-right
    "yaw": "float64",
    "pitch": "float64",
    "roll": "float64",
    "pose_source": "object",
    "elevated": "boolean",
    "illumination": "Int64",
    "flash": "boolean",
    "path": "object",  # relative to the root, '/' separators
    "container": "object",  # image, video, strip, lmdb
    "width": "Int64",
    "height": "Int64",
    "box_x0": "float64",
    "box_y0": "float64",
    "box_x1": "float64",
    "box_y1": "float64",
    "box_space": "object",
    "split_official": "object",
    "sha256": "object",
}


@dataclass(frozen=True)
class Manifest:
    """A data set as found under one root.

    Attributes:
        dataset: the reader's name (``frll``, ``rafd``, …).
        root: the folder that ``path`` is relative to.
        frames: one row per image, columns :data:`COLUMNS`, sorted bytewise by ``key``, keys unique.
        expected: what a complete copy holds, by thing (``people``, ``images``, …).
        found: what this copy holds, by the same things.
        skipped: reason → the paths left out for it (relative to the root).
    """

    dataset: str
    root: Path
    frames: pd.DataFrame
    expected: dict[str, int] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, list[str]] = field(default_factory=dict)


def make_frames(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Build the frames table: absent columns filled, dtypes set, rows sorted bytewise by key.

    Raises:
        ValueError: an unknown column, or a key that is repeated.
    """
    unknown = sorted({name for row in rows for name in row} - COLUMNS.keys())
    if unknown:
        raise ValueError(f"not manifest columns: {', '.join(unknown)}")
    rows = sorted(rows, key=lambda row: str(row["key"]).encode())
    frame = pd.DataFrame(
        {name: pd.Series([row.get(name) for row in rows], dtype=cast(Any, dtype)) for name, dtype in COLUMNS.items()}
    )
    twice = frame["key"][frame["key"].duplicated()]
    if len(twice):
        raise ValueError(f"key {twice.iloc[0]!r} stands {int((frame['key'] == twice.iloc[0]).sum())} times")
    return frame
