"""What dgbench knows of a data set: how a copy is read, where it can be had, and which variable names its folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dgbench.datasets.manifest import Manifest

Reader = Callable[[Path], Manifest]


@dataclass(frozen=True)
class Dataset:
    """One data set.

    Attributes:
        name: as protocols name it: lower-case letters, digits, ``-``.
        read: takes the root of a user's copy and returns its manifest.
        how_to_get: in a few words, where a copy can be had.
        opens: of a set that dgbench renders or carries, ``module:function``: takes a protocol and the folder given, if
            any, and returns the images.
        photograph: width and height in pixels of the published photographs; ``None`` where they have no one size.
            Copies of another form than this are told apart from the originals.
    """

    name: str
    read: Reader
    how_to_get: str = "its authors"
    opens: str = ""
    photograph: tuple[int, int] | None = None

    @property
    def variable(self) -> str:
        """The environment variable that names the folder of a copy."""
        return f"DGBENCH_DATA_{self.name.upper().replace('-', '_')}"
