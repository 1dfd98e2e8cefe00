"""A small head made of formulas, for checks where the scanned head is absent: an ellipsoid with a nose and two eyes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgbench.synthface.head.model import Head, Surface, sparse_shapes

_SIDES = ("_L", "_R")
_SIDED = (
    "browDown browInnerUp browOuterUp cheekPuff cheekSquint eyeBlink eyeLookDown eyeLookIn eyeLookOut eyeLookUp "
    "eyeSquint eyeWide mouthDimple mouthFrown mouthLowerDown mouthPress mouthSmile mouthStretch mouthUpperUp noseSneer"
).split()
_SINGLE = (
    "jawForward jawLeft jawOpen jawRight mouthClose mouthFunnel mouthLeft mouthPucker mouthRight mouthRollLower "
    "mouthRollUpper mouthShrugLower mouthShrugUpper"
).split()
# Right half (x > 0, the middle included) of the 68 landmarks on the front of the ellipsoid, centimetres; the other
# half mirrors it.
_JAW = (
    (0.0, -7.6),
    (1.6, -7.3),
    (3.1, -6.9),
    (4.3, -6.2),
    (5.6, -4.6),
    (6.5, -2.4),
    (6.9, -0.5),
    (7.2, 1.5),
    (7.4, 3.6),
)
_BROW = ((1.2, 5.8), (2.4, 6.2), (3.8, 6.3), (4.9, 6.0), (5.8, 5.2))
_NOSE = ((0.0, 3.7), (0.0, 2.6), (0.0, 1.6), (0.0, 0.4))
_BASE = ((0.0, -1.3), (0.6, -1.2), (1.2, -1.1))
_EYE = ((1.8, 3.3), (2.7, 4.0), (3.9, 3.9), (4.5, 3.4), (3.8, 2.9), (2.7, 2.9))
_OUTER = ((2.5, -3.5), (1.7, -2.8), (0.7, -2.4), (0.0, -2.5), (0.0, -4.5), (1.0, -4.4), (1.8, -4.1))
_INNER = ((2.1, -3.5), (1.0, -3.2), (0.0, -3.25), (0.0, -3.6), (1.0, -3.6))


def _landmark_places() -> NDArray[np.float64]:
    """Return (68, 2) iBUG places on the front of the head."""

    def mirrored(points: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
        return [(-x, y) for x, y in points]

    outer_r, inner_r = list(_OUTER), list(_INNER)
    outer_l, inner_l = mirrored(_OUTER), mirrored(_INNER)
    places = [
        *reversed(mirrored(_JAW)[1:]),
        *_JAW,
        *reversed(mirrored(_BROW)),
        *_BROW,
        *_NOSE,
        *reversed(mirrored(_BASE)[1:]),
        *_BASE,
        *[mirrored(_EYE)[i] for i in (3, 2, 1, 0, 5, 4)],
        *_EYE,
        outer_l[0],
        outer_l[1],
        outer_l[2],
        outer_r[3],
        outer_r[2],
        outer_r[1],
        outer_r[0],
        outer_r[6],
        outer_r[5],
        outer_r[4],
        outer_l[5],
        outer_l[6],
        inner_l[0],
        inner_l[1],
        inner_r[2],
        inner_r[1],
        inner_r[0],
        inner_r[4],
        inner_r[3],
        inner_l[4],
    ]
    return np.array(places)


def _sphere(rows: int, columns: int) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return a unit sphere's vertices and its triangles, counter-clockwise from outside; poles on the y axis."""
    latitude = np.linspace(np.pi / 2, -np.pi / 2, rows + 1)[1:-1]
    longitude = np.arange(columns) * 2 * np.pi / columns
    ring = np.stack([np.sin(longitude), np.zeros(columns), np.cos(longitude)], 1)
    body = np.concatenate([ring * np.cos(a) + [0.0, np.sin(a), 0.0] for a in latitude])
    points = np.concatenate([body, [[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]]])
    top, bottom = len(body), len(body) + 1
    triangles = []
    for r in range(rows - 2):
        for c in range(columns):
            a, b = r * columns + c, r * columns + (c + 1) % columns
            triangles += [(a, a + columns, b), (b, a + columns, b + columns)]
    last = (rows - 2) * columns
    for c in range(columns):
        triangles += [(top, c, (c + 1) % columns), (bottom, last + (c + 1) % columns, last + c)]
    return points, np.array(triangles, np.int32)


