"""A figure: one person's mesh, materials and textures on one head, built once and kept for the next renders."""

from __future__ import annotations

import functools
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dgbench.synthface.head.geometry import vertex_normals
from dgbench.synthface.head.model import Head, Surface
from dgbench.synthface.head.parts import Part
from dgbench.synthface.person.beard import grow_beard
from dgbench.synthface.person.clothing import make_clothes
from dgbench.synthface.person.eyes import eye_uv, lash_uv, paint_eye
from dgbench.synthface.person.fields import skin_uv
from dgbench.synthface.person.glasses import make_glasses
from dgbench.synthface.person.hair import grow_hair
from dgbench.synthface.person.person import Person
from dgbench.synthface.person.pigments import skin_color
from dgbench.synthface.person.skin import encode_srgb, mip_levels, paint_skin
from dgbench.synthface.person.strands import strand_tiles
from dgbench.synthface.render.camera import PIVOT
from dgbench.synthface.render.occlusion import bake_ambient
from dgbench.synthface.render.shading import EYE, FLAT, LASH, SKIN, STRAND

_KEEP = 6


@dataclass(frozen=True, eq=False)
class Figure:
    """Arrays that the renderer draws; V vertices of which the first H belong to the head, T triangles.

    Attributes:
        rest: float32 (V, 3), neutral.
        anchor: int32 (V - H,), the head vertex each extra vertex moves with, -1: none.
        triangles: int32 (T, 3); the first ``smooth`` get normals anew for each picture.
        mode, material, part: uint8 (T,), see ``raster.rasterize``, ``shading`` and ``parts``.
        closed_mode: uint8 (T,), the same without what a closed mouth hides; shadow_mode: what casts shadows;
            lash_mode: the lashes alone, which ``mode`` leaves out.
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
    closed_mode: NDArray[np.uint8]
    shadow_mode: NDArray[np.uint8]
    lash_mode: NDArray[np.uint8]
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


@functools.lru_cache(maxsize=4)
def _sex_typical(head: Head) -> NDArray[np.float32]:
    """Return the unit direction (I,) of identity coefficients towards a wide jaw, low brows, a long nose, thin lips."""
    marks = head.identity[:, head.landmarks68].astype(np.float64)
    jaw = marks[:, 12, 0] - marks[:, 4, 0] + 0.7 * (marks[:, 10, 0] - marks[:, 6, 0])
    brow = marks[:, 37, 1] + marks[:, 44, 1] - marks[:, 19, 1] - marks[:, 24, 1]
    nose = marks[:, 27, 1] - marks[:, 33, 1] + marks[:, 35, 0] - marks[:, 31, 0]
    chin = marks[:, 57, 1] - marks[:, 8, 1]
    lips = marks[:, 57, 1] - marks[:, 51, 1]
    total = np.zeros(len(marks))
    for measure, weight in ((jaw, 1.0), (brow, 0.8), (nose, 0.5), (chin, 0.5), (lips, 0.5)):
        total += weight * measure / max(float(np.sqrt((measure**2).sum())), 1e-9)
    return (total / max(float(np.linalg.norm(total)), 1e-9)).astype(np.float32)


def neutral_face(head: Head, person: Person) -> NDArray[np.float32]:
    """Return the person's neutral vertices (V, 3)."""
    count = min(len(head.identity), len(person.shape))
    coefficients = np.asarray(person.shape[:count], np.float32)
    coefficients = coefficients + np.float32(1.1 * person.masculinity) * _sex_typical(head)[:count]
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


def _head_extra(head: Head, person: Person, rest: NDArray[np.float32]) -> tuple[NDArray, ...]:
    """Return per-vertex material, uv, base and gloss of the head mesh, and per-triangle material, part and mode."""
    count = len(head.vertices)
    uv = skin_uv(head.vertices)
    base = np.ones((count, 3), np.float32)
    gloss = np.full(count, 0.25 + 0.6 * person.oiliness, np.float32)
    vertex_material = np.full(count, FLAT, np.uint8)
    tones = dict(_FLAT_COLORS)
    bare = skin_color(person.melanin, 0.7, 0.2)
    tones[Surface.SOCKET] = (float(bare[0]), float(bare[1] * 0.75), float(bare[2] * 0.72))
    for surface, color in tones.items():
        base[np.unique(head.triangles[head.surface == surface])] = color
    skin = np.unique(head.triangles[head.surface == Surface.SKIN])
    vertex_material[skin] = SKIN
    base[skin] = 1.0
    for first, last in head.eye_vertices:
        uv[first:last] = eye_uv(head.vertices[first:last])
        base[first:last] = 1.0
        vertex_material[first:last] = EYE
    lash = np.unique(head.triangles[head.surface == Surface.LASH])
    if len(lash):
        uv[lash] = lash_uv(head, lash)
        vertex_material[lash] = LASH
        gloss[lash] = 0.1
    material = np.full(len(head.triangles), FLAT, np.uint8)
    part = np.full(len(head.triangles), Part.MOUTH, np.uint8)
    mode = np.ones(len(head.triangles), np.uint8)
    material[head.surface == Surface.SKIN] = SKIN
    material[head.surface == Surface.EYE] = EYE
    material[head.surface == Surface.LASH] = LASH
    part[(head.surface == Surface.SKIN) | (head.surface == Surface.SOCKET)] = Part.SKIN
    part[(head.surface == Surface.EYE) | (head.surface == Surface.LASH)] = Part.EYES
    # Upper lashes only: at these sizes lower ones read as dirt.
    lash_height = head.vertices[head.triangles][..., 1].mean(1)
    mode[head.surface == Surface.LASH] = 0
    mode[(head.surface == Surface.LASH) & (lash_height > 3.3)] = 3
    return vertex_material, uv, base, gloss, material, part, mode


