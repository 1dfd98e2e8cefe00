"""Where images come from: the one interface through which methods and metrics see a protocol's images."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from dgbench.core.face import Image, Landmarks


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

    def landmarks(self, key: str) -> Landmarks | None:
        """Return the landmarks in the frame's pixels, or ``None`` where none are known."""

    def problem(self, key: str) -> str:
        """Return why the image cannot be had, or "" where it can; cheaper than decoding wherever that is known."""

    def provenance(self) -> dict[str, int]:
        """Return how many of the images asked for so far were cropped by which landmarks (``frozen``, ``yunet``, …)."""
