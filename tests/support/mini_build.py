"""Rendering the mini set from the head: how ``mini_data/`` was made and how a test makes parts of it again."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from tqdm import tqdm

from dgbench.core.digests import sha256_bytes
from dgbench.core.face import Image
from dgbench.datasets.manifest import make_frames
from dgbench.io.atomic import atomic_writer, write_bytes, write_json
from dgbench.synthface.head.model import HEAD_NOTICE, Head
from dgbench.synthface.render.render import APPEARANCE_VERSION, render
from dgbench.synthface.sets.cells import Shot
from dgbench.synthface.sets.layouts.staging import someone
from dgbench.synthface.sets.mini import STEPS_PER_PIXEL
from dgbench.synthface.sets.mini_cells import SIZE, WORLD, mini_shots


@dataclass(frozen=True)
class MiniImage:
    """One finished image: its WebP file, landmarks int16 (68, 3) in 1/128 px and visibility uint8 (68,)."""

    encoded: bytes
    points: NDArray[np.int16]
    visibility: NDArray[np.uint8]


def quantise(image: Image) -> Image:
    """Round a render to every fourth level, green first and the others as differences from it.

    The rounded pixels are the set's pixels (46 dB from the render, not visible); they take two thirds of the room.
    """
    levels = image.astype(np.int64)
    green = (levels[..., 1:2] + 2) // 4 * 4
    rounded = green + (levels - green + 2) // 4 * 4
    return np.clip(rounded, 0, 255).astype(np.uint8)


def encode_webp(image: Image) -> bytes:
    """Encode uint8 HWC RGB as lossless WebP."""
    buffer = io.BytesIO()
    Pillow.fromarray(image).save(buffer, format="WEBP", lossless=True, quality=80, method=4)
    return buffer.getvalue()


def render_mini(head: Head, shot: Shot) -> MiniImage:
    """Render one image of the mini set."""
    rendered = render(head, someone(shot.person, 0), shot.scene)
    points = np.rint(rendered.landmarks.points.astype(np.float64) * STEPS_PER_PIXEL)
    return MiniImage(
        encode_webp(quantise(rendered.image)),
        np.clip(points, -32_768, 32_767).astype(np.int16),
        np.rint(rendered.landmarks.visibility * 255.0).astype(np.uint8),
    )


def build_mini(folder: Path, head: Head, *, shots: Sequence[Shot] | None = None) -> int:
    """Render the set into ``folder``; returns the bytes of all images together."""
    shots = mini_shots() if shots is None else shots
    done = [render_mini(head, shot) for shot in tqdm(shots, desc="mini set", unit="image", disable=None)]
    start = np.concatenate([[0], np.cumsum([len(one.encoded) for one in done])]).astype(np.int64)
    with atomic_writer(folder / "images.npy") as handle:
        np.save(handle, np.frombuffer(b"".join(one.encoded for one in done), np.uint8), allow_pickle=False)
    with atomic_writer(folder / "truth.npz") as handle:
        np.savez_compressed(
            handle,
            start=start,
            points=np.stack([one.points for one in done]),
            visibility=np.stack([one.visibility for one in done]),
        )
    frames = make_frames([_row(shot, one) for shot, one in zip(shots, done, strict=True)])
    buffer = io.BytesIO()
    frames.to_parquet(buffer, index=False)
    write_bytes(folder / "manifest.parquet", buffer.getvalue())
    about = {
        "world": WORLD,
        "version": 1,
        "appearance": APPEARANCE_VERSION,
        "size": SIZE,
        "images": len(done),
        "head": head.digest,
        "notice": HEAD_NOTICE,
    }
    write_json(folder / "about.json", about)
    return int(start[-1])


def _row(shot: Shot, one: MiniImage) -> dict[str, object]:
    scene = shot.scene
    return {
        **shot.row,
        "key": shot.key,
        "dataset": WORLD,
        "variant": "packaged",
        "path": shot.path,
        "yaw": scene.yaw,
        "pitch": scene.pitch,
        "roll": scene.roll,
        "pose_source": "truth",
        "width": SIZE,
        "height": SIZE,
        "sha256": sha256_bytes(one.encoded),
    }
