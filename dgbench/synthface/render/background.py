"""Backdrops: plain, gradient, studio and an out-of-focus room, in linear light."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import seed_of
from dgbench.core.errors import UsageError
from dgbench.synthface.render.scene import Background

#: Known values of ``Background.kind``.
BACKGROUND_KINDS = ("plain", "gradient", "studio", "room")


@functools.lru_cache(maxsize=16)
def paint_background(background: Background, size: int) -> NDArray[np.float32]:
    """Return the backdrop, float32 (size, size, 3), linear 0..1; read-only, since it is kept for the next picture.

    Raises:
        UsageError: an unknown kind.
    """
    if background.kind not in BACKGROUND_KINDS:
        raise UsageError(f"background {background.kind!r} is not one of {', '.join(BACKGROUND_KINDS)}")
    rng = np.random.default_rng(seed_of("synthface-background", background.kind, background.seed))
    color = np.asarray(background.color, np.float64) ** 2.2
    axis = (np.arange(size) + 0.5) / size
    x, y = np.meshgrid(axis, axis)
    if background.kind == "plain":
        picture = np.broadcast_to(color, (size, size, 3))
    elif background.kind == "gradient":
        picture = (0.65 + 0.5 * (1 - y))[..., None] * color
    elif background.kind == "studio":
        pool = np.exp(-((x - 0.5) ** 2 + (y - 0.42) ** 2) / 0.28)
        picture = (0.62 + 0.48 * pool)[..., None] * color
    else:
        picture = _room(rng, color, x, y)
    painted = np.clip(picture, 0.0, 1.0).astype(np.float32)
    painted.setflags(write=False)
    return painted


def _room(
    rng: np.random.Generator, color: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return soft boxes (shelves, windows, doors) around the main colour, as a wide lens opening shows them."""
    picture = np.broadcast_to(color * 0.75, (*x.shape, 3)).copy()
    for _ in range(14):
        cx, cy = rng.uniform(-0.1, 1.1, 2)
        half = rng.uniform(0.04, 0.3, 2)
        blur = rng.uniform(0.02, 0.07)
        tint = color * rng.uniform(0.25, 1.7) * (1 + 0.22 * rng.uniform(-1, 1, 3))
        cover = np.ones_like(x)
        for axis, center, reach in ((x, cx, half[0]), (y, cy, half[1])):
            cover *= 1 / (1 + np.exp(np.clip((np.abs(axis - center) - reach) / blur * 2, -40, 40)))
        cover = (cover * rng.uniform(0.5, 1.0))[..., None]
        picture = picture * (1 - cover) + tint * cover
    return picture
