"""Where images come from: the one interface through which methods and metrics see a protocol's images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Image, Landmarks


@dataclass(frozen=True)
class Outside:
    """How much of some crops lies outside their photographs, as shares of the frame's area.

    Attributes:
        images: how many crops were measured.
        padded: how many of them reach outside.
        mean: mean share over all.
        most: the largest share.
    """

    images: int
    padded: int
    mean: float
    most: float

    @classmethod
    def of(cls, shares: Sequence[float]) -> Self | None:
        """Return the sum of it; ``None`` without crops."""
        if not shares:
            return None
        return cls(len(shares), sum(share > 0 for share in shares), float(np.mean(shares)), float(max(shares)))

    def __str__(self) -> str:
        """Return it in one line."""
        return (
            f"{self.padded} of {self.images} crops, {self.mean:.1%} of their area on average, {self.most:.1%} at most"
        )


def some_outside(mask: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Return a mask, or ``None`` where it holds everywhere."""
    return None if mask.all() else mask


@runtime_checkable
class ImageSource(Protocol):
    """Images by manifest key, already in the protocol's frame."""

    @property
    def size(self) -> int:
        """Side of every image in pixels."""

    def __contains__(self, key: object) -> bool:
        """Whether the key is in this copy of the data (not whether it can be decoded)."""

    def image(self, key: str) -> Image:
        """Return uint8 (size, size, 3) RGB.

        Raises:
            ImageError: the file is missing, damaged or refused. UsageError: no face was found to crop by.
        """

    def valid(self, key: str) -> NDArray[np.bool_] | None:
        """Return bool (size, size): which pixels lie inside the photograph, or ``None`` where all do.

        Raises:
            ImageError: the image cannot be had.
        """

    def landmarks(self, key: str) -> Landmarks | None:
        """Return the landmarks in the frame's pixels, or ``None`` where none are known."""

    def problem(self, key: str) -> str:
        """Return why the image cannot be had, or "" where it can; cheaper than decoding wherever that is known."""

    def provenance(self) -> dict[str, int]:
        """Return how many of the images asked for so far were cropped by which landmarks (``frozen``, ``yunet``, …)."""
