"""Vertices: expression, gaze, normals and projection, compiled by numba."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dgbench.synthface.render.kernels import kernel


@kernel
def add_shapes(
    points: NDArray[np.float32],
    start: NDArray[np.int64],
    vertex: NDArray[np.int32],
    offset: NDArray[np.float32],
    weights: NDArray[np.float64],
) -> None:
    """Add weighted sparse shape offsets (see ``head.Head``) to ``points`` (V, 3) in place."""
    for k in range(weights.shape[0]):
        w = np.float32(weights[k])
        if w == 0.0:
            continue
        for j in range(start[k], start[k + 1]):
            v = vertex[j]
            points[v, 0] += w * offset[j, 0]
            points[v, 1] += w * offset[j, 1]
            points[v, 2] += w * offset[j, 2]


@kernel
def follow(points: NDArray[np.float32], rest: NDArray[np.float32], anchor: NDArray[np.int32], first: int) -> None:
    """Move each extra vertex (from ``first`` on) as its anchor vertex moved from ``rest``; -1 stays."""
    for j in range(anchor.shape[0]):
        a = anchor[j]
        if a >= 0:
            for i in range(3):
                points[first + j, i] = rest[first + j, i] + (points[a, i] - rest[a, i])


@kernel
def turn_eye(points: NDArray[np.float32], first: int, last: int, yaw: float, pitch: float) -> None:
    """Turn the eyeball with vertices ``first`` to ``last`` about its centre; radians, + = image-right, + = up."""
    low = np.full(3, 1e9)
    high = np.full(3, -1e9)
    for v in range(first, last):
        for i in range(3):
            low[i] = min(low[i], points[v, i])
            high[i] = max(high[i], points[v, i])
    center = (low + high) * 0.5
    cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    for v in range(first, last):
        x, y, z = points[v, 0] - center[0], points[v, 1] - center[1], points[v, 2] - center[2]
        y, z = y * cp + z * sp, z * cp - y * sp
        x, z = x * cy + z * sy, z * cy - x * sy
        points[v, 0], points[v, 1], points[v, 2] = center[0] + x, center[1] + y, center[2] + z


@kernel
def vertex_normals(
    points: NDArray[np.float32], triangles: NDArray[np.int32], count: int, normals: NDArray[np.float32]
) -> None:
    """Write area-weighted unit normals of the first ``count`` triangles' vertices into ``normals``."""
    for t in range(count):
        for i in range(3):
            v = triangles[t, i]
            normals[v, 0] = 0.0
            normals[v, 1] = 0.0
            normals[v, 2] = 0.0
    for t in range(count):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        vx, vy, vz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for i in range(3):
            v = triangles[t, i]
            normals[v, 0] += nx
            normals[v, 1] += ny
            normals[v, 2] += nz
    for t in range(count):
        for i in range(3):
            v = triangles[t, i]
            x, y, z = normals[v, 0], normals[v, 1], normals[v, 2]
            length = x * x + y * y + z * z
            if length > 1e-20 and abs(length - 1.0) > 1e-6:
                s = np.float32(1.0 / math.sqrt(length))
                normals[v, 0], normals[v, 1], normals[v, 2] = x * s, y * s, z * s


@kernel
def project(
    points: NDArray[np.float32],
    pivot: NDArray[np.float64],
    rotation: NDArray[np.float64],
    distance: float,
    focal: float,
    cx: float,
    cy: float,
    camera: NDArray[np.float32],
    xy: NDArray[np.float64],
    inverse_depth: NDArray[np.float64],
) -> None:
    """Turn head-space points (V, 3) into camera space, sample coordinates and 1 / distance along the axis."""
    for v in range(points.shape[0]):
        px, py, pz = points[v, 0] - pivot[0], points[v, 1] - pivot[1], points[v, 2] - pivot[2]
        x = rotation[0, 0] * px + rotation[0, 1] * py + rotation[0, 2] * pz
        y = rotation[1, 0] * px + rotation[1, 1] * py + rotation[1, 2] * pz
        z = rotation[2, 0] * px + rotation[2, 1] * py + rotation[2, 2] * pz
        camera[v, 0], camera[v, 1], camera[v, 2] = x, y, z
        w = 1.0 / max(distance - z, 1.0)
        inverse_depth[v] = w
        xy[v, 0] = cx + focal * x * w
        xy[v, 1] = cy - focal * y * w


@kernel
def turn(vectors: NDArray[np.float32], rotation: NDArray[np.float64], out: NDArray[np.float32]) -> None:
    """Write ``rotation`` applied to each row of ``vectors`` (V, 3) into ``out``."""
    for v in range(vectors.shape[0]):
        x, y, z = vectors[v, 0], vectors[v, 1], vectors[v, 2]
        for i in range(3):
            out[v, i] = rotation[i, 0] * x + rotation[i, 1] * y + rotation[i, 2] * z
