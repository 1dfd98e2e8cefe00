"""Eyeballs: sclera with veins, iris with fibres and limbus, pupil, as one small azimuthal texture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import seed_of
from dgbench.synthface.head.model import Head, Surface
from dgbench.synthface.person.person import Person
from dgbench.synthface.person.pigments import iris_color

#: Largest angle from the iris's axis that the texture covers, radians.
EYE_REACH = 1.3
#: Angles of the iris's edge and of the pupil's on the model's eyeball, radians.
IRIS_EDGE, PUPIL_EDGE = 0.40, 0.155
_SIDE = 160


def eye_uv(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return texture coordinates (N, 2) of one eyeball's points: azimuthal about its forward axis."""
    away = points - 0.5 * (points.min(0) + points.max(0))
    across = np.hypot(away[:, 0], away[:, 1])
    angle = np.arctan2(across, away[:, 2])
    unit = away[:, :2] / np.maximum(across, 1e-9)[:, None]
    flat = unit * (np.minimum(angle, EYE_REACH) / EYE_REACH)[:, None]
    return (0.5 + 0.5 * flat * [1, -1]).astype(np.float32)


def paint_eye(person: Person) -> NDArray[np.float64]:
    """Return the eye's colours, linear RGB (160, 160, 3)."""
    rng = np.random.default_rng(seed_of("eye", person.texture_seed))
    y, x = (np.mgrid[0:_SIDE, 0:_SIDE] + 0.5) / _SIDE * 2 - 1
    angle = np.hypot(x, y) * EYE_REACH
    turn = np.arctan2(y, x)
    red = 0.10 + 0.25 * rng.random() + 0.15 * person.age / 75
    corner = np.clip((np.abs(x) * EYE_REACH - 0.35) / 0.6, 0, 1)
    sclera = np.array([0.66, 0.63, 0.60]) * (1 - corner[..., None] * red * np.array([0.25, 0.75, 0.75]))
    veins = np.zeros_like(angle)
    for _ in range(14):
        at, bend = rng.uniform(-np.pi, np.pi), rng.uniform(-0.8, 0.8)
        off = np.abs((turn - at - bend * (angle - 0.6) + np.pi) % (2 * np.pi) - np.pi) * angle
        veins = np.maximum(veins, np.clip(1 - off / 0.018, 0, 1) * np.clip((angle - 0.5) / 0.4, 0, 1))
    sclera = sclera * (1 - red * veins[..., None] * np.array([0.2, 0.75, 0.75]))
    waves = [(int(k), rng.uniform(0, 2 * np.pi)) for k in rng.integers(20, 70, 8)]
    fibre = sum(np.cos(k * turn + phase + 4 * angle) for k, phase in waves) / 8
    inner = np.clip((angle - PUPIL_EDGE) / (IRIS_EDGE - PUPIL_EDGE), 0, 1)
    color = iris_color(person.eye_color)
    ring = color * np.array([1.5, 1.15, 0.75])
    iris = color + (ring - color) * np.exp(-(((inner - 0.12) / 0.22) ** 2))[..., None]
    iris = iris * (1.15 + 0.5 * fibre)[..., None] * (1 - 0.72 * np.clip((inner - 0.72) / 0.28, 0, 1) ** 2)[..., None]
    to_iris = np.clip((IRIS_EDGE + 0.012 - angle) / 0.045, 0, 1)[..., None]
    picture = sclera * (1 - to_iris) + iris * to_iris
    to_pupil = np.clip((PUPIL_EDGE * (1 - 0.12 * rng.random()) - angle) / 0.02 + 0.5, 0, 1)[..., None]
    return np.clip(picture * (1 - to_pupil) + 0.004 * to_pupil, 0, 1)


def lash_uv(head: Head, lash: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return strand-tile coordinates (N, 2) of the lash vertices: u along the lid, v from root (0) to tip (1)."""
    from scipy.spatial import cKDTree

    skin = np.unique(head.triangles[head.surface == Surface.SKIN])
    points = head.vertices[lash]
    away, _ = cKDTree(head.vertices[skin]).query(points)
    upper = points[:, 1] > 3.3
    # The lower lashes are short and sparse.
    v = np.clip(np.where(upper, 0.2 + away / 0.62, 0.84 + away / 0.5), 0, 0.99)
    return np.stack([points[:, 0] * 2.7, v], 1).astype(np.float32)
