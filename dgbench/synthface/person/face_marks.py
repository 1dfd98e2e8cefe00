"""Marks drawn on the face's front: lip outline, brow hairs, creases, freckles and moles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgbench.synthface.head.model import Head
from dgbench.synthface.person.fields import TEXTURE_SHAPE, TextureField, front_points, skin_uv


def _closed_curve(points: NDArray[np.float64], pieces: int = 5) -> NDArray[np.float64]:
    """Return a Catmull-Rom curve through closed polygon ``points`` (N, 2), ``pieces`` a side."""
    before, after, later = np.roll(points, 1, 0), np.roll(points, -1, 0), np.roll(points, -2, 0)
    t = (np.arange(pieces) / pieces)[None, :, None]
    a, b, c, d = (p[:, None] for p in (before, points, after, later))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return curve.reshape(-1, 2)


def signed_distance(points: NDArray[np.floating], polygon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance (N,) of 2D ``points`` to a closed polygon, negative inside."""
    start, end = polygon, np.roll(polygon, -1, 0)
    best = np.full(len(points), np.inf)
    inside = np.zeros(len(points), bool)
    px, py = points[:, 0], points[:, 1]
    for (ax, ay), (bx, by) in zip(start, end, strict=True):
        dx, dy = bx - ax, by - ay
        t = np.clip(((px - ax) * dx + (py - ay) * dy) / max(dx * dx + dy * dy, 1e-12), 0, 1)
        best = np.minimum(best, (px - ax - t * dx) ** 2 + (py - ay - t * dy) ** 2)
        if ay != by:
            inside ^= ((ay > py) != (by > py)) & (px < dx * (py - ay) / dy + ax)
    return np.sqrt(best) * np.where(inside, -1, 1)


