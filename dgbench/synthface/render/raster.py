"""The rasteriser: a z-buffer over triangles with perspective-correct barycentric coordinates, compiled by numba."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dgbench.synthface.render.kernels import kernel

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
    mask = strand_alpha.shape[0] - 1
    tile = float(strand_alpha.shape[0])
    for t in range(triangles.shape[0]):
        how = mode[t]
        if how == 0:
            continue
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay = xy[a, 0], xy[a, 1]
        bx, by = xy[b, 0], xy[b, 1]
        cx, cy = xy[c, 0], xy[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0.0 or (area > 0.0 and (how == 1 or how >= 4)):
            continue
        left, right = min(ax, bx, cx), max(ax, bx, cx)
        top, bottom = min(ay, by, cy), max(ay, by, cy)
        if right < 0.5 or bottom < 0.5 or left > width - 0.5 or top > height - 0.5:
            continue
        x0 = max(math.ceil(left - 0.5 - 1e-6), 0)
        x1 = min(math.floor(right - 0.5 + 1e-6), width - 1)
        y0 = max(math.ceil(top - 0.5 - 1e-6), 0)
        y1 = min(math.floor(bottom - 0.5 + 1e-6), height - 1)
        if x0 > x1 or y0 > y1:
            continue
        scale = 1.0 / area
        za, zb, zc = inverse_depth[a], inverse_depth[b], inverse_depth[c]
        dwa, dwb = (by - cy) * scale, (cy - ay) * scale
        dwc = -dwa - dwb
        dz = dwa * za + dwb * zb + dwc * zc
        wide = x1 - x0 > 9
        ia = 1.0 / dwa if wide and abs(dwa) > 1e-12 else 0.0
        ib = 1.0 / dwb if wide and abs(dwb) > 1e-12 else 0.0
        ic = 1.0 / dwc if wide and abs(dwc) > 1e-12 else 0.0
        u0, v0 = uv[a, 0] * za, uv[a, 1] * za
        u1, v1 = uv[b, 0] * zb, uv[b, 1] * zb
        u2, v2 = uv[c, 0] * zc, uv[c, 1] * zc
        for y in range(y0, y1 + 1):
            py, px = y + 0.5, x0 + 0.5
            wa0 = ((bx - px) * (cy - py) - (by - py) * (cx - px)) * scale
            wb0 = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) * scale
            first, last = x0, x1
            if wide:
                # Where each edge is crossed, a sample wider than exact: the test below decides.
                low, high = 0.0, float(x1 - x0)
                wc0 = 1.0 - wa0 - wb0
                if ia > 0.0:
                    low = max(low, -wa0 * ia - 1.0)
                elif ia < 0.0:
                    high = min(high, -wa0 * ia + 1.0)
                if ib > 0.0:
                    low = max(low, -wb0 * ib - 1.0)
                elif ib < 0.0:
                    high = min(high, -wb0 * ib + 1.0)
                if ic > 0.0:
                    low = max(low, -wc0 * ic - 1.0)
                elif ic < 0.0:
                    high = min(high, -wc0 * ic + 1.0)
                if high < low:
                    continue
                first, last = x0 + int(low), x0 + int(high)
            wa = wa0 + dwa * (first - x0)
            wb = wb0 + dwb * (first - x0)
            z = wa * za + wb * zb + (1.0 - wa - wb) * zc
            for x in range(first, last + 1):
                wc = 1.0 - wa - wb
                if wa >= EDGE_SLACK and wb >= EDGE_SLACK and wc >= EDGE_SLACK and z > depth[y, x]:
                    if how < 3:
                        depth[y, x] = z
                        ids[y, x] = t
                    else:
                        v = (wa * v0 + wb * v1 + wc * v2) / z
                        if how == 5:
                            solid = v > 0.0
                        else:
                            u = (wa * u0 + wb * u1 + wc * u2) / z
                            # Each of the four samples of a pixel has its own threshold: coverage becomes soft.
                            threshold = 40 + 56 * ((x & 1) * 2 + ((y ^ x) & 1))
                            column = int(u * tile + 4096.0) & mask
                            solid = strand_alpha[int(v * tile + 4096.0) & mask, column] > threshold
                        if solid:
                            depth[y, x] = z
                            ids[y, x] = t
                wa += dwa
                wb += dwb
                z += dz


@kernel
def cull_strands(
    mode: NDArray[np.uint8],
    triangles: NDArray[np.int32],
    first: int,
    normals: NDArray[np.float32],
    view: NDArray[np.float64],
    points: NDArray[np.float32],
    hanging: float,
) -> NDArray[np.uint8]:
    """Return ``mode`` without the ribbons on the far side of the skull, which cannot be seen past it.

    Args:
        mode, triangles: of the figure; ribbons are the triangles from ``first`` on with mode 2 or 3.
        normals: (V, 3) outward at rest, head space; view: (3,) unit, towards the viewer, head space.
        points: (V, 3) head space; ribbons with a vertex below the height ``hanging`` stay, since they hang free.
    """
    kept = mode.copy()
    for t in range(first, triangles.shape[0]):
        how = mode[t]
        if how != 2 and how != 3:
            continue
        away = 0
        for i in range(3):
            v = triangles[t, i]
            cosine = normals[v, 0] * view[0] + normals[v, 1] * view[1] + normals[v, 2] * view[2]
            if cosine < -0.3 and points[v, 1] > hanging:
                away += 1
        if away == 3:
            kept[t] = 0
    return kept


@kernel
def mark_used(ids: NDArray[np.int32], triangles: NDArray[np.int32], used: NDArray[np.uint8]) -> None:
    """Set ``used`` (V,) to 1 for every vertex of a triangle that some sample shows."""
    last = -1
    for y in range(ids.shape[0]):
        for x in range(ids.shape[1]):
            t = ids[y, x]
            if t >= 0 and t != last:
                used[triangles[t, 0]] = 1
                used[triangles[t, 1]] = 1
                used[triangles[t, 2]] = 1
                last = t


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
