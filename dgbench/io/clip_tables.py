"""The clip tables of a data set, read once in parallel and cached outside it; a bad clip is one entry.

Only tables are kept, never failures: a clip that could not be read is tried again, since what was wrong (rights, a
disk that was away) may have been mended without a trace in the file's size and time.
"""

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
from dgbench.io.video import ClipTable, VideoError, decoder_name, read_table

_log = logging.getLogger(__name__)
_COLUMNS = ["path", "mark", "width", "height", "pts"]
#: Changes with what is computed here or in :mod:`dgbench.io.video`; with the decoder's version it is part of the name.
_VERSION = 2
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
        self._file = (cache or cache_folder() / "clips") / f"{self._name(root)}.parquet"
        self._known = self._load()
        self._failed: dict[str, VideoError] = {}

    @staticmethod
    def _name(root: Path) -> str:
        return digest([str(root.resolve()), _VERSION, decoder_name()])[:24]

    def read(self, paths: Iterable[str], *, workers: int = 4) -> dict[str, ClipTable | VideoError]:
        """Return the table of each clip, or why it has none; what was not known is read and cached as it goes."""
        wanted = list(dict.fromkeys(paths))
        marks = {path: self._mark(path) for path in wanted}
        unknown = [path for path in wanted if self._known.get(path, ("", None))[0] != marks[path]]
        if unknown:
            self._read_all({path: marks[path] for path in unknown}, workers=workers)
        return {path: self._failed[path] if path in self._failed else self._known[path][1] for path in wanted}

    def _read_all(self, marks: dict[str, str], *, workers: int) -> None:
        kept = time.monotonic()
        with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
            try:
                for path, found in zip(marks, pool.map(self._read_one, marks), strict=True):
                    if isinstance(found, ClipTable):
                        self._known[path] = (marks[path], found)
                        self._failed.pop(path, None)
                    else:
                        self._known.pop(path, None)
                        self._failed[path] = found
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

    def _load(self) -> dict[str, tuple[str, ClipTable]]:
        try:
            table = read_frame(self._file)
            rows = zip(*(table[name].tolist() for name in _COLUMNS), strict=True)
            return {
                path: (mark, ClipTable(width, height, np.asarray(pts, dtype=np.int64)))
                for path, mark, width, height, pts in rows
            }
        except (OSError, ValueError, KeyError):
            return {}  # absent or damaged: it can be made again

    def _save(self) -> None:
        rows = [
            (path, mark, found.width, found.height, found.pts) for path, (mark, found) in sorted(self._known.items())
        ]
        buffer = io.BytesIO()
        pd.DataFrame(rows, columns=_COLUMNS).to_parquet(buffer, index=False)
        write_bytes(self._file, buffer.getvalue())
