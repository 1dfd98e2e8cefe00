"""Tiny trees in every grammar of VoxCeleb copies."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from dgbench.io.video import write_video


def frames(count: int, *, size: int = 16, seed: int = 0) -> list[np.ndarray]:
    start = np.random.default_rng(seed).integers(0, 100)
    return [np.full((size, size, 3), (start + 2 * i) % 256, np.uint8) for i in range(count)]


def put(root: Path, name: str, data: bytes = b"") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(image).save(buffer, format="PNG")
    return buffer.getvalue()


def clip_mp4(root: Path, name: str, count: int, *, seed: int = 0) -> None:
    write_video(root / name, frames(count, seed=seed), fps=10)


def clip_folder(root: Path, name: str, count: int, *, seed: int = 0) -> None:
    for i, image in enumerate(frames(count, seed=seed)):
        put(root, f"{name}/{i:07d}.png", png(image))
