"""The head model: ICT-FaceKit light (MIT), read from a compact npz or from an upstream OBJ folder of the user's."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

#: Copied into every folder that holds renders of this head.
HEAD_NOTICE = (
    "Rendered from ICT-FaceKit light, Copyright (c) 2020 USC Institute for Creative Technologies, MIT License "
    "(github.com/ICT-VGL/ICT-FaceKit)."
)
ARRAYS = {"vertices", "triangles", "triangle_polygon", "identity", "expression", "expression_names", "landmarks68"}


class Surface(IntEnum):
    """What a triangle of the head mesh is."""

    SKIN = 0
    MOUTH = 1
    SOCKET = 2
    GUMS = 3
    TEETH = 4
    EYE = 5
    LASH = 6


@dataclass(frozen=True, eq=False)
class Head:
    """A morphable head in centimetres: y up, z towards the viewer at yaw 0, x to image-right.

    Attributes:
        vertices: float32 (V, 3), the generic neutral face.
        triangles: int32 (T, 3), counter-clockwise seen from outside.
        surface: uint8 (T,), a :class:`Surface` each.
        identity: float16 (I, V, 3), offset of each identity component; coefficients are N(0, 1).
        expression_names: the names of the expression shapes.
        shape_start, shape_vertex, shape_offset: the expression offsets, sparse: shape k moves vertices
            ``shape_vertex[shape_start[k]:shape_start[k + 1]]`` by the float32 rows of ``shape_offset`` there.
        landmarks68: int32 (68,), the vertex of each iBUG landmark.
        eye_vertices: the vertex ranges (start, stop) of the eyeball at image-left and the one at image-right.
        digest: sha256 of its arrays, or a name; equal digests mean equal heads.
    """

    vertices: NDArray[np.float32]
    triangles: NDArray[np.int32]
    surface: NDArray[np.uint8]
    identity: NDArray[np.float16]
    expression_names: tuple[str, ...]
    shape_start: NDArray[np.int64]
    shape_vertex: NDArray[np.int32]
    shape_offset: NDArray[np.float32]
    landmarks68: NDArray[np.int32]
    eye_vertices: tuple[tuple[int, int], tuple[int, int]]
    digest: str


def sparse_shapes(
    offsets: NDArray[np.floating],
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Turn dense expression offsets (E, V, 3) into (start, vertex, offset), leaving out what moves under 1 µm."""
    start, vertex, offset = [0], [], []
    for shape in offsets:
        moved = np.flatnonzero(np.abs(shape).max(1) > 1e-4)
        vertex.append(moved.astype(np.int32))
        offset.append(shape[moved].astype(np.float32))
        start.append(start[-1] + len(moved))
    return np.array(start, np.int64), np.concatenate(vertex), np.ascontiguousarray(np.concatenate(offset))


# Polygon ranges of ICT-FaceKit's base mesh. Of each eyeball the outer shell is kept; lacrimal fluid, eye blend and
# eye occlusion are left out, since they need transparency.
_POLYGONS = (
    (0, 11143, Surface.SKIN),
    (11144, 13225, Surface.MOUTH),
    (13226, 14033, Surface.SOCKET),
    (14034, 17005, Surface.GUMS),
    (17006, 21495, Surface.TEETH),
    (21496, 22295, Surface.EYE),
    (23094, 23893, Surface.EYE),
    (25304, 1 << 30, Surface.LASH),
)
_EYES = ((23021, 24591), (21451, 23021))


def arrays_digest(arrays: dict[str, NDArray]) -> str:
    """Return the sha256 of the arrays' content: the same for the compact file and for the OBJ files it came from."""
    hasher = hashlib.sha256()
    for name in sorted(ARRAYS):
        array = np.ascontiguousarray(arrays[name])
        hasher.update(f"{name} {array.dtype.str} {array.shape}".encode())
        hasher.update(array.tobytes())
    return hasher.hexdigest()


def head_from_arrays(arrays: dict[str, NDArray]) -> Head:
    """Build the head from the arrays of the compact file (``facekit`` makes them from the OBJ files)."""
    polygon = arrays["triangle_polygon"]
    surface = np.full(len(polygon), 255, np.uint8)
    for first, last, kind in _POLYGONS:
        surface[(polygon >= first) & (polygon <= last)] = kind
    keep = surface != 255
    start, vertex, offset = sparse_shapes(arrays["expression"])
    return Head(
        vertices=np.ascontiguousarray(arrays["vertices"], np.float32),
        triangles=np.ascontiguousarray(arrays["triangles"][keep], np.int32),
        surface=surface[keep],
        identity=arrays["identity"],
        expression_names=tuple(str(name) for name in arrays["expression_names"]),
        shape_start=start,
        shape_vertex=vertex,
        shape_offset=offset,
        landmarks68=arrays["landmarks68"].astype(np.int32),
        eye_vertices=_EYES,
        digest=arrays_digest(arrays),
    )


def flaw_of(arrays: dict[str, NDArray]) -> str:
    """Return what is wrong with the arrays of a file: the renderer trusts every number and reads by every index."""
    vertices, triangles, names = arrays["vertices"], arrays["triangles"], arrays["expression_names"]
    count = len(vertices) if vertices.ndim else 0
    least = max(last for _, last in _EYES)
    wanted = {
        "vertices": (max(count, least), 3),
        "identity": (len(arrays["identity"]) if arrays["identity"].ndim else 0, count, 3),
        "expression": (len(names) if names.ndim else 0, count, 3),
        "triangles": (len(triangles) if triangles.ndim else 0, 3),
        "triangle_polygon": (len(triangles) if triangles.ndim else 0,),
        "landmarks68": (68,),
    }
    for name, shape in wanted.items():
        array = arrays[name]
        if array.shape != shape:
            return f"{name} is {array.shape}, expected {shape}"
        if name in ("vertices", "identity", "expression"):
            if array.dtype.kind != "f" or not np.isfinite(array).all():
                return f"{name} are not finite numbers"
        elif array.dtype.kind not in "iu":
            return f"{name} are not whole numbers"
        elif name != "triangle_polygon" and array.size and not (array.min() >= 0 and array.max() < count):
            return f"{name} name vertices outside the {count} that there are"
    return "" if names.dtype.kind == "U" else "expression_names are not words"
