"""Clothes: the lower bust doubled as cloth up to a neckline, a shirt's collar, and cloth below the bust's edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import seed_of
from dgbench.synthface.head.model import Head, Surface
from dgbench.synthface.head.parts import Part
from dgbench.synthface.person.person import COLLARS, Person
from dgbench.synthface.person.strands import Extra
from dgbench.synthface.render.shading import FLAT

_CLOTH = np.array(
    [
        [0.02, 0.022, 0.028],
        [0.04, 0.06, 0.13],
        [0.10, 0.10, 0.11],
        [0.55, 0.55, 0.54],
        [0.33, 0.34, 0.36],
        [0.22, 0.03, 0.035],
        [0.05, 0.14, 0.09],
        [0.34, 0.25, 0.16],
        [0.16, 0.25, 0.40],
        [0.38, 0.16, 0.18],
        [0.30, 0.30, 0.12],
    ]
)
# Neckline: angle from the front in degrees → height, centimetres.
_ANGLE = np.array([0, 12, 25, 50, 90, 130, 180.0])
_NECKLINE = {
    "crew": np.array([-11.6, -11.5, -11.2, -10.4, -9.4, -8.4, -8.0]),
    "v-neck": np.array([-15.5, -13.9, -12.4, -10.6, -9.5, -8.6, -8.2]),
    "shirt": np.array([-12.8, -11.8, -11.2, -10.3, -9.2, -8.2, -7.8]),
    "turtleneck": np.array([-9.2, -9.2, -9.1, -8.6, -7.6, -6.6, -6.2]),
}
_NECK = np.array([0.0, -1.0])


def _angle(points: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.degrees(np.arctan2(np.abs(points[:, 0] - _NECK[0]), points[:, 2] - _NECK[1]))


def make_clothes(
    head: Head, person: Person, rest: NDArray[np.float32], normals: NDArray[np.float32], outfit: int
) -> list[Extra]:
    """Return the clothes number ``outfit`` of a person with neutral vertices ``rest`` and ``normals`` (V, 3)."""
    rng = np.random.default_rng(seed_of("outfit", person.texture_seed, outfit))
    collar = COLLARS[int(rng.integers(len(COLLARS)))]
    color = _CLOTH[int(rng.integers(len(_CLOTH)))] * rng.uniform(0.75, 1.25)
    stripe = rng.random() < 0.25
    skin = head.triangles[head.surface == Surface.SKIN]
    low = skin[(head.vertices[skin][..., 1].max(1) < -5.0)]
    if not len(low):
        return []
    used, local = np.unique(low, return_inverse=True)
    generic = head.vertices[used].astype(np.float64)
    below = np.interp(_angle(generic), _ANGLE, _NECKLINE[collar]) - generic[:, 1]
    # Under the chin the cloth must not cover the jaw.
    below = np.where((generic[:, 1] > -8.6) & (generic[:, 2] > 4.5), -5.0, below)
    swell = 0.25 + 0.35 * np.clip(below / 2.5, 0, 1) + (0.25 if collar == "turtleneck" else 0.0)
    points = rest[used] + normals[used] * swell[:, None]
    base = np.repeat(color[None], len(used), 0)
    if stripe:
        band = 0.5 + 0.5 * np.clip(2.5 * np.sin(generic[:, 1] * 1.9), -1, 1)
        base = base + (base * 0.3 + 0.22 - base) * band[:, None]
    base = base * np.where(below < 0.8, 0.8, 1.0)[:, None]
    pieces = [_cloth(points, normals[used], base, below, local.reshape(-1, 3).astype(np.int32))]
    edge = _hem(head, rest, color)
    if edge is not None:
        pieces.append(edge)
    if collar == "shirt":
        pieces.append(_shirt_collar(head, rest, color * 0.5 + 0.25 * float(color.max() > 0.3)))
    return pieces


def _cloth(
    points: NDArray[np.floating],
    normals: NDArray[np.floating],
    base: NDArray[np.floating],
    inside: NDArray[np.floating],
    triangles: NDArray[np.int32],
) -> Extra:
    count = len(points)
    return Extra(
        points=np.ascontiguousarray(points, np.float32),
        normals=np.ascontiguousarray(normals, np.float32),
        tangents=np.zeros((count, 3), np.float32),
        base=np.ascontiguousarray(np.broadcast_to(base, (count, 3)), np.float32),
        uv=np.stack([np.zeros(count), inside], 1).astype(np.float32),
        gloss=np.full(count, 0.05, np.float32),
        anchor=np.full(count, -1, np.int32),
        triangles=np.ascontiguousarray(triangles, np.int32),
        material=FLAT,
        mode=5,
        part=Part.CLOTHES,
    )


def _hem(head: Head, rest: NDArray[np.float32], color: NDArray[np.float64]) -> Extra | None:
    """Return cloth that continues the bust downwards from its open edge."""
    skin = head.triangles[head.surface == Surface.SKIN]
    edges = np.concatenate([skin[:, [0, 1]], skin[:, [1, 2]], skin[:, [2, 0]]])
    key = np.sort(edges, 1)
    _, index, count = np.unique(key, axis=0, return_index=True, return_counts=True)
    rim = edges[index[count == 1]]
    rim = rim[head.vertices[rim][..., 1].max(1) < -10]
    if not len(rim):
        return None
    used, local = np.unique(rim, return_inverse=True)
    local = local.reshape(-1, 2)
    top = rest[used].astype(np.float64)
    outward = top * [1, 0, 1]
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-6)
    top = top + 0.9 * outward + [0, 1.2, 0]
    bottom = top * [1.25, 1.0, 1.25] + [0, -22.0, 0]
    count_rim = len(used)
    a, b = local[:, 0], local[:, 1]
    triangles = np.concatenate([np.stack([a, a + count_rim, b], 1), np.stack([b, a + count_rim, b + count_rim], 1)])
    extra = _cloth(
        np.concatenate([top, bottom]),
        np.concatenate([outward, outward]),
        np.asarray(color),
        np.ones(2 * count_rim),
        triangles.astype(np.int32),
    )
    return Extra(**{**extra.__dict__, "mode": 2})


def _shirt_collar(head: Head, rest: NDArray[np.float32], color: NDArray[np.float64]) -> Extra:
    """Return a folded collar around the neck, open in front."""
    skin = np.unique(head.triangles[head.surface == Surface.SKIN])
    generic = head.vertices[skin]
    # The neck at its middle height, well behind the chin.
    band = rest[skin][(np.abs(generic[:, 1] + 9.6) < 1.2) & (generic[:, 2] < 6.0)].astype(np.float64)
    turn = np.radians(np.linspace(14, 346, 61))
    direction = np.stack([np.sin(turn), np.cos(turn)], 1)
    flat = band[:, [0, 2]] - _NECK
    reach = np.array([np.percentile(np.maximum(flat @ d, 0), 97) if len(band) else 6.0 for d in direction])
    reach = reach + 0.25
    away = np.degrees(np.minimum(turn, 2 * np.pi - turn))
    neckline = np.interp(away, _ANGLE, _NECKLINE["shirt"])
    rows = []
    for out, up in ((0.1, -1.2), (0.35, 1.3), (0.75, 1.55), (1.25, 1.0), (1.9, -1.1)):
        point = np.interp(away, [14, 45, 90], [1.5, 1.0, 0.9]) if out > 1.5 else np.ones_like(away)
        rows.append(
            np.stack(
                [
                    _NECK[0] + direction[:, 0] * (reach + out),
                    neckline + up * point,
                    _NECK[1] + direction[:, 1] * (reach + out),
                ],
                1,
            )
        )
    grid = np.arange(len(rows) * len(turn)).reshape(len(rows), len(turn))
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]
    triangles = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)])
    points = np.concatenate(rows)
    normal = np.concatenate([np.stack([direction[:, 0], np.full(len(turn), 0.3), direction[:, 1]], 1)] * len(rows))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    extra = _cloth(points, normal, np.asarray(color), np.ones(len(points)), triangles.astype(np.int32))
    return Extra(**{**extra.__dict__, "mode": 2})
