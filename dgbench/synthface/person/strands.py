"""Ribbons of hair: polylines grown over the head become narrow two-sided strips with a tile of fine strands on them."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import seed_of
from dgbench.synthface.head.parts import Part
from dgbench.synthface.render.raster import STRAND_TILE

_STRANDS = 16


@dataclass(frozen=True, eq=False)
class Extra:
    """A piece of mesh that is not the head: hair, beard, glasses, clothes.

    Attributes:
        points, normals, tangents, base: float32 (N, 3).
        uv: float32 (N, 2); gloss: float32 (N,); anchor: int32 (N,), a head vertex to move with, or -1.
        triangles: int32 (M, 3) within the piece.
        material, mode, part: of every triangle, see ``shading``, ``raster`` and ``parts``.
        smooth: whether normals follow from the triangles (else ``normals`` stays).
    """

    points: NDArray[np.float32]
    normals: NDArray[np.float32]
    tangents: NDArray[np.float32]
    base: NDArray[np.float32]
    uv: NDArray[np.float32]
    gloss: NDArray[np.float32]
    anchor: NDArray[np.int32]
    triangles: NDArray[np.int32]
    material: int
    mode: int
    part: Part


@functools.cache
def strand_tiles() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return coverage and brightness (128 = unchanged) of the strand tile, uint8 (128, 128) each.

    u runs across the strands, v from root (0) to tip (1).
    """
    rng = np.random.default_rng(seed_of("synthface-strands"))
    v, u = (np.mgrid[0:STRAND_TILE, 0:STRAND_TILE] + 0.5) / STRAND_TILE
    alpha, shade = np.zeros((STRAND_TILE, STRAND_TILE)), np.full((STRAND_TILE, STRAND_TILE), 0.75)
    for k in range(_STRANDS):
        middle = (k + 0.5 + 0.3 * rng.uniform(-1, 1)) / _STRANDS + 0.012 * np.sin(
            v * rng.uniform(3, 9) + rng.uniform(0, 6)
        )
        end = rng.uniform(0.72, 1.08)
        taper = np.sqrt(np.clip((end - v) / end, 0, 1))
        off = np.abs((u - middle + 0.5) % 1.0 - 0.5) * _STRANDS
        cover = np.clip(1.8 - off / np.maximum(0.16 + 0.62 * taper, 1e-3), 0, 1) * (taper > 0)
        bright = rng.uniform(0.62, 1.32)
        shade = np.where(cover > alpha, bright * (0.62 + 0.5 * np.clip(1 - off, 0, 1)), shade)
        alpha = np.maximum(alpha, cover)
    edge = np.clip(np.minimum(u, 1 - u) * 14, 0.35, 1)
    return (alpha * edge * 255).astype(np.uint8), np.clip(shade * 128, 0, 255).astype(np.uint8)


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return vectors (..., 3) scaled to length 1 (zero stays zero)."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    result: NDArray[np.float64] = vectors / np.maximum(length, 1e-12)
    return result


def ribbons(
    paths: NDArray[np.float64],
    outward: NDArray[np.float64],
    width: NDArray[np.float64],
    color: NDArray[np.float64],
    anchor: NDArray[np.integer],
    *,
    rng: np.random.Generator,
    part: Part,
    material: int,
    gloss: float = 1.0,
) -> Extra:
    """Return strips along ``paths``.

    Args:
        paths: (R, K, 3) points from root to tip.
        outward: (R, K, 3) unit directions away from the head, which the strips' flat sides face.
        width: (R, K) centimetres.
        color: (R, K, 3) linear.
        anchor: (R,) head vertex or -1.
        rng: shifts the strand tile from ribbon to ribbon.
        part: HAIR or BEARD.
        material: STRAND.
        gloss: 0..1.
    """
    count, rows = paths.shape[:2]
    tangent = np.gradient(paths, axis=1)
    tangent = unit(tangent)
    side = unit(np.cross(tangent, outward)) * (0.5 * width)[..., None]
    both = np.stack([paths - side, paths + side], 2)
    lean = rng.normal(0, 0.22, (count, 1, 1, 1)) * unit(side)[:, :, None, :]
    spread = unit(side)[:, :, None, :] * np.array([-0.35, 0.35])[None, None, :, None]
    normal = unit(outward[:, :, None, :] + lean + spread)
    start = rng.random((count, 1, 1))
    u = start + np.array([0.0, 0.62])[None, None, :] + np.zeros((1, rows, 1))
    v = np.broadcast_to((np.linspace(0, 0.995, rows))[None, :, None], u.shape)
    grid = np.arange(count * rows * 2, dtype=np.int32).reshape(count, rows, 2)
    a, b, c, d = grid[:, :-1, 0], grid[:, :-1, 1], grid[:, 1:, 0], grid[:, 1:, 1]
    triangles = np.stack([a, b, c, b, d, c], -1).reshape(-1, 3)

    def flat(values: NDArray[np.floating], size: int) -> NDArray[np.float32]:
        return np.ascontiguousarray(values.reshape(-1, size), np.float32)

    return Extra(
        points=flat(both, 3),
        normals=flat(normal, 3),
        tangents=flat(np.repeat(tangent[:, :, None], 2, 2), 3),
        base=flat(np.repeat(color[:, :, None], 2, 2), 3),
        uv=flat(np.stack([u, v], -1), 2),
        gloss=np.full(both.size // 3, gloss, np.float32),
        anchor=np.repeat(anchor.astype(np.int32), rows * 2),
        triangles=np.ascontiguousarray(triangles),
        material=material,
        mode=3,
        part=part,
    )
