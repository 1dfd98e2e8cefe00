"""A figure: one person's mesh, materials and textures on one head, built once and kept for the next renders."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dgbench.datasets.synthface.head import Head, Surface
from dgbench.datasets.synthface.parts import Part
from dgbench.datasets.synthface.person import Person
from dgbench.datasets.synthface.shading import EYE, FLAT, SKIN

#: Centre of the spherical texture coordinates, centimetres in the generic face.
UV_CENTER = (0.0, 1.0, 0.0)
#: Largest angle from the iris's axis that the eye texture covers, radians.
EYE_REACH = 1.9
_KEEP = 6


@dataclass(frozen=True, eq=False)
class Figure:
    """Arrays that the renderer draws; V vertices of which the first H belong to the head, T triangles.

    Attributes:
        rest: float32 (V, 3), neutral.
        anchor: int32 (V - H,), the head vertex each extra vertex moves with, -1: none.
        triangles: int32 (T, 3); the first ``smooth`` get normals anew for each picture.
        mode, material, part: uint8 (T,), see ``raster.rasterize``, ``shading`` and ``parts``.
        vertex_material: uint8 (V,).
        uv: float32 (V, 2); base: float32 (V, 3) linear; gloss, occlusion: float32 (V,).
        normals, tangents: float32 (V, 3) at rest; what ``smooth`` does not cover is only turned.
        skin: uint8 textures (h, w, 4), each half the size of the one before; eye: uint8 (h, w, 3).
        strand_alpha, strand_shade: uint8 tiles of hair.
    """

    rest: NDArray[np.float32]
    anchor: NDArray[np.int32]
    triangles: NDArray[np.int32]
    smooth: int
    mode: NDArray[np.uint8]
    material: NDArray[np.uint8]
    part: NDArray[np.uint8]
    vertex_material: NDArray[np.uint8]
    uv: NDArray[np.float32]
    base: NDArray[np.float32]
    gloss: NDArray[np.float32]
    occlusion: NDArray[np.float32]
    normals: NDArray[np.float32]
    tangents: NDArray[np.float32]
    skin: tuple[NDArray[np.uint8], ...]
    eye: NDArray[np.uint8]
    strand_alpha: NDArray[np.uint8]
    strand_shade: NDArray[np.uint8]


def skin_uv(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return spherical texture coordinates (N, 2) in 0..1 of points of the generic face; v grows downwards."""
    x, y, z = (points - np.asarray(UV_CENTER)).T
    longitude = np.arctan2(x, z)
    latitude = np.arctan2(y, np.hypot(x, z))
    return np.stack([0.5 + longitude / (2 * np.pi), 0.5 - latitude / np.pi], 1).astype(np.float32)


def eye_uv(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return texture coordinates (N, 2) of one eyeball's points: azimuthal about its forward axis."""
    away = points - 0.5 * (points.min(0) + points.max(0))
    across = np.hypot(away[:, 0], away[:, 1])
    angle = np.arctan2(across, away[:, 2])
    unit = away[:, :2] / np.maximum(across, 1e-9)[:, None]
    flat = unit * (angle / EYE_REACH)[:, None]
    return (0.5 + 0.5 * flat * [1, -1]).astype(np.float32)


def neutral_face(head: Head, person: Person) -> NDArray[np.float32]:
    """Return the person's neutral vertices (V, 3)."""
    count = min(len(head.identity), len(person.shape))
    coefficients = np.asarray(person.shape[:count], np.float32)
    offsets = np.zeros(head.vertices.shape, np.float32)
    for coefficient, component in zip(coefficients, head.identity, strict=False):
        offsets += coefficient * component.astype(np.float32)
    return head.vertices + offsets


_FLAT_COLORS = {
    Surface.MOUTH: (0.20, 0.055, 0.05),
    Surface.SOCKET: (0.45, 0.22, 0.18),
    Surface.GUMS: (0.36, 0.11, 0.10),
    Surface.TEETH: (0.66, 0.60, 0.50),
    Surface.LASH: (0.02, 0.015, 0.012),
}


def build_figure(head: Head, person: Person) -> Figure:
    """Build the arrays of one person on one head."""
    count = len(head.vertices)
    rest = neutral_face(head, person)
    uv = skin_uv(head.vertices)
    base = np.ones((count, 3), np.float32)
    gloss = np.full(count, 0.5, np.float32)
    vertex_material = np.full(count, FLAT, np.uint8)
    for surface, color in _FLAT_COLORS.items():
        base[np.unique(head.triangles[head.surface == surface])] = color
    vertex_material[np.unique(head.triangles[head.surface == Surface.SKIN])] = SKIN
    base[vertex_material == SKIN] = 1.0
    for first, last in head.eye_vertices:
        uv[first:last] = eye_uv(head.vertices[first:last])
        base[first:last] = 1.0
        vertex_material[first:last] = EYE
    material = np.full(len(head.triangles), FLAT, np.uint8)
    material[head.surface == Surface.SKIN] = SKIN
    material[head.surface == Surface.EYE] = EYE
    part = np.full(len(head.triangles), Part.MOUTH, np.uint8)
    part[(head.surface == Surface.SKIN) | (head.surface == Surface.SOCKET)] = Part.SKIN
    part[(head.surface == Surface.EYE) | (head.surface == Surface.LASH)] = Part.EYES
    mode = np.ones(len(head.triangles), np.uint8)
    mode[head.surface == Surface.LASH] = 2
    skin = np.full((64, 128, 4), (200, 150, 128, 1 + (8 << 4)), np.uint8)
    eye = np.full((64, 64, 3), 225, np.uint8)
    yy, xx = np.mgrid[0:64, 0:64] - 31.5
    angle = np.hypot(xx, yy) / 32 * EYE_REACH
    eye[angle < 0.42] = (90, 60, 40)
    eye[angle < 0.18] = (10, 8, 8)
    tile = np.full((128, 128), 128, np.uint8)
    return Figure(
        rest=rest,
        anchor=np.zeros(0, np.int32),
        triangles=head.triangles,
        smooth=len(head.triangles),
        mode=mode,
        material=material,
        part=part,
        vertex_material=vertex_material,
        uv=uv,
        base=base,
        gloss=gloss,
        occlusion=np.ones(count, np.float32),
        normals=np.zeros((count, 3), np.float32),
        tangents=np.zeros((count, 3), np.float32),
        skin=(skin,),
        eye=eye,
        strand_alpha=tile,
        strand_shade=tile,
    )


_figures: OrderedDict[tuple[str, Person, int], Figure] = OrderedDict()


def figure_of(head: Head, person: Person, outfit: int) -> Figure:
    """Return the figure, from the few kept last where possible."""
    key = (head.digest, person, outfit)
    if key in _figures:
        _figures.move_to_end(key)
        return _figures[key]
    figure = build_figure(head, person)
    _figures[key] = figure
    while len(_figures) > _KEEP:
        _figures.popitem(last=False)
    return figure
