"""Which pixels a run saw: a digest of every real image of its pairs, so that it is scored over the same ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from types import TracebackType

import numpy as np

from dgbench.core.errors import UsageError
from dgbench.core.face import Image
from dgbench.core.pair import Pair
from dgbench.engine.run.data import OpenData
from dgbench.engine.run.plan import RunFolder, Shard
from dgbench.io.images import ImageError
from dgbench.io.journal import Journal, read_journal


def pixel_digest(image: Image) -> str:
    """Return the sha256 of a decoded image: its shape as text, and its bytes."""
    hasher = hashlib.sha256(repr(image.shape).encode())
    hasher.update(np.ascontiguousarray(image).tobytes())
    return hasher.hexdigest()


class InputLog:
    """Writes one line per real image, once, into ``inputs/<part>.jsonl`` of the run folder."""

    def __init__(self, folder: RunFolder, shard: Shard, opened: OpenData) -> None:
        self._source = opened.source
        self._known = set(recorded_inputs(folder))
        self._journal = Journal(folder.inputs / f"{shard.name}.jsonl")

    def see(self, pairs: Sequence[Pair]) -> None:
        """Note the images of some pairs; one that cannot be read is the pair's failure and is not noted."""
        lines = []
        for key in dict.fromkeys(key for pair in pairs for key in pair.keys):
            if key in self._known:
                continue
            self._known.add(key)
            try:
                image = self._source.image(key)
            except (ImageError, UsageError):
                continue
            lines.append({"key": key, "sha256": pixel_digest(image)})
        if lines:
            self._journal.append(lines)

    def __enter__(self) -> InputLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._journal.__exit__(kind, error, trace)


def recorded_inputs(folder: RunFolder) -> dict[str, str]:
    """Return image key → digest of what the run saw; empty for runs of versions that kept none.

    Raises:
        UsageError: the run's parts saw different pixels under one key, or a file holds other lines.
    """
    found: dict[str, str] = {}
    for path in sorted(folder.inputs.glob("*.jsonl")):
        for line in read_journal(path):
            key, value = line.get("key"), line.get("sha256")
            if not isinstance(key, str) or not isinstance(value, str):
                raise UsageError(f"{path}: a line without key and sha256; not a run's list of inputs")
            if found.setdefault(key, value) != value:
                raise UsageError(
                    f"{folder.root}: its parts saw different pixels of image {key}; "
                    "run them again on one copy of the data"
                )
    return found