def analytic_head(rows: int = 48, columns: int = 64) -> Head:
    """Return the small head: same part names, landmark order and expression names as the scanned one.

    Args:
        rows, columns: of the ellipsoid's grid; more makes landmarks sit more exactly.
    """
    unit, skin = _sphere(rows, columns)
    points = unit * [8.2, 11.0, 9.8] + [0.0, 3.2, 0.8]
    front = unit[:, 2] > 0
    nose = np.exp(-(points[:, 0] ** 2) / 1.2 - (points[:, 1] - 0.6) ** 2 / 3.0) * front
    points[:, 2] += 2.4 * nose
    eyes, ball = _sphere(10, 14)
    parts, surface = [points], [np.full(len(skin), Surface.SKIN, np.uint8)]
    triangles, ranges = [skin], []
    for x in (-3.1, 3.1):
        first = sum(len(part) for part in parts)
        parts.append(eyes * 1.45 + [x, 3.6, 8.85])
        triangles.append(ball + np.int32(first))
        surface.append(np.full(len(ball), Surface.EYE, np.uint8))
        ranges.append((first, first + len(eyes)))
    vertices = np.concatenate(parts)
    places = _landmark_places()
    spread = np.linalg.norm(points[None, :, :2] - places[:, None], axis=2) + 100.0 * ~(points[:, 2] > 0)
    names = tuple(sorted([s + side for s in _SIDED for side in _SIDES] + _SINGLE))
    start, vertex, offset = sparse_shapes(_shapes(vertices, names))
    x, y, z = vertices.T
    identity = np.stack(
        [
            np.stack([0.04 * x, 0 * y, 0 * z], 1),
            np.stack([0 * x, 0.035 * (y - 3), 0 * z], 1),
            np.stack([0 * x, 0 * y, 0.3 * np.exp(-(x**2) - (y - 0.6) ** 2 / 3)], 1),
        ]
    )
    return Head(
        vertices=vertices.astype(np.float32),
        triangles=np.concatenate(triangles).astype(np.int32),
        surface=np.concatenate(surface),
        identity=identity.astype(np.float16),
        expression_names=names,
        shape_start=start,
        shape_vertex=vertex,
        shape_offset=offset,
        landmarks68=spread.argmin(1).astype(np.int32),
        eye_vertices=(ranges[0], ranges[1]),
        digest=f"analytic-{rows}x{columns}",
    )


def _shapes(vertices: NDArray[np.float64], names: tuple[str, ...]) -> NDArray[np.float64]:
    """Return dense offsets (E, V, 3): jawOpen lowers the chin, smiles pull the corners, the rest press a little."""
    x, y, z = vertices.T
    front = z > 4.0
    shapes = np.zeros((len(names), *vertices.shape))
    for k, name in enumerate(names):
        side = 1.0 if name.endswith("_L") else -1.0 if name.endswith("_R") else 0.0
        if name == "jawOpen":
            shapes[k, :, 1] = -2.5 * (y < -3.4) * front
        elif name.startswith("mouthSmile"):
            pull = np.exp(-((x - side * 2.4) ** 2) - (y + 3.5) ** 2) * front
            shapes[k] = pull[:, None] * [side * 0.5, 0.7, -0.3]
        else:
            height = {"b": 6.0, "e": 3.5, "c": 0.5, "n": 1.0, "j": -6.0}.get(name[0], -3.5)
            press = np.exp(-((x - side * 3) ** 2) / 2 - (y - height) ** 2 / 2) * front
            shapes[k, :, 2] = 0.2 * press
    return shapes
