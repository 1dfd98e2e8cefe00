"""Training images with their people, cells and landmarks: opened once, checked, kept in memory where they fit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from dgbench.core.errors import UsageError
from dgbench.core.face import Image, Landmarks
from dgbench.core.protocol import PeopleRule

#: What two images of one cell share besides the person: then one is the other person's exact target.
CELL_COLUMNS = ("camera", "expression", "gaze", "illumination", "flash")
#: Data set → what the two images of a self pair share: one session and light, or one clip.
MOMENT_COLUMNS = {
    "multipie": ("session", "illumination", "flash"),
    "voxceleb1": ("video", "clip"),
    "voxceleb2": ("video", "clip"),
}
_MEMORY = 2 << 30


class FrameSource(Protocol):
    """What training asks of an image source."""

    size: int  #: Side of every image in pixels.

    def image(self, key: str) -> Image:
        """Return uint8 HWC RGB."""

    def landmarks(self, key: str) -> Landmarks | None:
        """Return landmarks in the image's pixels, or ``None``."""


@dataclass(frozen=True)
class TrainingRow:
    """One training image.

    Attributes:
        key: its key.
        subject: whose it is.
        cell: what an exact counterpart of another person shares with it; "" where there is none.
        moment: what the two images of a self pair share besides the person, so that hair, clothes, light and backdrop
            are the same in both; "" where they always are.
    """

    key: str
    subject: str
    cell: str = ""
    moment: str = ""


def rows_of_manifest(frames: pd.DataFrame, people: PeopleRule) -> list[TrainingRow]:
    """Return the rows of a manifest whose people the rule names, in the manifest's order."""
    rows = []
    for row in frames.to_dict("records"):
        if people.matches(str(row["subject"])):
            known = [row[column] for column in ("camera", "expression")]
            cell = "" if all(_absent(value) for value in known) else "|".join(_text(row[c]) for c in CELL_COLUMNS)
            moment = "|".join(_text(row[column]) for column in MOMENT_COLUMNS.get(str(row["dataset"]), ()))
            rows.append(TrainingRow(key=str(row["key"]), subject=str(row["subject"]), cell=cell, moment=moment))
    return rows


def _absent(value: Any) -> bool:
    return value is None or value is pd.NA or value != value


def _text(value: Any) -> str:
    return "" if _absent(value) else str(value)


class FrameBank:
    """Images and landmarks of the training rows, at the model's size.

    Args:
        source: where images and landmarks come from.
        rows: the training images; those without landmarks are left out and counted.
        size: side that images are brought to.

    Attributes:
        rows: the rows that are usable, in order.
        people: their people, sorted; a person's number is the place here.
        subject: int64 (N,) number of each row's person.
        points, visibility: float32 (N, 68, 3) shares of the side, (N, 68).
        left_out: how many rows had no landmarks.

    Raises:
        UsageError: fewer than two people, or no person with two images; what is left is said.
    """

    def __init__(self, source: FrameSource, rows: Sequence[TrainingRow], *, size: int) -> None:
        self._source, self.size = source, size
        found = [(row, source.landmarks(row.key)) for row in rows]
        self.rows = [row for row, landmarks in found if landmarks is not None]
        self.left_out = len(found) - len(self.rows)
        self.people = sorted({row.subject for row in self.rows})
        if len(self.people) < 2:
            raise UsageError(
                f"training needs at least two people with landmarks; these data hold {len(self.people)} "
                f"({self.left_out} of {len(found)} images have no landmarks; run `dgbench data prepare` first)"
            )
        number = {person: index for index, person in enumerate(self.people)}
        self.subject: NDArray[np.int64] = np.array([number[row.subject] for row in self.rows], dtype=np.int64)
        if np.bincount(self.subject).max() < 2:
            raise UsageError("training needs a person with two images; here every person has one")
        self._known = [landmarks for _, landmarks in found if landmarks is not None]
        self._side = self._source.image(self.rows[0].key).shape[0]
        points = np.stack([one.points for one in self._known]).astype(np.float32) / self._side
        points[..., 2] -= points[..., 2].mean(axis=1, keepdims=True)
        self.points = torch.from_numpy(points)
        self.visibility = torch.from_numpy(np.stack([one.visibility for one in self._known]).astype(np.float32))
        self._pixels: Tensor | None = None
        if len(self.rows) * size * size * 3 <= _MEMORY:
            with ThreadPoolExecutor(max_workers=4) as pool:
                self._pixels = torch.stack(list(pool.map(self._load, range(len(self.rows)))))

    def __len__(self) -> int:
        return len(self.rows)

    def content(self) -> str:
        """Return a digest of keys and landmarks, and of the pixels where they are in memory."""
        hasher = hashlib.sha256("\n".join(row.key for row in self.rows).encode())
        hasher.update(self.points.numpy().tobytes() + self.visibility.numpy().tobytes())
        if self._pixels is not None:
            hasher.update(self._pixels.numpy().tobytes())
        return hasher.hexdigest()

    def original(self, index: int) -> tuple[Image, Landmarks]:
        """Return one image and its landmarks as the source has them (for frozen networks)."""
        return self._source.image(self.rows[index].key), self._known[index]

    def images(self, indices: NDArray[np.int64]) -> Tensor:
        """Return float32 (B, 3, size, size) RGB in [0, 1]."""
        if self._pixels is not None:
            return self._pixels[torch.from_numpy(indices)].float() / 255
        return torch.stack([self._load(int(index)) for index in indices]).float() / 255

    def _load(self, index: int) -> Tensor:
        image = self._source.image(self.rows[index].key)
        if image.shape[0] != image.shape[1] or image.shape[0] != self._side:
            raise UsageError(
                f"{self.rows[index].key}: {image.shape[1]}×{image.shape[0]} px among {self._side} px images; "
                "training needs square images of one size (`dgbench data prepare`)"
            )
        if image.shape[0] != self.size:
            shrink = image.shape[0] > self.size
            image = np.asarray(
                cv2.resize(
                    image,
                    (self.size, self.size),
                    interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC,
                )
            )
        return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)
