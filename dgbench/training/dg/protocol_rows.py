"""The training people's images of one protocol or of several together, from whatever sources their data come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pandas as pd

from dgbench.core.errors import UsageError
from dgbench.core.face import Image, Landmarks
from dgbench.core.pair import Pair
from dgbench.core.protocol import Protocol
from dgbench.synthface.sets.live import SynthStore
from dgbench.training.dg.frames import FrameSource, TrainingRow, rows_of_manifest


def training_rows(source: Any, protocol: Protocol, pairs: Iterable[Pair] = ()) -> list[TrainingRow]:
    """Return the rows of the protocol's training people that ``source`` holds; test people are never among them.

    Of a world that is rendered on demand, which holds more images than anyone would render, the rows are the images
    that the protocol's ``pairs`` show.

    Raises:
        UsageError: the source has no manifest, or holds no image of a training person.
    """
    test = protocol.split.test
    rows = [
        row
        for row in rows_of_manifest(_frames(source, protocol, pairs), protocol.split.train)
        if not test.matches(row.subject) and row.key in source
    ]
    if not rows:
        raise UsageError(
            f"{protocol.name}: these data hold no image of a training person; give a copy or store that does"
        )
    return rows


def _frames(source: Any, protocol: Protocol, pairs: Iterable[Pair]) -> pd.DataFrame:
    if isinstance(source, SynthStore):
        return source.rows(sorted({key for pair in pairs for key in (pair.source, pair.reference)}))
    if not hasattr(source, "manifest"):
        raise UsageError(
            f"{protocol.name}: training needs landmarks; run `dgbench data prepare {protocol.name}` "
            "and give the store as --data"
        )
    frames: pd.DataFrame = source.manifest().frames
    return frames


class JoinedSource:
    """Several image sources as one: each key goes to its own, and all images come in the smallest one's size."""

    def __init__(self, sources: Mapping[str, FrameSource], *, size: int) -> None:
        self._sources, self.size = sources, size

    def image(self, key: str) -> Image:
        """Return uint8 (size, size, 3) RGB."""
        image = self._sources[key].image(key)
        if image.shape[0] == self.size:
            return image
        return np.asarray(cv2.resize(image, (self.size, self.size), interpolation=cv2.INTER_AREA))

    def landmarks(self, key: str) -> Landmarks | None:
        """Return landmarks in pixels of that size, or ``None``."""
        source = self._sources[key]
        found, scale = source.landmarks(key), self.size / source.size
        return None if found is None else replace(found, points=(found.points * scale).astype(np.float32))


def joined(parts: Sequence[tuple[Protocol, Any, Sequence[Pair]]]) -> tuple[FrameSource, list[TrainingRow]]:
    """Return the source and the training rows of (protocol, source, pairs) parts; people and cells stay each its own.

    Raises:
        UsageError: as :func:`training_rows`; or two protocols share images (one protocol twice, for example).
    """
    if len(parts) == 1:
        protocol, source, pairs = parts[0]
        return source, training_rows(source, protocol, pairs)
    sources: dict[str, FrameSource] = {}
    rows: list[TrainingRow] = []
    for protocol, source, pairs in parts:
        for row in training_rows(source, protocol, pairs):
            if row.key in sources:
                raise UsageError(f"{row.key} is in two of the protocols to train on; name each once")
            sources[row.key] = source
            cell = f"{protocol.id}|{row.cell}" if row.cell else ""
            rows.append(replace(row, subject=f"{protocol.id}/{row.subject}", cell=cell))
    return JoinedSource(sources, size=min(source.size for _, source, _ in parts)), rows
