"""Thin solid things swept along a path: spectacle frames and their arms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgbench.synthface.head.parts import Part
from dgbench.synthface.person.strands import Extra, unit
from dgbench.synthface.render.shading import FLAT

_SIDES = 6


def tube(
    path: NDArray[np.float64],
    radius: NDArray[np.float64],
    color: NDArray[np.float64],
    *,
    closed: bool,
    gloss: float,
    part: Part,
) -> Extra:
    """Return a tube of six sides along ``path`` (K, 3) with ``radius`` (K,) centimetres and one linear colour (3,)."""
    rows = len(path)
    along = np.roll(path, -1, 0) - np.roll(path, 1, 0) if closed else np.gradient(path, axis=0)
    tangent = unit(along)
    helper = np.where(np.abs(tangent[:, 2:3]) < 0.9, np.array([[0.0, 0.0, 1.0]]), np.array([[0.0, 1.0, 0.0]]))
    side = unit(np.cross(tangent, helper))
    other = np.cross(tangent, side)
    turn = np.arange(_SIDES) * 2 * np.pi / _SIDES
    normal = side[:, None] * np.cos(turn)[None, :, None] + other[:, None] * np.sin(turn)[None, :, None]
    points = path[:, None] + normal * radius[:, None, None]
    grid = np.arange(rows * _SIDES, dtype=np.int32).reshape(rows, _SIDES)
    after = np.roll(grid, -1, 0) if closed else grid[1:]
    here = grid if closed else grid[:-1]
    a, b, c, d = here, np.roll(here, -1, 1), after, np.roll(after, -1, 1)
    triangles = np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])
    count = rows * _SIDES
    return Extra(
        points=np.ascontiguousarray(points.reshape(-1, 3), np.float32),
        normals=np.ascontiguousarray(normal.reshape(-1, 3), np.float32),
        tangents=np.zeros((count, 3), np.float32),
        base=np.broadcast_to(color, (count, 3)).astype(np.float32),
        uv=np.zeros((count, 2), np.float32),
        gloss=np.full(count, gloss, np.float32),
        anchor=np.full(count, -1, np.int32),
        triangles=np.ascontiguousarray(triangles.astype(np.int32)),
        material=FLAT,
        mode=2,
        part=part,
    )
