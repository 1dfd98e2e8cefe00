"""The rasteriser: a z-buffer over triangles with perspective-correct barycentric coordinates, compiled by numba."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dgbench.datasets.synthface.kernels import kernel

#: Barycentric slack at triangle edges, so that neighbours leave no pinholes.
EDGE_SLACK = -1e-7
#: Side of the square tile that holds hair and lash coverage.
STRAND_TILE = 128


@kernel
def rasterize(
    xy: NDArray[np.float64],
    inverse_depth: NDArray[np.float64],
    triangles: NDArray[np.int32],
    mode: NDArray[np.uint8],
    uv: NDArray[np.float32],
    strand_alpha: NDArray[np.uint8],
    depth: NDArray[np.float32],
    ids: NDArray[np.int32],
) -> None:
    """Draw triangles into ``depth`` (1/distance, larger is nearer) and ``ids`` (triangle number, -1 empty).

    Args:
        xy: (V, 2) sample coordinates, x right, y down; the centre of the first sample is (0.5, 0.5).
        inverse_depth: (V,) 1 / distance along the optical axis, all positive.
        triangles: (T, 3), counter-clockwise from outside.
        mode: (T,) 0 skip, 1 front side only, 2 both sides, 3 both sides and only where ``strand_alpha`` at the
            triangle's uv is at least the sample's threshold (hair), 4 the same for the front side only, 5 front side
            only and only where v is positive (cloth up to its neckline).
        uv: (V, 2) used by modes 3 to 5, in units of the tile.
        strand_alpha: (STRAND_TILE, STRAND_TILE) coverage 0..255.
        depth: (H, W) float32, written.
        ids: (H, W) int32, written.
    """
    height, width = depth.shape
    tile = strand_alpha.shape[0]
    for t in range(triangles.shape[0]):
        how = mode[t]
        if how == 0:
            continue
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay = xy[a, 0], xy[a, 1]
        bx, by = xy[b, 0], xy[b, 1]
        cx, cy = xy[c, 0], xy[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area >= 0.0 and (how == 1 or how >= 4):
            continue
        if area == 0.0:
            continue
        x0 = max(int(math.ceil(min(ax, bx, cx) - 0.5 - 1e-6)), 0)
        x1 = min(int(math.floor(max(ax, bx, cx) - 0.5 + 1e-6)), width - 1)
        if x0 > x1:
            continue
        y0 = max(int(math.ceil(min(ay, by, cy) - 0.5 - 1e-6)), 0)
        y1 = min(int(math.floor(max(ay, by, cy) - 0.5 + 1e-6)), height - 1)
        if y0 > y1:
            continue
        scale = 1.0 / area
        za, zb, zc = inverse_depth[a], inverse_depth[b], inverse_depth[c]
        dwa, dwb = (by - cy) * scale, (cy - ay) * scale
        for y in range(y0, y1 + 1):
            py = y + 0.5
            px = x0 + 0.5
            wa = ((bx - px) * (cy - py) - (by - py) * (cx - px)) * scale
            wb = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) * scale
            for x in range(x0, x1 + 1):
                wc = 1.0 - wa - wb
                if wa >= -1e-7 and wb >= -1e-7 and wc >= -1e-7:
                    z = wa * za + wb * zb + wc * zc
                    if z > depth[y, x]:
                        solid = True
                        if how >= 3:
                            u = (wa * za * uv[a, 0] + wb * zb * uv[b, 0] + wc * zc * uv[c, 0]) / z
                            v = (wa * za * uv[a, 1] + wb * zb * uv[b, 1] + wc * zc * uv[c, 1]) / z
                            # Each of the four samples of a pixel has its own threshold: coverage becomes soft.
                            threshold = 40 + 56 * ((x & 1) * 2 + (y & 1) ^ (x & 1))
                            if how == 5:
                                solid = v > 0.0
                            else:
                                iu = int(math.floor(u * tile)) % tile
                                iv = int(math.floor(v * tile)) % tile
                                solid = strand_alpha[iv, iu] > threshold
                        if solid:
                            depth[y, x] = z
                            ids[y, x] = t
                wa += dwa
                wb += dwb


@kernel
def landmark_visibility(
    xy: NDArray[np.float64],
    inverse_depth: NDArray[np.float64],
    facing: NDArray[np.float64],
    depth: NDArray[np.float32],
    tolerance: float,
    radius: float,
) -> NDArray[np.float32]:
    """Return 1 for each point that the z-buffer does not hide, else 0.

    A point is seen when it lies in the picture, its surface does not face away by more than 0.35 (cosine), and in at
    least half of the samples around it nothing lies nearer by more than ``tolerance`` (centimetres).

    Args:
        xy: (K, 2) sample coordinates.
        inverse_depth: (K,) 1 / distance.
        facing: (K,) cosine between the surface normal and the direction to the camera.
        depth: (H, W) the z-buffer, 1 / distance.
        tolerance: centimetres.
        radius: half the side of the neighbourhood, samples.
    """
    height, width = depth.shape
    seen = np.zeros(xy.shape[0], np.float32)
    for k in range(xy.shape[0]):
        if facing[k] < -0.35 or not (0.0 <= xy[k, 0] < width and 0.0 <= xy[k, 1] < height):
            continue
        limit = 1.0 / (1.0 / inverse_depth[k] - tolerance)
        free, total = 0, 0
        for j in range(-1, 2):
            for i in range(-1, 2):
                x, y = int(xy[k, 0] + i * radius), int(xy[k, 1] + j * radius)
                if 0 <= x < width and 0 <= y < height:
                    total += 1
                    if depth[y, x] <= limit:
                        free += 1
        if 2 * free >= total:
            seen[k] = 1.0
    return seen
