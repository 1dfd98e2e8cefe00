"""Features waiting on disk for the end of the pass, one row per pair on both sides, so that memory stays flat."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from dgbench.io.atomic import user_error
from dgbench.metrics.contract import Features, OwnFeatures, PairView, SetResult
from dgbench.scoring.score_table import SetValue


class OwnRows:
    """The rows of one set metric that brings its own network, over the pairs that have them."""

    def __init__(self, metric: OwnFeatures, folder: Path, n: int) -> None:
        self._metric = metric
        self._there = np.zeros(n, dtype=np.bool_)
        own = folder / metric.card.name.replace("/", "_")
        own.mkdir()
        self._spool = FeatureSpool(own, n)

    def put(self, index: int, view: PairView) -> None:
        """Let the metric look at the pair at ``index``."""
        rows = self._metric.rows(view)
        if rows is not None:
            self._spool.put(index, *rows)
            self._there[index] = True

    def value(self) -> SetValue:
        """Return the metric over the pairs that it has rows of; the others are counted as ``missing``."""
        missing = int((~self._there).sum())
        if missing == len(self._there):
            result = SetResult(None, "no pair has both images")
        else:
            result = self._metric.compute(self._spool.real()[self._there], self._spool.generated()[self._there])
        return SetValue(self._metric, result, result, {"missing": missing} if missing else {})


class FeatureSpool:
    """Two float32 (N, D) tables in memory-mapped scratch files, the real and the generated side.

    Rows may come in any order; the tables are in order of pair_id, so that no batch size or shard changes them.
    The files are scratch inside a temporary folder of the pass and are never read by another run.
    """

    def __init__(self, folder: Path, n: int) -> None:
        self._folder, self._n = folder, n
        self._tables: tuple[Features, Features] | None = None

    def put(self, index: int, real: Features, generated: Features) -> None:
        """Store both rows of the pair at ``index``.

        Raises:
            ValueError: the rows are not vectors of the one length that all rows have.
            WorkFailedError: the disk of the temporary folder has no room for both tables.
        """
        if self._tables is None:
            shape = (self._n, len(real))
            self._tables = _table(self._folder / "real.f32", shape), _table(self._folder / "generated.f32", shape)
        width = self._tables[0].shape[1]
        if real.shape != (width,) or generated.shape != (width,):
            raise ValueError(f"feature rows of {real.shape} and {generated.shape}, expected ({width},)")
        self._tables[0][index] = real
        self._tables[1][index] = generated

    def real(self) -> Features:
        """Return the real side, float32 (N, D)."""
        return self._both()[0]

    def generated(self) -> Features:
        """Return the generated side, float32 (N, D)."""
        return self._both()[1]

    def _both(self) -> tuple[Features, Features]:
        if self._tables is None:
            raise ValueError("no features were stored")
        return self._tables


def _table(path: Path, shape: tuple[int, int]) -> Features:
    """Make a memory-mapped table whose room is taken now: a full disk met through the map would kill the process."""
    try:
        with path.open("wb") as file:
            size = shape[0] * shape[1] * np.dtype(np.float32).itemsize
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            file.truncate(size)
    except OSError as error:
        raise user_error(error, path) from error
    return np.memmap(path, dtype=np.float32, mode="r+", shape=shape)
