"""The clip tables of a data set, read once in parallel and cached outside it; a bad clip is one entry."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from dgbench.core.digests import digest
from dgbench.core.errors import DgbenchError
from dgbench.io.atomic import write_bytes
from dgbench.io.cache import cache_folder
from dgbench.io.parquet import read_frame
from dgbench.io.video import ClipTable, VideoError, read_table

_log = logging.getLogger(__name__)
_COLUMNS = ["path", "mark", "failure", "width", "height", "pts"]
#: How often what was read is kept: the tables of a large set take hours, and a killed process loses no more than this.
_KEEP_S = 300.0


class ClipTables:
    """Tables by path relative to ``root``, valid while size and modification time of the file stay the same.

    Args:
        root: the data set; nothing is written into it.
        cache: folder of the cache files; default ``$DGBENCH_CACHE/clips`` or ``~/.cache/dgbench/clips``.
    """

    def __init__(self, root: Path, *, cache: Path | None = None) -> None:
        self._root = root
        self._file = (cache or cache_folder() / "clips") / f"{digest(str(root.resolve()))[:24]}.parquet"
        self._known = self._load()

    def read(self, paths: Iterable[str], *, workers: int = 4) -> dict[str, ClipTable | VideoError]:
        """Return the table of each clip, or why it has none; what was not known is read and cached as it goes."""
        wanted = list(dict.fromkeys(paths))
        marks = {path: self._mark(path) for path in wanted}
        unknown = [path for path in wanted if self._known.get(path, (None, None))[0] != marks[path]]
        if unknown:
            self._read_all({path: marks[path] for path in unknown}, workers=workers)
        return {path: self._known[path][1] for path in wanted}

    def _read_all(self, marks: dict[str, str], *, workers: int) -> None:
        kept = time.monotonic()
        with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
            try:
                for path, found in zip(marks, pool.map(self._read_one, marks), strict=True):
                    self._known[path] = (marks[path], found)
                    if time.monotonic() - kept > _KEEP_S:
                        self._keep()
                        kept = time.monotonic()
            finally:  # a stop keeps what was read, and waits for no clip that is not begun
                pool.shutdown(cancel_futures=True)
                self._keep()

    def _keep(self) -> None:
        try:
            self._save()
        except DgbenchError as error:  # a cache that cannot be written, or a full disk, costs time and not results
            _log.warning("clip tables are not kept: %s", error)

    def _read_one(self, path: str) -> ClipTable | VideoError:
        try:
            return read_table(self._root / path)
        except VideoError as error:
            return error

    def _mark(self, path: str) -> str:
        try:
            status = (self._root / path).stat()
        except OSError:
            return "missing"
        return f"{status.st_size}:{status.st_mtime_ns}"

    def _load(self) -> dict[str, tuple[str | None, ClipTable | VideoError]]:
        try:
            table = read_frame(self._file)
            known: dict[str, tuple[str | None, ClipTable | VideoError]] = {}
            for path, mark, failure, width, height, pts in zip(
                *(table[name].tolist() for name in _COLUMNS), strict=True
            ):
                found = VideoError(failure) if failure else ClipTable(width, height, np.asarray(pts, dtype=np.int64))
                known[path] = (mark, found)
            return known
        except (OSError, ValueError, KeyError):
            return {}  # absent or damaged: it can be made again

    def _save(self) -> None:
        rows = [
            (path, mark, "", found.width, found.height, found.pts)
            if isinstance(found, ClipTable)
            else (path, mark, str(found), 0, 0, np.zeros(0, np.int64))
            for path, (mark, found) in sorted(self._known.items())
        ]
        buffer = io.BytesIO()
        pd.DataFrame(rows, columns=_COLUMNS).to_parquet(buffer, index=False)
        write_bytes(self._file, buffer.getvalue())
