"""What is in the shade: ambient occlusion baked per person and one shadow map per picture, both by the rasteriser."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dgbench.synthface.render.kernels import kernel
from dgbench.synthface.render.raster import rasterize

#: Half the side of what a map sees around the pivot, centimetres, and the maps' sides in texels.
REACH = 21.0
AMBIENT_SIDE, SHADOW_SIDE = 144, 144
_DIRECTIONS = 40
_BIAS = 0.22


def _basis(direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (3, 3) rows right, up, towards for looking along -direction."""
    helper = np.array([0.0, 1.0, 0.0]) if abs(direction[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    right = np.cross(helper, direction)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(direction, right), direction])


@kernel
def _flatten(
    points: NDArray[np.float32],
    pivot: NDArray[np.float64],
    basis: NDArray[np.float64],
    side: int,
    reach: float,
    xy: NDArray[np.float64],
    near: NDArray[np.float64],
) -> None:
    """Write orthographic sample coordinates and a nearness (larger is nearer to the light, centimetres + 100)."""
    scale = side / (2.0 * reach)
    for v in range(points.shape[0]):
        x, y, z = points[v, 0] - pivot[0], points[v, 1] - pivot[1], points[v, 2] - pivot[2]
        xy[v, 0] = side * 0.5 + scale * (basis[0, 0] * x + basis[0, 1] * y + basis[0, 2] * z)
        xy[v, 1] = side * 0.5 - scale * (basis[1, 0] * x + basis[1, 1] * y + basis[1, 2] * z)
        near[v] = 100.0 + basis[2, 0] * x + basis[2, 1] * y + basis[2, 2] * z


@kernel
def _lit(
    xy: NDArray[np.float64],
    near: NDArray[np.float64],
    depth: NDArray[np.float32],
    bias: float,
    soft: float,
    used: NDArray[np.uint8],
    out: NDArray[np.float32],
) -> None:
    """Write how much light arrives, 0..1: nine samples of the map, each a soft step of ``soft`` centimetres."""
    side = depth.shape[0]
    for v in range(xy.shape[0]):
        if used[v] == 0:
            continue
        total = 0.0
        for j in range(-1, 2):
            for i in range(-1, 2):
                x, y = math.floor(xy[v, 0] + i * 0.9), math.floor(xy[v, 1] + j * 0.9)
                if 0 <= x < side and 0 <= y < side:
                    over = depth[y, x] - near[v] - bias
                    total += min(max(1.0 - over / soft, 0.0), 1.0)
                else:
                    total += 1.0
        out[v] = total / 9.0


def light_arriving(
    points: NDArray[np.float32],
    pivot: NDArray[np.float64],
    triangles: NDArray[np.int32],
    mode: NDArray[np.uint8],
    uv: NDArray[np.float32],
    strand_alpha: NDArray[np.uint8],
    direction: NDArray[np.float64],
    *,
    side: int,
    soft: float = 0.5,
    used: NDArray[np.uint8] | None = None,
) -> NDArray[np.float32]:
    """Return how much of a far lamp's light reaches each vertex, float32 (V,) 0..1.

    Args:
        points: (V, 3) in head space; triangles, mode, uv, strand_alpha: as the rasteriser takes them.
        pivot: what the lamp aims at.
        direction: unit, towards the lamp, head space.
        side: of the shadow map, texels.
        soft: centimetres over which a shadow fades in.
        used: uint8 (V,) 1 where the answer is wanted (None: everywhere); elsewhere it is 1.
    """
    count = len(points)
    xy, near = np.empty((count, 2)), np.empty(count)
    _flatten(points, pivot, _basis(direction), side, REACH, xy, near)
    depth = np.zeros((side, side), np.float32)
    ids = np.empty((side, side), np.int32)
    rasterize(xy, near, triangles, mode, uv, strand_alpha, depth, ids)
    lit = np.ones(count, np.float32)
    wanted = np.ones(count, np.uint8) if used is None else used
    _lit(xy, near, depth, _BIAS, soft, wanted, lit)
    return lit


def bake_ambient(
    points: NDArray[np.float32],
    normals: NDArray[np.float32],
    pivot: NDArray[np.float64],
    triangles: NDArray[np.int32],
    mode: NDArray[np.uint8],
    uv: NDArray[np.float32],
    strand_alpha: NDArray[np.uint8],
    strand: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Return ambient occlusion, float32 (V,): 1 open, 0 shut in; cosine-weighted, for strands from all sides."""
    index = np.arange(_DIRECTIONS) + 0.5
    height = 1 - 2 * index / _DIRECTIONS
    turn = index * math.pi * (1 + 5**0.5)
    flat = np.sqrt(1 - height**2)
    total, seen = np.full(len(points), 1e-6), np.zeros(len(points))
    for direction in np.stack([flat * np.cos(turn), height, flat * np.sin(turn)], 1):
        lit = light_arriving(points, pivot, triangles, mode, uv, strand_alpha, direction, side=AMBIENT_SIDE)
        weight = np.where(strand, 0.6 + 0.4 * (normals @ direction), normals @ direction)
        weight = np.clip(weight, 0, None)
        total += weight
        seen += weight * lit
    return (seen / total).astype(np.float32)