def _rest_normals(points: NDArray[np.float32], triangles: NDArray[np.int32]) -> NDArray[np.float32]:
    normals = np.zeros_like(points)
    vertex_normals(points, triangles, len(triangles), normals)
    return normals


def _without(mode: NDArray[np.uint8], head: Head, surfaces: tuple[Surface, ...]) -> NDArray[np.uint8]:
    """Return ``mode`` with the head's triangles of ``surfaces`` switched off."""
    rest = mode.copy()
    rest[: len(head.triangles)][np.isin(head.surface, surfaces)] = 0
    return rest


def build_figure(head: Head, person: Person, outfit: int = 0) -> Figure:
    """Build the arrays of one person on one head in the clothes number ``outfit``."""
    rest = neutral_face(head, person)
    normals = _rest_normals(rest, head.triangles)
    vertex_material, uv, base, gloss, material, part, mode = _head_extra(head, person, rest)
    extras = [
        *grow_hair(head, person, rest),
        *grow_beard(head, person, rest, normals),
        *make_glasses(head, person, rest),
        *make_clothes(head, person, rest, normals, outfit),
    ]
    points, uvs, bases, glosses = [rest], [uv], [base], [gloss]
    norms, tangents = [normals], [np.zeros_like(rest)]
    triangles, materials, parts, modes = [head.triangles], [material], [part], [mode]
    kinds, anchors = [vertex_material], [np.zeros(0, np.int32)]
    first = len(rest)
    for extra in extras:
        count = len(extra.triangles)
        points.append(extra.points)
        uvs.append(extra.uv)
        bases.append(extra.base)
        glosses.append(extra.gloss)
        norms.append(extra.normals)
        tangents.append(extra.tangents)
        anchors.append(extra.anchor)
        triangles.append(extra.triangles + np.int32(first))
        materials.append(np.full(count, extra.material, np.uint8))
        parts.append(np.full(count, extra.part, np.uint8))
        modes.append(np.full(count, extra.mode, np.uint8))
        kinds.append(np.full(len(extra.points), extra.material, np.uint8))
        first += len(extra.points)
    strand_alpha, strand_shade = strand_tiles()
    all_points, all_normals = np.concatenate(points), np.concatenate(norms)
    all_triangles, all_modes, all_uv = np.concatenate(triangles), np.concatenate(modes), np.concatenate(uvs)
    all_kinds = np.concatenate(kinds)
    inside = (Surface.GUMS, Surface.TEETH, Surface.MOUTH, Surface.LASH, Surface.SOCKET)
    shadow_mode = _without(np.where(all_modes == 3, np.uint8(2), all_modes), head, inside)
    lash_mode = np.zeros_like(all_modes)
    lashes = head.surface == Surface.LASH
    lash_mode[: len(lashes)][lashes] = all_modes[: len(lashes)][lashes]
    occlusion = bake_ambient(
        all_points,
        all_normals,
        np.asarray(PIVOT),
        all_triangles,
        shadow_mode,
        all_uv,
        strand_alpha,
        all_kinds == STRAND,
    )
    occlusion = np.maximum(occlusion, np.where(all_kinds == FLAT, np.float32(0.45), np.float32(0.12)))
    return Figure(
        rest=all_points,
        anchor=np.concatenate(anchors),
        triangles=all_triangles,
        smooth=len(head.triangles),
        mode=_without(all_modes, head, (Surface.LASH,)),
        closed_mode=_without(all_modes, head, (Surface.LASH, Surface.GUMS, Surface.TEETH)),
        shadow_mode=shadow_mode,
        lash_mode=lash_mode,
        material=np.concatenate(materials),
        part=np.concatenate(parts),
        vertex_material=all_kinds,
        uv=all_uv,
        base=np.concatenate(bases),
        gloss=np.concatenate(glosses),
        occlusion=occlusion,
        normals=all_normals,
        tangents=np.concatenate(tangents),
        skin=mip_levels(paint_skin(head, person)),
        eye=encode_srgb(paint_eye(person)),
        strand_alpha=strand_alpha,
        strand_shade=strand_shade,
    )


_figures: OrderedDict[tuple[str, Person, int], Figure] = OrderedDict()


def figure_of(head: Head, person: Person, outfit: int) -> Figure:
    """Return the figure, from the few kept last where possible."""
    key = (head.digest, person, outfit)
    if key in _figures:
        _figures.move_to_end(key)
        return _figures[key]
    figure = build_figure(head, person, outfit)
    _figures[key] = figure
    while len(_figures) > _KEEP:
        _figures.popitem(last=False)
    return figure
