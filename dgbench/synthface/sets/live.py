"""SynthFace without files: a protocol's images rendered when they are asked for, and kept on disk for the next time."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from dgbench.core.digests import digest, sha256_bytes
from dgbench.core.errors import UsageError
from dgbench.core.face import Image, Landmarks, Pose
from dgbench.core.protocol import Protocol
from dgbench.datasets.manifest import make_frames
from dgbench.io.arrays import DAMAGED_ARRAYS
from dgbench.io.atomic import atomic_writer
from dgbench.io.cache import writable_cache_folder
from dgbench.io.code_identity import library_versions
from dgbench.io.images import ImageError, decode, encode_png
from dgbench.synthface.head.load import load_head
from dgbench.synthface.head.model import Head
from dgbench.synthface.sets.cells import Shot
from dgbench.synthface.sets.layouts import layout
from dgbench.synthface.sets.writer import render_shot


class _Kept(NamedTuple):
    image: Image
    landmarks: Landmarks


class SynthStore:
    """The images of one layout's world by key, squares of ``size`` pixels, as an image source.

    Args:
        world: name of the layout.
        size: side in pixels, 64 to 512.
        head: the head model.
        cache: folder in which rendered images are kept; ``None`` keeps them in memory alone.
        seed: seed of the world.
        keep: how many images stay in memory.
    """

    def __init__(
        self, world: str, *, size: int, head: Head, cache: Path | None = None, seed: int = 0, keep: int = 256
    ) -> None:
        self._layout = layout(world, seed=seed)
        self._size = size
        self._head = head
        self._cache = cache and cache / renderer_digest()[:16] / head.digest[:16] / f"{world}-{seed}-{size}"
        self._keep = keep
        self._memory: OrderedDict[str, _Kept] = OrderedDict()
        self._known: set[str] = set()

    @property
    def size(self) -> int:
        """Side of every image in pixels."""
        return self._size

    def __contains__(self, key: object) -> bool:
        # Every image is asked for several times before a run begins, and to resolve a key is to stage its scene.
        if key in self._known:
            return True
        try:
            self._layout.resolve(str(key))
        except UsageError:
            return False
        self._known.add(str(key))
        return True

    def image(self, key: str) -> Image:
        """Return uint8 (size, size, 3) RGB; the same key gives the same bytes.

        Raises:
            ImageError: no image of this world has that key.
        """
        return self._get(key).image

    def landmarks(self, key: str) -> Landmarks:
        """Return the exact landmarks with visibility.

        Raises:
            ImageError: no image of this world has that key.
        """
        return self._get(key).landmarks

    def pose(self, key: str) -> Pose:
        """Return the exact pose.

        Raises:
            ImageError: no image of this world has that key.
        """
        scene = self._shot(key).scene
        return Pose(scene.yaw, scene.pitch, scene.roll)

    def rows(self, keys: Iterable[str]) -> pd.DataFrame:
        """Return the manifest rows of images, as a tree of this world would list them; nothing is rendered.

        Raises:
            UsageError: no image of this world has one of the keys.
        """
        return make_frames([{**self._layout.resolve(key).row, "key": key} for key in keys])

    def valid(self, key: str) -> None:
        """Return ``None``: images are rendered whole, no pixel lies outside one."""

    def problem(self, key: str) -> str:
        """Return why an image cannot be had, or "": what is not in the world is all that can be wrong with it."""
        return "" if key in self else f"{key}: not in this world"

    def provenance(self) -> dict[str, int]:
        """Return nothing: no landmarks decided a crop."""
        return {}

    def _shot(self, key: str) -> Shot:
        try:
            return self._layout.resolve(key)
        except UsageError as error:
            raise ImageError(str(error), kind="missing") from error

    def _get(self, key: str) -> _Kept:
        if key in self._memory:
            self._memory.move_to_end(key)
            return self._memory[key]
        shot = self._shot(key)
        file = self._cache / f"{digest(key)[:32]}.npz" if self._cache else None
        kept = _read(file) if file is not None else None
        if kept is None:
            # A protocol's square shows the head as large as it fits, whatever a tree's picture shape leaves of it.
            close = replace(shot, scene=replace(shot.scene, zoom=round(shot.scene.zoom / self._layout.zoom, 6)))
            image, landmarks = render_shot(self._head, close, seed=self._layout.seed, canvas=(self._size, self._size))
            kept = _Kept(image, landmarks)
            if file is not None:
                _write(file, kept)
        self._memory[key] = kept
        if len(self._memory) > self._keep:
            self._memory.popitem(last=False)
        return kept


@cache
def renderer_digest() -> str:
    """Return the digest of this package's code, so that no image of an older renderer is ever taken from the cache."""
    folder = Path(__file__).parents[1]
    code = sorted(path for path in folder.rglob("*.py"))
    sources = [[path.relative_to(folder).as_posix(), sha256_bytes(path.read_bytes())] for path in code]
    return digest([sources, library_versions("numba", "numpy", "opencv-python", "pillow")])


def open_synthface(protocol: Protocol, head: Path | None = None) -> SynthStore:
    """Open the world of a SynthFace protocol; its variant names the layout.

    Args:
        protocol: the protocol.
        head: the head's npz or OBJ folder; by default where `dgbench data fetch-head` puts it.

    Raises:
        MissingError: the head is not here. UsageError: ``head`` is something else.
    """
    if head is not None and (head / "synthface").is_dir():
        raise UsageError(
            f"{head}: {protocol.name} renders its images from the head; leave --data out (or give the head)"
        )
    world = layout(protocol.variant)
    folder = writable_cache_folder("synthface")
    return SynthStore(world.name, size=protocol.frame.size, head=load_head(head), cache=folder)


def _write(file: Path, kept: _Kept) -> None:
    with atomic_writer(file) as handle:
        np.savez(
            handle,
            png=np.frombuffer(encode_png(kept.image), np.uint8),
            points=kept.landmarks.points,
            visibility=kept.landmarks.visibility,
        )


def _read(file: Path) -> _Kept | None:
    """Return a kept image, or ``None`` where there is none or it is damaged and must be rendered again."""
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as stored:
            image = decode(stored["png"].tobytes(), where=str(file))
            return _Kept(image, Landmarks(stored["points"], stored["visibility"], "truth"))
    except ImageError:
        return None
    except DAMAGED_ARRAYS:
        return None