def lip_cover(head: Head, field: TextureField, wobble: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the lips' cover (h, w), 0..1; ``wobble`` (h, w) in -1..1 makes the edge natural."""
    marks = head.vertices[head.landmarks68][:, :2].astype(np.float64)
    outline = _closed_curve(marks[48:60])
    position = field.position
    cover = np.zeros(TEXTURE_SHAPE)
    low, high = outline.min(0) - 0.6, outline.max(0) + 0.6
    near = (
        (position[..., 2] > 7)
        & (position[..., 0] > low[0])
        & (position[..., 0] < high[0])
        & (position[..., 1] > low[1])
        & (position[..., 1] < high[1])
    )
    away = signed_distance(position[near][:, :2], outline)
    cover[near] = 1 / (1 + np.exp(np.clip((away - 0.05 + 0.05 * wobble[near]) / 0.055, -30, 30)))
    return cover


def splat(points: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (h, w) the weights of generic-face ``points`` (N, 3) shared among their four nearest texels."""
    height, width = TEXTURE_SHAPE
    uv = skin_uv(points).astype(np.float64)
    x, y = uv[:, 0] * width - 0.5, np.clip(uv[:, 1] * height - 0.5, 0, height - 1.001)
    ix, iy = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = x - ix, y - iy
    total = np.zeros(height * width)
    for dx, dy, share in ((0, 0, (1 - fx) * (1 - fy)), (1, 0, fx * (1 - fy)), (0, 1, (1 - fx) * fy), (1, 1, fx * fy)):
        total += np.bincount((iy + dy) * width + (ix + dx) % width, weight * share, height * width)
    return total.reshape(TEXTURE_SHAPE)


def brow_cover(
    head: Head, field: TextureField, rng: np.random.Generator, thickness: float, density: float, arch: float
) -> NDArray[np.float64]:
    """Return the brows' cover (h, w), 0..1, drawn hair by hair.

    Args:
        head, field: of the generic face.
        rng: the person's.
        thickness, density: 0..1.
        arch: centimetres that the outer third is raised.
    """
    marks = head.vertices[head.landmarks68][:, :2].astype(np.float64)
    points: list[NDArray[np.float64]] = []
    for side, brow in ((-1.0, marks[17:22][::-1]), (1.0, marks[22:27])):
        count = int(170 + 260 * density)
        along = rng.random(count) ** 0.9
        place = np.interp(along, np.linspace(0, 1, 5), brow[:, 0]) + rng.normal(0, 0.04, count)
        height = np.interp(along, np.linspace(0, 1, 5), brow[:, 1]) + arch * np.exp(-(((along - 0.65) / 0.25) ** 2))
        half = (0.26 + 0.36 * thickness) * np.interp(along, [0, 0.12, 0.45, 1.0], [0.75, 1.0, 0.85, 0.22])
        across = np.clip(rng.normal(0, 0.5, count), -1, 1)
        y = height - 0.08 + half * across
        # Hairs stand up at the nose and lie down towards the temple, upper and lower rows leaning to the middle.
        lean = np.interp(along, [0, 0.25, 0.6, 1.0], [75, 40, 14, -22]) - 16 * across + rng.normal(0, 9, count)
        length = rng.uniform(0.38, 0.72, count) * np.interp(along, [0, 0.2, 1], [0.75, 1.0, 0.7])
        step = np.linspace(0, 1, 15)[None]
        angle = np.radians(lean)[:, None] - 0.5 * step * np.radians(np.sign(lean))[:, None] * 20
        x = place[:, None] + side * np.cumsum(np.cos(angle), 1) * length[:, None] / 15
        ys = y[:, None] + np.cumsum(np.sin(angle), 1) * length[:, None] / 15
        points.append(np.stack([x.ravel(), ys.ravel()], 1))
    spot = np.concatenate(points)
    weight = np.full(len(spot), 0.34 + 0.3 * density)
    return 1 - np.exp(-0.95 * splat(front_points(field, spot[:, 0], spot[:, 1]), weight))


def crease_depth(field: TextureField, rng: np.random.Generator, age: float) -> NDArray[np.float64]:
    """Return how deep the creases of an age lie (h, w), 0..1: forehead, crow's feet, nose to mouth, under the eye."""
    strength = float(np.clip((age - 26) / 38, 0, 1))
    x, y, z = np.moveaxis(field.position.astype(np.float64), -1, 0)
    ax = np.abs(x)
    front = z > 5
    wave = 0.16 * np.sin(x * 1.1 + rng.uniform(0, 6)) + 0.1 * np.sin(x * 2.3 + rng.uniform(0, 6))
    total = np.zeros(TEXTURE_SHAPE)
    for level in (7.3, 8.1, 8.9, 9.6):
        line = np.exp(-(((y - level - wave - 0.02 * x * x + rng.normal(0, 0.1)) / 0.07) ** 2))
        total += line * np.exp(-((ax / 4.2) ** 4)) * rng.uniform(0.35, 0.8) * (z > 6)
    for slope in (-0.35, 0.0, 0.3):
        line = np.exp(-(((y - 3.35 - slope * (ax - 4.6)) / 0.06) ** 2))
        total += 0.55 * line * np.exp(-(((ax - 5.35) / 0.55) ** 2)) * front
    fold_x = np.interp(y, [-4.6, -3.6, -2.0, -0.6], [3.6, 3.35, 2.75, 1.95])
    fold = np.exp(-(((ax - fold_x) / 0.13) ** 2)) * np.exp(-(((y + 2.1) / 1.35) ** 4)) * (z > 7)
    total += 0.9 * fold
    bag = np.exp(-(((y - 2.05 + 0.12 * (ax - 3.1) ** 2) / 0.1) ** 2)) * np.exp(-(((ax - 3.0) / 1.2) ** 4)) * (z > 7)
    frown = np.exp(-(((ax - 0.55) / 0.07) ** 2)) * np.exp(-(((y - 5.6) / 0.7) ** 4)) * (z > 8)
    return np.clip(strength * (total + 0.6 * frown) + (0.12 + 0.5 * strength) * bag + 0.12 * fold, 0, 1)


def spots(
    field: TextureField, rng: np.random.Generator, freckles: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return freckle and mole cover, each (h, w) 0..1."""
    freckle, mole = np.zeros(TEXTURE_SHAPE), np.zeros(TEXTURE_SHAPE)
    height, width = TEXTURE_SHAPE
    for layer, count, size in (
        (freckle, int(900 * freckles**1.3), (0.05, 0.11)),
        (mole, int(rng.poisson(3.2)), (0.09, 0.17)),
    ):
        for _ in range(count):
            wide = 3.0 if layer is freckle else 4.5
            x, y = rng.normal(0, wide), rng.normal(1.0 if layer is freckle else 0.0, 2.4 if layer is freckle else 5)
            radius, depth = rng.uniform(*size), rng.uniform(0.35, 1.0)
            if not (abs(x) < 7.5 and -9 < y < 10):
                continue
            center = front_points(field, np.array([x]), np.array([y]))[0]
            u, v = skin_uv(center[None])[0]
            row, column = int(v * height), int(u * width)
            r0, r1, c0, c1 = max(row - 5, 0), row + 6, max(column - 5, 0), column + 6
            away = np.linalg.norm(field.position[r0:r1, c0:c1] - center, axis=-1)
            np.maximum(layer[r0:r1, c0:c1], depth * np.exp(-((away / radius) ** 3)), out=layer[r0:r1, c0:c1])
    return freckle, mole
