"""A run's images as metrics see them: generated ones as journalled, real ones as the run saw them."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import UsageError
from dgbench.core.face import Failure, Image, Landmarks
from dgbench.core.pair import Pair
from dgbench.engine.run.data import OpenData
from dgbench.engine.run.inputs import pixel_digest, recorded_inputs
from dgbench.engine.run.plan import RunFolder
from dgbench.engine.run.state import journal_state
from dgbench.io.images import ImageError, decode
from dgbench.io.journal import Journal


class RunImages:
    """A run's images as the metrics see them; every generated image is checked against its journal line."""

    def __init__(self, folder: RunFolder, opened: OpenData) -> None:
        self._folder, self._opened = folder, opened
        self._state = journal_state(folder)
        self._recorded = recorded_inputs(folder)
        self._new: dict[str, str] = {}

    def generated(self, pair: Pair) -> Image | Failure:
        """Return the generated image, or why there is none."""
        line = self._state.get(pair.pair_id)
        if line is None:
            return Failure("missing", "the run has not come to this pair yet")
        if line["status"] == "failed":
            return Failure(str(line["kind"]), str(line["message"]))
        path = self._folder.image(pair.pair_id)
        try:
            data = path.read_bytes()
            if sha256_bytes(data) != line["sha256"]:
                return Failure("unreadable", f"{path}: changed since it was generated")
            image = decode(data, where=str(path))
        except OSError as error:
            return Failure("missing", f"{path}: {error.strerror}")
        except ImageError as error:
            return Failure(error.kind, str(error))
        size = self._opened.source.size
        if image.shape != (size, size, 3):
            return Failure("wrong-size", f"{path}: {image.shape[1]}x{image.shape[0]}, not {size}x{size}")
        return image

    def source(self, pair: Pair) -> Image:
        """Return the source image."""
        return self._real(pair.source)

    def reference(self, pair: Pair) -> Image:
        """Return the reference image."""
        return self._real(pair.reference)

    def target(self, pair: Pair) -> Image | None:
        """Return the target image, or ``None`` where the pair has none."""
        return self._real(pair.target) if pair.target else None

    def _real(self, key: str) -> Image:
        """Return a real image; its pixels must be those that the run saw.

        Raises:
            UsageError: they are others.
        """
        image = self._opened.source.image(key)
        sha256 = pixel_digest(image)
        if key not in self._recorded:
            self._new[key] = sha256
        elif self._recorded[key] != sha256:
            raise UsageError(
                f"{self._folder.root}: image {key} is not the one that the run was made from (replaced, or cropped in "
                "another way since); give the copy that it was made with as --data, or run the method again"
            )
        return image

    def inputs(self, pairs: list[Pair]) -> dict[str, str]:
        """Return image key → digest of every real image of ``pairs``, as the run saw it.

        Of images that somebody else's run was made from nothing is recorded: then it is what they are scored over.
        """
        keys = dict.fromkeys(key for pair in pairs for key in pair.keys)
        for key in keys:
            if key not in self._recorded and key not in self._new:
                self._real(key)
        return {key: self._recorded.get(key) or self._new[key] for key in keys}

    def keep_inputs(self, judges: str) -> None:
        """Write the digests that the run folder lacked, so that it is scored over the same pixels next time."""
        if self._new:
            with Journal(self._folder.inputs / f"scored-{judges}.jsonl") as journal:
                journal.append({"key": key, "sha256": value} for key, value in self._new.items())

    def valid(self, pair: Pair) -> NDArray[np.bool_] | None:
        """Return which pixels of the target lie inside its photograph; ``None`` for all, or without a target."""
        return self._opened.source.valid(pair.target) if pair.target else None

    def landmarks(self, pair: Pair, role: str) -> Landmarks | None:
        """Return the protocol's own landmarks of an image of the pair."""
        key = {"source": pair.source, "reference": pair.reference, "target": pair.target}[role]
        return self._opened.source.landmarks(key) if key else None

    def outputs(self, pairs: list[Pair]) -> dict[str, str]:
        """Return pair id → sha256 of each generated image's file."""
        lines = {pair.pair_id: self._state.get(pair.pair_id) for pair in pairs}
        return {name: str(line["sha256"]) for name, line in lines.items() if line and line["status"] == "ok"}

    def counts(self, pairs: list[Pair]) -> tuple[int, dict[str, int]]:
        """Return how many of ``pairs`` were generated, and the failures by kind."""
        lines = [self._state.get(pair.pair_id) for pair in pairs]
        failed = Counter(
            "missing" if line is None else str(line["kind"]) for line in lines if not line or line["status"] == "failed"
        )
        return sum(bool(line) and line["status"] == "ok" for line in lines if line), dict(sorted(failed.items()))
