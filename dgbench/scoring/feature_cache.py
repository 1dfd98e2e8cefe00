"""What judges saw in real images, kept by content, so that the next run over the same images needs no network."""

from __future__ import annotations

import io
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import digest, sha256_bytes
from dgbench.core.face import FaceObservation, Image, Landmarks, Pose
from dgbench.io.arrays import DAMAGED_ARRAYS
from dgbench.io.atomic import write_bytes

_LOG = logging.getLogger(__name__)
_SUFFIX = ".npz"
_OPEN_BLOCKS = 16
#: Of the blocks; it also changes where the same networks come to be run another way, for the sixth digit's sake.
LAYOUT = 2


@dataclass(frozen=True)
class CachedObservation:
    """What is kept of one image: the observation and the set-metric features, each where it was asked for."""

    seen: FaceObservation | None = None
    features: NDArray[np.float32] | None = None


def image_key(image: Image, points: NDArray | None = None) -> str:
    """Return the digest of an image's pixels, size and fallback points: the same content is asked about once."""
    head = f"{image.dtype.str}{image.shape}".encode()
    tail = b"" if points is None else np.ascontiguousarray(points, dtype=np.float32).tobytes()
    return sha256_bytes(head + np.ascontiguousarray(image).tobytes() + tail)


class ObservationCache:
    """Observations by content key, in blocks on disk; memory holds the index and a few blocks.

    A block is written whole (:func:`dgbench.io.atomic.write_bytes`) under the digest of its keys and never changes,
    so that several runs may share one folder; a block that cannot be read is left out and asked again.

    Args:
        folder: where blocks lie, in a subfolder named by ``judged_by``.
        judged_by: digest of everything that decides an observation (networks, roles).
    """

    def __init__(self, folder: Path, *, judged_by: str) -> None:
        self._folder = folder / judged_by[:32]
        self._where: dict[str, tuple[Path, int]] = {}
        self._blocks: OrderedDict[Path, list[CachedObservation]] = OrderedDict()
        self._read_index()

    def __contains__(self, key: str) -> bool:
        return key in self._where

    def __len__(self) -> int:
        return len(self._where)

    def get(self, key: str) -> CachedObservation:
        """Return the observation of a key that is known.

        Raises:
            KeyError: the key is not known.
        """
        path, row = self._where[key]
        if path not in self._blocks:
            self._open(path, path.read_bytes())
        self._blocks.move_to_end(path)
        return self._blocks[path][row]

    def put(self, observed: Mapping[str, CachedObservation]) -> None:
        """Keep new observations as one block. Nothing is written where there is nothing new."""
        new = {key: value for key, value in sorted(observed.items()) if key not in self._where}
        if not new:
            return
        path = self._folder / (digest(list(new))[:32] + _SUFFIX)
        data = _pack(list(new), list(new.values()))
        write_bytes(path, data)
        self._open(path, data)
        self._where.update({key: (path, row) for row, key in enumerate(new)})

    def _open(self, path: Path, data: bytes) -> None:
        self._blocks[path] = _unpack(data)
        while len(self._blocks) > _OPEN_BLOCKS:
            self._blocks.popitem(last=False)

    def _read_index(self) -> None:
        if not self._folder.is_dir():
            return
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            try:
                with np.load(path, allow_pickle=False) as block:
                    if int(block["layout"]) != LAYOUT:
                        continue
                    keys = [str(key) for key in block["keys"]]
            except DAMAGED_ARRAYS as error:
                _LOG.warning("%s: cannot be read (%s); its images are judged at again", path, error)
                continue
            self._where.update({key: (path, row) for row, key in enumerate(keys)})


def _pack(keys: Sequence[str], observed: Sequence[CachedObservation]) -> bytes:
    """Return one npz with a row per image; absent parts are marked by masks, not by NaN alone."""
    seen = [item.seen for item in observed]
    arrays: dict[str, NDArray] = {"layout": np.array(LAYOUT), "keys": np.array(keys)}
    arrays["seen"] = np.array([s is not None for s in seen])
    arrays["detected"] = np.array([bool(s and s.detected) for s in seen])
    arrays["score"] = np.array([s.score if s else 0.0 for s in seen], dtype=np.float64)
    arrays["alignment"] = np.array([s.alignment if s else "" for s in seen])
    arrays["origin"] = np.array([s.landmarks.origin if s and s.landmarks else "" for s in seen])
    _column(arrays, "points5", [s.points5 if s else None for s in seen])
    _column(arrays, "embedding", [s.embedding if s else None for s in seen])
    _column(arrays, "points", [s.landmarks.points if s and s.landmarks else None for s in seen])
    _column(arrays, "visibility", [s.landmarks.visibility if s and s.landmarks else None for s in seen])
    _column(arrays, "pose", [np.array(s.pose, dtype=np.float64) if s and s.pose else None for s in seen])
    _column(arrays, "features", [item.features for item in observed])
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _column(arrays: dict[str, NDArray], name: str, values: Sequence[NDArray | None]) -> None:
    there = [value for value in values if value is not None]
    arrays[f"has_{name}"] = np.array([value is not None for value in values])
    arrays[name] = np.stack(there) if there else np.zeros(0, dtype=np.float32)


def _unpack(data: bytes) -> list[CachedObservation]:
    with np.load(io.BytesIO(data), allow_pickle=False) as block:
        arrays = {name: block[name] for name in block.files}

    def column(name: str) -> list[NDArray | None]:
        rows = iter(arrays[name])
        return [next(rows) if there else None for there in arrays[f"has_{name}"]]

    columns = {name: column(name) for name in ("points5", "embedding", "points", "visibility", "pose", "features")}
    result = []
    for row, there in enumerate(arrays["seen"]):
        points, visibility, pose = (columns[name][row] for name in ("points", "visibility", "pose"))
        landmarks = None
        if points is not None and visibility is not None:
            landmarks = Landmarks(points, visibility, str(arrays["origin"][row]))
        seen = FaceObservation(
            detected=bool(arrays["detected"][row]),
            score=float(arrays["score"][row]),
            points5=columns["points5"][row],
            alignment=str(arrays["alignment"][row]),
            embedding=columns["embedding"][row],
            landmarks=landmarks,
            pose=None if pose is None else Pose(*(float(angle) for angle in pose)),
        )
        result.append(CachedObservation(seen if there else None, columns["features"][row]))
    return result
