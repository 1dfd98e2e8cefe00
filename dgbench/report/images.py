"""Where the report's images come from: run folders for what was generated, a callback for what went in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from dgbench.core.digests import sha256_bytes
from dgbench.core.face import Image
from dgbench.core.pair import PAIR_ID
from dgbench.io.atomic import write_bytes
from dgbench.io.images import ImageError, read_image
from dgbench.results.records.store import StoredRecord, find_records

Role = Literal["source", "reference", "target"]
_ROLES: tuple[Role, ...] = ("source", "reference", "target")


class InputImages(Protocol):
    """The images that went into the pairs of one protocol."""

    def image(self, pair_id: str, role: Role) -> Image | None:
        """The image of ``role`` (uint8 HWC RGB), ``None`` where the pair or this copy has none."""
        ...


@dataclass(frozen=True)
class RunImages:
    """Run folders by run id, found under one folder."""

    folders: dict[str, Path] = field(default_factory=dict)

    @classmethod
    def under(cls, root: Path) -> RunImages:
        """Find every scored run under ``root``: the folder two above its record."""
        return cls({entry.record.run_id: entry.folder.parent.parent for entry in find_records(root)})

    def generated(self, stored: StoredRecord, pair_id: str) -> Path | None:
        """The generated image of one pair of a record, or ``None``."""
        folder = self.folders.get(stored.record.run_id)
        plain = PAIR_ID.fullmatch(pair_id)  # a table from outside may name a pair "../../secret"
        file = folder / "images" / f"{pair_id}.png" if folder and plain else None
        return file if file is not None and file.is_file() else None

    def has(self, stored: StoredRecord) -> bool:
        """Whether the record's run folder is here, with images."""
        folder = self.folders.get(stored.record.run_id)
        return folder is not None and (folder / "images").is_dir()


class Thumbnails:
    """Writes thumbnails named by content, each once, and stops at a budget of bytes, or at a share of it."""

    def __init__(self, out: Path, *, size: int, budget: int) -> None:
        self._out, self._size, self._left, self._floor = out, size, budget, 0
        self._known: dict[str, str] = {}
        self.files: list[Path] = []

    @property
    def left(self) -> int:
        """Bytes left of the budget."""
        return self._left

    def share(self, parts: int, *, floor: int = 0) -> int:
        """From here on spend at most one of ``parts`` of what is left above ``floor``.

        Returns:
            What must then be left: the ``floor`` of smaller shares within this one.
        """
        self._floor = self._left - max(0, self._left - floor) // max(1, parts)
        return self._floor

    def add(self, image: Image | Path | None) -> str | None:
        """Store a thumbnail and return its name below ``out``; ``None`` for no image or when the budget is spent."""
        if image is None:
            return None
        key = str(image) if isinstance(image, Path) else sha256_bytes(np.ascontiguousarray(image).tobytes())
        if key not in self._known:
            data = _jpeg(image, self._size)
            if data is None or len(data) > self._left - self._floor:
                return None  # past the budget: the page shows the pair without this image
            name = f"img/{sha256_bytes(data)[:16]}.jpg"
            self._left -= len(data)
            write_bytes(self._out / name, data)
            self.files.append(self._out / name)
            self._known[key] = name
        return self._known[key]


@dataclass(frozen=True)
class Pictures:
    """What the report shows of one protocol, as names of thumbnails; of their budget ``floor`` must be left."""

    runs: RunImages
    inputs: InputImages | None
    thumbs: Thumbnails
    floor: int = 0

    def generated(self, stored: StoredRecord, pair_id: str) -> str | None:
        """The generated image of one pair of a record, or ``None``."""
        return self.thumbs.add(self.runs.generated(stored, pair_id))

    def inputs_of(self, pair_id: str) -> dict[str, str | None]:
        """Source, reference and target of a pair, each ``None`` where it is not here."""
        return {role: self.thumbs.add(self.inputs.image(pair_id, role)) if self.inputs else None for role in _ROLES}


def _jpeg(image: Image | Path, size: int) -> bytes | None:
    """A JPEG of at most ``size`` pixels a side; ``None`` for a file that is no image, or none that dgbench reads."""
    import io

    from PIL import Image as Pillow

    try:
        picture = Pillow.fromarray(read_image(image) if isinstance(image, Path) else image)
    except ImageError:
        return None
    picture.thumbnail((size, size), Pillow.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=84, optimize=True)
    return buffer.getvalue()
