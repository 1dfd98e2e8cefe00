"""Which pixels a run saw: a digest of every real image of its pairs, so that it is scored over the same ones."""

from __future__ import annotations

import contextlib
import hashlib
from collections import OrderedDict
from types import TracebackType

import numpy as np

from dgbench.core.errors import UsageError
from dgbench.core.face import Image
from dgbench.core.pair import Pair
from dgbench.engine.run.plan import RunFolder, Shard
from dgbench.io.images import ImageError
from dgbench.io.journal import Journal, read_journal
from dgbench.preprocess.source import ImageSource

#: Images kept in memory: those of a batch or two, which its pairs may share.
_KEEP = 64


def pixel_digest(image: Image) -> str:
    """Return the sha256 of a decoded image: its shape as text, and its bytes."""
    hasher = hashlib.sha256(repr(image.shape).encode())
    hasher.update(np.ascontiguousarray(image).tobytes())
    return hasher.hexdigest()


class InputLog:
    """The real images of a run's pairs: read once, their digests written into ``inputs/<part>.jsonl`` of its folder.

    Used by one thread at a time.
    """

    def __init__(self, folder: RunFolder, shard: Shard, source: ImageSource) -> None:
        self._root, self._source = folder.root, source
        self._recorded = recorded_inputs(folder)
        self._checked: set[str] = set()
        self._lines: list[dict[str, str]] = []
        self._kept: OrderedDict[str, Image] = OrderedDict()
        self._journal = Journal(folder.inputs / f"{shard.name}.jsonl")

    def image(self, key: str) -> Image:
        """Return a real image.

        Raises:
            ImageError: it cannot be read. UsageError: the run saw other pixels under this key before.
        """
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        image = self._kept[key] = self._source.image(key)
        if len(self._kept) > _KEEP:
            self._kept.popitem(last=False)
        if key not in self._checked:
            self._checked.add(key)
            self._note(key, pixel_digest(image))
        return image

    def note(self, pair: Pair) -> None:
        """Note all images of a pair, also those that the method does not ask for; unreadable ones are passed over."""
        for key in pair.keys:
            if key not in self._checked:
                with contextlib.suppress(ImageError):
                    self.image(key)

    def write(self) -> None:
        """Write what was noted since the last call."""
        if self._lines:
            self._journal.append(self._lines)
            self._lines = []

    def _note(self, key: str, sha256: str) -> None:
        if self._recorded.setdefault(key, sha256) != sha256:
            raise UsageError(
                f"{self._root}: image {key} is not the one that this run saw before (replaced, or cropped in another "
                "way since); give the same copy of the data, or run anew with --fresh or into another --out"
            )
        self._lines.append({"key": key, "sha256": sha256})

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
