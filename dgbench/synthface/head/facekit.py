"""Reader of ICT-FaceKit's own OBJ files: each checked by sha256, then folded into the compact arrays."""

from __future__ import annotations

import csv
import functools
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import MissingError, UsageError
from dgbench.synthface.head.model import Head, head_from_arrays

#: The release that the digests describe.
FACEKIT_COMMIT = "da5f95a607f5e6b37755b38d3385d7f2853732e5"
_INDICES = "vertex_indices.json"
_NEUTRAL = "generic_neutral_mesh.obj"
_IDENTITIES = 100


@dataclass(frozen=True)
class FaceKitFile:
    """One file of the ``FaceXModel`` folder: its name, size in bytes and sha256."""

    name: str
    size: int
    sha256: str


@functools.cache
def facekit_files() -> dict[str, FaceKitFile]:
    """Return name → what the release's file of that name is."""
    text = files("dgbench.synthface.head").joinpath("ict_facekit_sha256.csv").read_text(encoding="utf-8")
    rows = (
        FaceKitFile(row["path"].removeprefix("FaceXModel/"), int(row["bytes"]), row["sha256"])
        for row in csv.DictReader(io.StringIO(text))
    )
    return {row.name: row for row in rows}


def needed_files(expressions: tuple[str, ...]) -> list[str]:
    """Return the names of the OBJ files that the compact arrays are made of."""
    return [_NEUTRAL, *(f"identity{k:03d}.obj" for k in range(_IDENTITIES)), *(f"{name}.obj" for name in expressions)]


def expression_names(indices: bytes) -> tuple[str, ...]:
    """Return the 53 expression names from the content of ``vertex_indices.json``."""
    return tuple(json.loads(indices)["expressions"])


def checked_bytes(folder: Path, name: str) -> bytes:
    """Return the content of a file of the release.

    Raises:
        MissingError: it is not in the folder.
        UsageError: it is not the release's file.
    """
    path = folder / name
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise MissingError(
            f"{path}: not in this copy of ICT-FaceKit's FaceXModel folder; copy the whole folder, "
            "or run `dgbench data fetch-head`"
        ) from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    if sha256_bytes(data) != facekit_files()[name].sha256:
        raise UsageError(f"{path}: damaged or of another release (sha256 differs); get it again from ICT-FaceKit")
    return data


def _vertices(data: bytes) -> NDArray[np.float32]:
    """Return the vertex lines of an OBJ, (V, 3)."""
    lines = [line[2:] for line in data.splitlines() if line.startswith(b"v ")]
    return np.array(b" ".join(lines).split(), np.float64).astype(np.float32).reshape(-1, 3)


def _triangles(data: bytes) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the face lines of an OBJ as fans of triangles, (T, 3), and each triangle's polygon, (T,)."""
    triangles, polygon = [], []
    faces = (line[2:] for line in data.splitlines() if line.startswith(b"f "))
    for number, face in enumerate(faces):
        corners = [int(corner.split(b"/")[0]) - 1 for corner in face.split()]
        for k in range(1, len(corners) - 1):
            triangles.append((corners[0], corners[k], corners[k + 1]))
            polygon.append(number)
    return np.array(triangles, np.int32), np.array(polygon, np.int32)


def obj_arrays(folder: Path, progress: Callable[[int, int], None] | None = None) -> dict[str, NDArray]:
    """Return the compact arrays (see ``head.load_head``) of a ``FaceXModel`` folder, or of one that holds it.

    Args:
        folder: the user's copy.
        progress: called with (files read, files in all).

    Raises:
        MissingError: a file is lacking.
        UsageError: a file is not the release's.
    """
    inner = folder / "FaceXModel"
    place = inner if inner.is_dir() else folder
    indices = checked_bytes(place, _INDICES)
    names = expression_names(indices)
    wanted = needed_files(names)
    neutral_data = checked_bytes(place, _NEUTRAL)
    neutral = _vertices(neutral_data)
    triangles, polygon = _triangles(neutral_data)
    offsets = np.empty((len(wanted) - 1, *neutral.shape), np.float16)
    for k, name in enumerate(wanted[1:]):
        offsets[k] = _vertices(checked_bytes(place, name)) - neutral
        if progress:
            progress(k + 2, len(wanted))
    return {
        "vertices": neutral,
        "triangles": triangles,
        "triangle_polygon": polygon,
        "identity": offsets[:_IDENTITIES],
        "expression": offsets[_IDENTITIES:],
        "expression_names": np.array(names),
        "landmarks68": np.array(json.loads(indices)["idx_to_landmark_verts"], np.int32),
    }


def read_obj_folder(folder: Path) -> Head:
    """Return the head of an upstream folder; reading takes about half a minute, ``fetch-head --from`` keeps it.

    Raises:
        MissingError: a file is lacking.
        UsageError: a file is not the release's.
    """
    return head_from_arrays(obj_arrays(folder))
