"""What preparation knows of one image, and the part files that keep it on disk while the work goes on."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Landmarks, Pose
from dgbench.io.arrays import DAMAGED_ARRAYS
from dgbench.io.atomic import write_bytes
from dgbench.preprocess.store import StoredImage

#: ``failure`` of an image whose face was not found by the detector and for which the fallback is still to be tried.
PENDING = "pending"


@dataclass(frozen=True)
class Prepared:
    """One image.

    Attributes:
        key: manifest key.
        failure: "" where the image was written, :data:`PENDING`, or "kind: message".
        file: where the cropped image lies in the store, or "".
        sha256: of that file's bytes, or "".
        origin: what decided the crop: the detector's name, ``mirrored``, ``frozen``, ``camera-median``, ``as-stored``.
        shape: height and width of the image as read.
        matrix: (2, 3) image pixels → frame; zeros where there is no image.
        points5: (5, 2) in image pixels, or ``None``.
        pose: estimated head pose, or ``None``.
        landmarks: in the frame's pixels, or ``None``.
    """

    key: str
    failure: str = ""
    file: str = ""
    sha256: str = ""
    origin: str = "none"
    shape: tuple[int, int] = (0, 0)
    matrix: NDArray[np.float64] | None = None
    points5: NDArray[np.float64] | None = None
    pose: Pose | None = None
    landmarks: Landmarks | None = None

    def failed(self, kind: str, message: str) -> Prepared:
        """Return this row as a failure."""
        return replace(self, failure=f"{kind}: {' '.join(message.split())}", file="", sha256="", landmarks=None)

    def stored(self) -> StoredImage:
        """Return the row of the store."""
        matrix = np.zeros((2, 3)) if self.matrix is None else self.matrix
        return StoredImage(
            self.key, self.file, self.sha256, self.origin, self.failure, matrix, self.landmarks, self.shape
        )


def save_part(path: Path, rows: Sequence[Prepared]) -> None:
    """Write finished rows as one npz, atomically; floats are kept bit by bit, so a resumed store has the same bytes."""
    text = [[row.key, row.failure, row.file, row.sha256, row.origin, _origin(row)] for row in rows]
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        text=np.array(text, dtype=np.str_).reshape(len(rows), 6),
        shape=np.array([row.shape for row in rows], dtype=np.int64).reshape(len(rows), 2),
        matrix=np.stack([_or_nan(row.matrix, (2, 3)) for row in rows]),
        points5=np.stack([_or_nan(row.points5, (5, 2)) for row in rows]),
        pose=np.stack([_or_nan(None if row.pose is None else np.array(row.pose), (3,)) for row in rows]),
        points=np.stack([_or_nan(row.landmarks.points if row.landmarks else None, (68, 3)) for row in rows]).astype(
            np.float32
        ),
        seen=np.stack([_or_nan(row.landmarks.visibility if row.landmarks else None, (68,)) for row in rows]).astype(
            np.float32
        ),
    )
    write_bytes(path, buffer.getvalue())


def load_part(path: Path) -> list[Prepared] | None:
    """Read rows back, or return ``None`` where the file is absent or damaged (then the part is made again)."""
    try:
        with np.load(path, allow_pickle=False) as part:
            arrays = {name: part[name] for name in part.files}
        rows = []
        for i, (key, failure, file, sha256, origin, found_by) in enumerate(arrays["text"].tolist()):
            has = np.isfinite(arrays["points"][i]).all()
            pose = arrays["pose"][i]
            rows.append(
                Prepared(
                    key,
                    failure,
                    file,
                    sha256,
                    origin,
                    (int(arrays["shape"][i, 0]), int(arrays["shape"][i, 1])),
                    _or_none(arrays["matrix"][i]),
                    _or_none(arrays["points5"][i]),
                    Pose(*map(float, pose)) if np.isfinite(pose).all() else None,
                    Landmarks(arrays["points"][i], arrays["seen"][i], found_by) if has else None,
                )
            )
        return rows
    except DAMAGED_ARRAYS:
        return None


def _origin(row: Prepared) -> str:
    return row.landmarks.origin if row.landmarks else ""


def _or_nan(value: NDArray | None, shape: tuple[int, ...]) -> NDArray:
    return np.full(shape, np.nan) if value is None else np.asarray(value)


def _or_none(value: NDArray) -> NDArray | None:
    return value if np.isfinite(value).all() else None
