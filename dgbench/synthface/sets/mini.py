"""The mini set that ships inside the package: 160 rendered people with exact landmarks, visibility and pose.

``mini_data/`` holds ``images.npy`` (lossless WebP files end to end, read through a memory map), ``truth.npz``
(where each image begins, landmarks in 1/128 px, visibility in 1/255), ``manifest.parquet`` and ``about.json``.
Opening reads the small files alone; a picture is decoded when it is asked for.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgbench.core.errors import MissingError, UsageError
from dgbench.core.face import Image, Landmarks, Pose
from dgbench.core.protocol import Protocol
from dgbench.datasets.manifest import Manifest
from dgbench.io.arrays import DAMAGED_ARRAYS
from dgbench.io.images import ImageError, decode
from dgbench.io.parquet import read_frame
from dgbench.synthface.render.scene import Scene
from dgbench.synthface.sets.mini_cells import SIZE, mini_shot

#: Landmark coordinates are stored as int16 in units of 1/128 pixel.
STEPS_PER_PIXEL = 128.0
FILES = ("images.npy", "truth.npz", "manifest.parquet", "about.json")


def mini_folder() -> Path:
    """Return the folder of the packaged mini set."""
    return Path(str(resources.files("dgbench.synthface"))) / "mini_data"


class MiniStore:
    """The mini set as an image source: images, landmarks, pose and manifest by key.

    Args:
        folder: where the set lies; by default inside the package.

    Raises:
        MissingError: the files are not there. UsageError: they are damaged.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or mini_folder()
        if absent := [name for name in FILES if not (self.folder / name).is_file()]:
            raise MissingError(f"{self.folder}: the mini set is incomplete ({absent[0]} is missing); reinstall dgbench")
        try:
            self.about: dict[str, Any] = json.loads((self.folder / "about.json").read_text(encoding="utf-8"))
            self._blob: NDArray[np.uint8] = np.load(self.folder / "images.npy", mmap_mode="r", allow_pickle=False)
            with np.load(self.folder / "truth.npz", allow_pickle=False) as truth:
                self._start: NDArray[np.int64] = truth["start"]
                self._points: NDArray[np.int16] = truth["points"]
                self._visibility: NDArray[np.uint8] = truth["visibility"]
            self._frames = read_frame(self.folder / "manifest.parquet")
        except DAMAGED_ARRAYS as error:
            raise UsageError(f"{self.folder}: damaged mini set ({error}); reinstall dgbench") from error
        self._row: dict[str, int] = {key: row for row, key in enumerate(self._frames["key"])}
        self._poses = self._frames[["yaw", "pitch", "roll"]].to_numpy(np.float64)

    @property
    def size(self) -> int:
        """Side of every image in pixels."""
        return int(self.about["size"])

    def __contains__(self, key: object) -> bool:
        return key in self._row

    def __len__(self) -> int:
        return len(self._row)

    def keys(self) -> list[str]:
        """Return every key, sorted."""
        return list(self._row)

    def image(self, key: str) -> Image:
        """Return uint8 (size, size, 3) RGB, the same values on every machine.

        Raises:
            ImageError: no such key, or a damaged set.
        """
        return decode(self.encoded(key), where=f"{self.folder}: {key}")

    def encoded(self, key: str) -> bytes:
        """Return the lossless WebP file of an image."""
        row = self._index(key)
        return self._blob[self._start[row] : self._start[row + 1]].tobytes()

    def landmarks(self, key: str) -> Landmarks:
        """Return the exact landmarks, within 1/256 px."""
        row = self._index(key)
        points = self._points[row].astype(np.float32) / np.float32(STEPS_PER_PIXEL)
        return Landmarks(points, self._visibility[row].astype(np.float32) / np.float32(255.0), "truth")

    def pose(self, key: str) -> Pose:
        """Return the exact head pose in degrees."""
        return Pose(*(float(angle) for angle in self._poses[self._index(key)]))

    def scene(self, key: str) -> Scene:
        """Return the scene that the image was rendered from: expression weights, gaze, light, backdrop."""
        self._index(key)
        _, subject, cell = key.split("/")
        return mini_shot(int(subject[1:]), cell).scene

    def manifest(self) -> Manifest:
        """Return the manifest: subject, cell (``camera``), expression, light (``clip``), pose and partition."""
        people = int(self._frames["subject"].nunique())
        counts = {"people": people, "images": len(self._frames)}
        return Manifest("synthface-mini", self.folder, self._frames.copy(), expected=counts, found=dict(counts))

    def valid(self, key: str) -> None:
        """Return ``None``: images are rendered whole, no pixel lies outside one."""

    def problem(self, key: str) -> str:
        """Return why an image cannot be had, or "": what is not in the world is all that can be wrong with it."""
        return "" if key in self else f"{key}: not in this world"

    def provenance(self) -> dict[str, int]:
        """Return nothing: the images are used as stored, no landmarks decided a crop."""
        return {}

    def _index(self, key: str) -> int:
        if key not in self._row:
            raise ImageError(f"{key}: not in the mini set", kind="missing")
        return self._row[key]


def open_mini(protocol: Protocol, folder: Path | None = None) -> MiniStore:
    """Open the mini set for a protocol.

    Raises:
        UsageError: the protocol wants images of another size, or ``folder`` holds no mini set.
    """
    if folder is not None and not (folder / "about.json").is_file():
        raise UsageError(f"{folder}: holds no mini set; leave --data out, the set comes with dgbench")
    store = MiniStore(folder)
    if protocol.frame.size != store.size:
        raise UsageError(f"{protocol.name}: wants {protocol.frame.size} px, the mini set has {store.size} px ({SIZE})")
    return store
