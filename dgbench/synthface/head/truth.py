"""The exact truth beside a tree: one npz without pickles per unit of work, which also marks the unit as done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import sha256_file
from dgbench.core.errors import UsageError
from dgbench.core.face import Landmarks, Pose
from dgbench.io.arrays import DAMAGED_ARRAYS
from dgbench.io.atomic import atomic_writer

#: Where a tree keeps what the real set does not have.
EXTRAS = "synthface"


@dataclass(frozen=True)
class UnitTruth:
    """What is known of N images of one unit.

    Attributes:
        keys: manifest keys.
        points: float32 (N, 68, 3) in pixels of the written image.
        visibility: float32 (N, 68), 0..1.
        poses: float64 (N, 3), yaw, pitch, roll in degrees.
        files: path relative to the tree's root → sha256.
    """

    keys: tuple[str, ...]
    points: NDArray[np.float32]
    visibility: NDArray[np.float32]
    poses: NDArray[np.float64]
    files: Mapping[str, str]

    def landmarks(self, row: int) -> Landmarks:
        """Return the landmarks of image ``row``."""
        return Landmarks(self.points[row], self.visibility[row], "truth")

    def pose(self, row: int) -> Pose:
        """Return the pose of image ``row``."""
        yaw, pitch, roll = self.poses[row]
        return Pose(float(yaw), float(pitch), float(roll))


def truth_path(root: Path, unit: str) -> Path:
    """Return where a unit's truth lies."""
    return root / EXTRAS / "truth" / f"{unit}.npz"


def write_truth(
    path: Path,
    *,
    keys: Sequence[str],
    landmarks: Sequence[Landmarks],
    poses: Sequence[Pose],
    files: Mapping[str, str],
) -> None:
    """Write a unit's truth; the unit counts as done from here on."""
    with atomic_writer(path) as handle:
        np.savez_compressed(
            handle,
            keys=np.array(keys, dtype=np.str_),
            points=np.stack([one.points for one in landmarks]),
            visibility=np.stack([one.visibility for one in landmarks]),
            poses=np.array(poses, dtype=np.float64).reshape(len(keys), 3),
            files=np.array(sorted(files), dtype=np.str_),
            sha256=np.array([files[name] for name in sorted(files)], dtype=np.str_),
        )


def read_truth(path: Path) -> UnitTruth:
    """Read a unit's truth.

    Raises:
        UsageError: missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return UnitTruth(
                keys=tuple(stored["keys"].tolist()),
                points=stored["points"],
                visibility=stored["visibility"],
                poses=stored["poses"],
                files=dict(zip(stored["files"].tolist(), stored["sha256"].tolist(), strict=True)),
            )
    except DAMAGED_ARRAYS as error:
        raise UsageError(f"{path}: truth cannot be read ({error}); run `dgbench data synth` again") from error


def finished_unit(root: Path, unit: str) -> UnitTruth | None:
    """Return a unit's truth when it and every file that it names are whole, else ``None``."""
    path = truth_path(root, unit)
    if not path.is_file():
        return None
    try:
        truth = read_truth(path)
    except UsageError:
        return None  # damaged: the unit is made again
    for name, digest in truth.files.items():
        file = root / name
        if not file.is_file() or sha256_file(file) != digest:
            return None
    return truth
