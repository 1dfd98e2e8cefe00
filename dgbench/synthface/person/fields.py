"""The texture map's geometry, one per head: where on the face each texel lies, and the face's front as a relief."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dgbench.synthface.head.model import Head, Surface
from dgbench.synthface.render.kernels import kernel

#: Texture height and width, texels; about 0.65 mm each on the face.
TEXTURE_SHAPE = (512, 1024)
#: Centre of the spherical texture coordinates, centimetres in the generic face.
UV_CENTER = (0.0, 1.0, 0.0)
_RELIEF_STEP = 0.1
_RELIEF_X, _RELIEF_Y = 9.0, (-12.0, 13.0)
_KEEP = 2


@dataclass(frozen=True, eq=False)
class TextureField:
    """Precomputed maps of one head.

    Attributes:
        position: float32 (h, w, 3), generic-face position of each texel, centimetres.
        relief: float32 (rows, columns), z of the generic face's front at x, y (see :func:`front_points`).
    """

    position: NDArray[np.float32]
    relief: NDArray[np.float32]


def skin_uv(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return spherical texture coordinates (N, 2) in 0..1 of points of the generic face; v grows downwards."""
    x, y, z = (np.asarray(points, np.float64) - np.asarray(UV_CENTER)).T
    longitude = np.arctan2(x, z)
    latitude = np.arctan2(y, np.hypot(x, z))
    return np.stack([0.5 + longitude / (2 * np.pi), 0.5 - latitude / np.pi], 1).astype(np.float32)


@kernel
def _fill(
    uv: NDArray[np.float64],
    points: NDArray[np.float32],
    triangles: NDArray[np.int32],
    far: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Write each texel's position; where the surface folds, the point farthest from the centre wins."""
    height, width = out.shape[0], out.shape[1]
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, bx, by, cx, cy = uv[a, 0], uv[a, 1], uv[b, 0], uv[b, 1], uv[c, 0], uv[c, 1]
        top = max(ax, bx, cx)
        if top - min(ax, bx, cx) > 0.5:
            ax += 1.0 if top - ax > 0.5 else 0.0
            bx += 1.0 if top - bx > 0.5 else 0.0
            cx += 1.0 if top - cx > 0.5 else 0.0
        ax, bx, cx = ax * width, bx * width, cx * width
        ay, by, cy = ay * height, by * height, cy * height
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0.0:
            continue
        for y in range(max(int(min(ay, by, cy) - 0.5), 0), min(int(max(ay, by, cy) + 0.5), height - 1) + 1):
            for x in range(int(min(ax, bx, cx) - 0.5), int(max(ax, bx, cx) + 0.5) + 1):
                wa = ((bx - x - 0.5) * (cy - y - 0.5) - (by - y - 0.5) * (cx - x - 0.5)) / area
                wb = ((cx - x - 0.5) * (ay - y - 0.5) - (cy - y - 0.5) * (ax - x - 0.5)) / area
                wc = 1.0 - wa - wb
                if wa >= -1e-6 and wb >= -1e-6 and wc >= -1e-6:
                    px = wa * points[a, 0] + wb * points[b, 0] + wc * points[c, 0]
                    py = wa * points[a, 1] + wb * points[b, 1] + wc * points[c, 1]
                    pz = wa * points[a, 2] + wb * points[b, 2] + wc * points[c, 2]
                    reach = px * px + (py - 1.0) * (py - 1.0) + pz * pz
                    column = x % width
                    if reach > far[y, column]:
                        far[y, column] = reach
                        out[y, column, 0], out[y, column, 1], out[y, column, 2] = px, py, pz


def _build(head: Head) -> TextureField:
    from scipy.ndimage import distance_transform_edt
    from scipy.spatial import cKDTree

    triangles = head.triangles[head.surface == Surface.SKIN]
    far = np.zeros(TEXTURE_SHAPE, np.float32)
    position = np.zeros((*TEXTURE_SHAPE, 3), np.float32)
    _fill(skin_uv(head.vertices).astype(np.float64), head.vertices, triangles, far, position)
    holes = far == 0
    if holes.any():
        row, column = distance_transform_edt(holes, return_distances=False, return_indices=True)
        position = position[row, column]
    used = np.unique(triangles)
    front = head.vertices[used]
    front = front[(front[:, 2] > 0) & (np.abs(front[:, 0]) < _RELIEF_X + 1)]
    x = np.arange(-_RELIEF_X, _RELIEF_X + 1e-6, _RELIEF_STEP)
    y = np.arange(_RELIEF_Y[0], _RELIEF_Y[1] + 1e-6, _RELIEF_STEP)
    grid = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    distance, near = cKDTree(front[:, :2]).query(grid, k=6)
    # Of the nearest vertices the ones in front count: lids and lips fold behind themselves.
    depth = front[near, 2]
    weight = 1.0 / (distance + 0.05) ** 2 * np.exp(np.minimum(depth - depth.max(1, keepdims=True), 0) * 4)
    relief = ((weight * depth).sum(1) / weight.sum(1)).reshape(len(y), len(x))
    return TextureField(np.ascontiguousarray(position), relief.astype(np.float32))


_fields: OrderedDict[str, TextureField] = OrderedDict()


def texture_field(head: Head) -> TextureField:
    """Return the maps of a head, kept for the next person."""
    if head.digest not in _fields:
        _fields[head.digest] = _build(head)
        while len(_fields) > _KEEP:
            _fields.popitem(last=False)
    return _fields[head.digest]


def front_points(field: TextureField, x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the points (N, 3) of the generic face's front at ``x`` and ``y``, centimetres."""
    rows, columns = field.relief.shape
    column = np.clip(np.rint((x + _RELIEF_X) / _RELIEF_STEP).astype(int), 0, columns - 1)
    row = np.clip(np.rint((y - _RELIEF_Y[0]) / _RELIEF_STEP).astype(int), 0, rows - 1)
    return np.stack([x, y, field.relief[row, column]], -1)
