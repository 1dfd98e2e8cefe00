"""The skin texture: pigments, blood, lips, brows, stubble, creases and pores over the whole head, baked per person."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import seed_of
from dgbench.synthface.head.model import Head
from dgbench.synthface.head.parts import Part
from dgbench.synthface.person.face_marks import brow_cover, crease_depth, lip_cover, splat, spots
from dgbench.synthface.person.fields import TEXTURE_SHAPE, TextureField, texture_field
from dgbench.synthface.person.noise import noise
from dgbench.synthface.person.person import Person
from dgbench.synthface.person.pigments import hair_color, skin_color
from dgbench.synthface.person.scalp import beard_density, scalp_field

#: Hair styles → (how far the hairline has receded, whether the scalp shows hair at all).
RECEDE = {"bald": 2.0, "receding": 1.0}
_LIPSTICK = np.array([[0.42, 0.035, 0.05], [0.46, 0.10, 0.12], [0.30, 0.03, 0.07], [0.50, 0.16, 0.14]])


def encode_srgb(linear: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return sRGB bytes of linear colours."""
    value = np.clip(linear, 0, 1)
    code = np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)
    return np.rint(code * 255).astype(np.uint8)


def _bump(position: NDArray[np.float64], center: tuple[float, float, float], radius: float) -> NDArray[np.float64]:
    mirrored = position.copy()
    mirrored[..., 0] = np.abs(mirrored[..., 0])
    return np.exp(-(((mirrored - center) ** 2).sum(-1)) / radius**2)


def _blood(position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where more blood shows through, about -0.3..1: cheeks, nose, ears, chin; less on the forehead."""
    cheeks = _bump(position, (4.4, 0.2, 8.2), 2.3)
    nose = _bump(position, (0.0, 0.4, 12.6), 1.7) + 0.6 * _bump(position, (1.3, -0.6, 11.0), 0.9)
    ears = _bump(position, (8.0, 2.0, 1.0), 2.6)
    chin = _bump(position, (0.0, -6.3, 10.8), 1.6)
    lids = _bump(position, (3.1, 3.6, 9.2), 1.5)
    forehead = _bump(position, (0.0, 9.0, 9.0), 4.0)
    return 0.55 * cheeks + 0.6 * nose + 0.55 * ears + 0.3 * chin + 0.3 * lids - 0.2 * forehead


def grown_hair_color(person: Person) -> NDArray[np.float64]:
    """Return the person's head-hair colour, linear RGB."""
    return hair_color(person.hair_melanin, person.hair_red, person.hair_grey)


def paint_skin(head: Head, person: Person) -> NDArray[np.uint8]:
    """Return the texture (h, w, 4): sRGB, and a byte of ``part + 16 * gloss`` (gloss 8 = as the vertex says)."""
    field = texture_field(head)
    rng = np.random.default_rng(seed_of("skin", person.texture_seed))
    where = field.position
    position = where.astype(np.float64)
    broad = noise(rng, where, 0.35, 3)
    fine = noise(rng, where, 1.6, 3)
    pores = noise(rng, where, 7.0, 2)
    creases = crease_depth(field, rng, person.age)
    freckle, mole = spots(field, rng, person.freckles)
    under_eye = _bump(position, (2.9, 2.0, 9.2), 0.95) * (0.35 + 0.5 * rng.random() + 0.006 * person.age)
    sun = 0.5 + 0.5 * np.clip((position[..., 1] + 9) / 6, 0, 1)
    melanin = person.melanin * (1 + 0.10 * broad + 0.05 * person.mottling * fine) * (0.9 + 0.1 * sun)
    melanin = melanin + 0.05 * under_eye + 0.22 * freckle + 0.6 * mole + (0.05 + 0.06 * person.melanin) * creases
    blood = person.haemoglobin * (0.75 + 0.25 * broad) + 0.38 * _blood(position) * (0.6 + 0.6 * person.haemoglobin)
    blood = blood + person.mottling * 0.28 * (fine + 0.5 * broad) + 0.15 * under_eye + 0.25 * creases
    blood = blood * (1 - 0.45 * person.melanin)
    color = skin_color(np.clip(melanin, 0, 1.3), np.clip(blood + 0.15, 0, 1.6), person.melanin_type * 0.6)
    color *= (1 + 0.035 * pores + 0.02 * fine)[..., None]
    gloss = 7.0 + 1.6 * pores + 3.0 * _bump(position, (0, 0.2, 12.8), 2.0) + 1.5 * _bump(position, (0, 8, 9), 3.0)
    part = np.full(TEXTURE_SHAPE, int(Part.SKIN))
    color, gloss, part = _paint_lips(head, field, person, rng, color, gloss, part)
    color, gloss, part = _paint_growth(head, field, person, rng, color, gloss, part)
    texture = np.empty((*TEXTURE_SHAPE, 4), np.uint8)
    texture[..., :3] = encode_srgb(color)
    texture[..., 3] = part + 16 * np.clip(np.rint(gloss), 0, 15).astype(int)
    return texture


_Layers = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]


