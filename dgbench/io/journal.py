"""An append-only journal of JSON lines: what is on disk after a crash is every finished line and no half of one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from dgbench.core.errors import UsageError
from dgbench.io.atomic import user_error


class Journal:
    """Appends records to one file. One writer per file; a half line left by a killed writer is cut off first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered: what a full disk refused is not tried a second time, and with another error, by closing.
            self._handle = path.open("ab+", buffering=0)
            self._cut_half_line()
        except OSError as error:
            raise user_error(error, path) from error

    def append(self, records: Iterable[dict[str, Any]]) -> None:
        """Append records and wait until they are on disk.

        Raises:
            WorkFailedError: the disk is full or went read-only; what was written before stays.
        """
        text = "".join(json.dumps(r, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n" for r in records)
        try:
            self._write(text.encode())
            os.fsync(self._handle.fileno())
        except OSError as error:
            raise user_error(error, self._path) from error

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handle.close()

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[self._handle.write(left) :]  # a disk that is nearly full may take a part

    def _cut_half_line(self) -> None:
        size = self._handle.seek(0, os.SEEK_END)
        if size == 0:
            return
        self._handle.seek(0)
        content = self._handle.read()
        whole = content.rfind(b"\n") + 1
        if whole != size:
            self._handle.truncate(whole)
            self._handle.seek(0, os.SEEK_END)


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Return the finished records of a journal; a half line at the end, left by a killed writer, is no record.

    Raises:
        UsageError: a line that was finished is not a JSON object: somebody else wrote to the file.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    records = []
    for number, line in enumerate(content[: content.rfind(b"\n") + 1].splitlines(), start=1):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict):
            raise UsageError(f"{path}:{number}: not a journal line; move the file away to do its work again")
        records.append(record)
    return records
