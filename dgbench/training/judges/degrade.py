"""What methods do to faces, done on purpose: blur, low resolution, noise, JPEG, warps, morphs of two people."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Image
from dgbench.methods.warps.triangles import border_points, warp_by_points

Points = NDArray[np.floating]


def blurred(image: Image, rng: np.random.Generator) -> Image:
    """Return the image under a Gaussian of 0.4 % to 4.5 % of the side."""
    sigma = image.shape[0] * float(np.exp(rng.uniform(np.log(0.004), np.log(0.045))))
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma))


def low_resolution(image: Image, rng: np.random.Generator) -> Image:
    """Return the image shrunk to 9 % to 60 % of its side and enlarged again."""
    side = image.shape[0]
    small = max(8, round(side * float(np.exp(rng.uniform(np.log(0.09), np.log(0.6))))))
    down = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    way = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST], p=[0.5, 0.4, 0.1]))
    return np.asarray(cv2.resize(down, (side, side), interpolation=way))


def noisy(image: Image, rng: np.random.Generator) -> Image:
    """Return the image with Gaussian noise of 3 to 40 grey levels, half of the time the same in all channels."""
    channels = 1 if rng.random() < 0.5 else 3
    noise = rng.normal(0, rng.uniform(3, 40), (*image.shape[:2], channels))
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def compressed(image: Image, rng: np.random.Generator) -> Image:
    """Return the image after JPEG of quality 4 to 50."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(4, 50))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))


def wobbled(image: Image, rng: np.random.Generator) -> Image:
    """Return the image bent smoothly by up to about 3 % of its side: parts of a face out of place."""
    side = image.shape[0]
    coarse = rng.normal(0, side * rng.uniform(0.008, 0.03), (int(rng.integers(4, 9)),) * 2 + (2,)).astype(np.float32)
    shift = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    x, y = np.meshgrid(np.arange(side, dtype=np.float32), np.arange(side, dtype=np.float32))
    return np.asarray(
        cv2.remap(image, x + shift[..., 0], y + shift[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    )


def relit(image: Image, rng: np.random.Generator) -> Image:
    """Return the image with another exposure, contrast, tint and a side light."""
    value = image.astype(np.float32) / 255
    value = np.clip(value, 1e-4, 1) ** float(np.exp(rng.normal(0, 0.25)))
    value = value * rng.uniform(0.75, 1.25) * (1 + 0.07 * rng.normal(size=3))
    slope = np.linspace(-1, 1, image.shape[1], dtype=np.float32)[None, :, None] * rng.normal(0, 0.2)
    return np.clip(np.rint(value * (1 + slope) * 255), 0, 255).astype(np.uint8)


#: What is done to one image, with its share among the draws.
ALONE: tuple[tuple[Callable[[Image, np.random.Generator], Image], float], ...] = (
    (blurred, 0.28),
    (low_resolution, 0.24),
    (noisy, 0.1),
    (compressed, 0.1),
    (wobbled, 0.12),
    (relit, 0.16),
)


def degraded(image: Image, rng: np.random.Generator) -> Image:
    """Return the image after one to three different degradations, in random order."""
    share = np.array([part for _, part in ALONE])
    chosen = rng.choice(len(ALONE), size=int(rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1])), replace=False, p=share)
    for index in chosen:
        image = ALONE[index][0](image, rng)
    return image


def morphed(first: Image, second: Image, points: tuple[Points, Points], *, share: float) -> tuple[Image, Points]:
    """Return a face between two people: both warped to the mean of their points, then mixed; and those points.

    Args:
        first, second: uint8 (S, S, 3).
        points: their (N, 2) landmarks.
        share: 0 the first, 1 the second.
    """
    border = border_points(first.shape[0])
    ends = [np.concatenate([np.asarray(xy, np.float32), border]) for xy in points]
    middle = ((1 - share) * ends[0] + share * ends[1]).astype(np.float32)
    sides = [warp_by_points(image, own, middle) for image, own in zip((first, second), ends, strict=True)]
    mixed = (1 - share) * sides[0].astype(np.float32) + share * sides[1]
    return np.rint(mixed).astype(np.uint8), middle[: len(points[0])]


def moved(image: Image, own: Points, other: Points, *, share: float) -> tuple[Image, Points]:
    """Return the face warped ``share`` of the way from its own points to another's, and where its points are then."""
    border = border_points(image.shape[0])
    goal = np.asarray((1 - share) * own + share * other, np.float32)
    start = np.concatenate([np.asarray(own, np.float32), border])
    return warp_by_points(image, start, np.concatenate([goal, border]).astype(np.float32)), goal