def _paint_lips(
    head: Head,
    field: TextureField,
    person: Person,
    rng: np.random.Generator,
    color: NDArray[np.float64],
    gloss: NDArray[np.float64],
    part: NDArray[np.int64],
) -> _Layers:
    x = field.position[..., 0].astype(np.float64)
    lips = lip_cover(head, field, noise(rng, field.position, 3.0, 2))
    lines = 0.5 + 0.5 * np.sin(x * 26 + 3 * noise(rng, field.position, 1.5))
    tone = skin_color(person.melanin * 0.8 + 0.10, 0.95 + 0.75 * person.lip_color, 0.2)
    tone = tone * (0.93 + 0.10 * lines)[..., None]
    if person.lipstick:
        stick = _LIPSTICK[int(rng.integers(len(_LIPSTICK)))] * (1 - 0.45 * person.melanin)
        tone = tone + (stick * (0.92 + 0.12 * lines)[..., None] - tone) * 0.8 * person.lipstick
    cover = lips[..., None] * 0.88
    part = np.where(lips > 0.5, int(Part.LIPS), part)
    return color * (1 - cover) + tone * cover, gloss + lips * (3 + 4 * person.lipstick), part


def _paint_growth(
    head: Head,
    field: TextureField,
    person: Person,
    rng: np.random.Generator,
    color: NDArray[np.float64],
    gloss: NDArray[np.float64],
    part: NDArray[np.int64],
) -> _Layers:
    """Paint brows, beard and scalp hair as what shows on the skin; longer hair stands on top as strands."""
    where = field.position
    hair = grown_hair_color(person)
    brow_tone = hair_color(max(person.hair_melanin, 0.45) * 0.97, person.hair_red, 0.55 * person.hair_grey) * 0.8
    arch = 0.22 * (0.5 - 0.5 * person.masculinity) + rng.normal(0, 0.07)
    brows = brow_cover(head, field, rng, person.brow_thickness, person.brow_density, arch)
    color = color + (brow_tone - color) * (0.92 * brows)[..., None]
    part = np.where(brows > 0.45, int(Part.BROWS), part)
    grain = noise(rng, where, 9.0)
    shadow_tone = 0.4 * hair + 0.6 * color * np.array([0.42, 0.46, 0.52])
    if person.masculinity > 0:
        style = "full" if person.beard == "none" else person.beard
        everywhere = beard_density("full", where) * (0.16 + 0.12 * rng.random())
        grown = beard_density(style, where) * {"none": 0.0, "stubble": 0.58}.get(person.beard, 0.9)
        patchy = np.clip(1.0 + 0.3 * noise(rng, where, 0.9, 2), 0, 1)
        ragged = np.clip(grown * patchy * (1.0 + 0.55 * grain * (person.beard == "stubble")), 0, 1)
        color = color + (shadow_tone - color) * everywhere[..., None]
        tone = np.minimum(shadow_tone * 0.75 + 0.25 * hair, color * 0.8) if person.beard == "stubble" else 0.8 * hair
        color = color + (tone - color) * ragged[..., None]
        gloss = gloss * (1 - 0.7 * ragged)
        part = np.where(ragged > 0.5, int(Part.BEARD), part)
    shift = rng.normal(0, 2.0)
    above = scalp_field(where, recede=RECEDE.get(person.hair_style, 0.0), shift=shift)
    ragged_edge = above + 2.6 * noise(rng, where, 1.3, 2) + 3.0 * grain
    cover = 1 / (1 + np.exp(-np.clip(ragged_edge / 1.8, -30, 30)))
    if person.hair_style in ("bald", "buzz"):
        cover = cover * (0.30 if person.hair_style == "bald" else 0.84) * (1 + 0.3 * grain)
        tone = 0.5 * hair + 0.5 * shadow_tone
    else:
        tone = np.broadcast_to(hair * 0.42, color.shape)
    cover = np.clip(cover, 0, 1)
    color = color + (tone - color) * cover[..., None]
    part = np.where(cover > 0.5, int(Part.HAIR), part)
    return color, gloss * (1 - 0.75 * cover), part


def mip_levels(texture: NDArray[np.uint8], count: int = 3) -> tuple[NDArray[np.uint8], ...]:
    """Return the texture and its halved copies; colours and gloss are averaged, the part is the first texel's."""
    levels = [texture]
    for _ in range(count - 1):
        last = levels[-1].astype(np.float64)
        h, w = last.shape[0] // 2, last.shape[1] // 2
        blocks = last[: 2 * h, : 2 * w].reshape(h, 2, w, 2, 4)
        level = np.empty((h, w, 4), np.uint8)
        level[..., :3] = np.rint(np.sqrt((blocks[..., :3] ** 2).mean((1, 3))))
        code = levels[-1][: 2 * h : 2, : 2 * w : 2, 3]
        gloss = np.rint((blocks[..., 3] // 16).mean((1, 3)))
        level[..., 3] = (code & 15) + 16 * gloss.astype(np.uint8)
        levels.append(level)
    return tuple(np.ascontiguousarray(level) for level in levels)


__all__ = ["RECEDE", "encode_srgb", "grown_hair_color", "mip_levels", "paint_skin", "splat"]
