"""What of a run is done: its journals read together, its images beside them, and the commit of one result."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import UsageError, WorkFailedError
from dgbench.core.face import Failure, Image
from dgbench.core.pair import Pair
from dgbench.engine.run.plan import RunFolder
from dgbench.io.atomic import write_bytes
from dgbench.io.images import encode_png
from dgbench.io.journal import read_journal

#: What a line must say as text, by its status.
_TEXTS = {"ok": ("pair_id", "sha256"), "failed": ("pair_id", "kind", "message")}


def journal_state(folder: RunFolder) -> dict[str, dict[str, Any]]:
    """Return the line that holds for every pair, over the journals of all shards.

    Within a journal that is the pair's last line. Journals of two cuts may both know a pair, and nothing tells which
    is newer: then an image counts before a failure, and of two images the one that lies in the folder.

    Raises:
        UsageError: a journal holds lines that no run writes.
    """
    state: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.journals.glob("*.jsonl")):
        for pair_id, line in _last_lines(path).items():
            state[pair_id] = _holding(folder, state[pair_id], line) if pair_id in state else line
    return state


def _last_lines(path: Path) -> dict[str, dict[str, Any]]:
    lines = {}
    for line in read_journal(path):
        status = line.get("status")
        texts = _TEXTS.get(status) if isinstance(status, str) else None
        if texts is None or not all(isinstance(line.get(name), str) for name in texts):
            raise UsageError(f"{path}: a line without pair_id and status; not a run's journal")
        lines[line["pair_id"]] = line
    return lines


def _holding(folder: RunFolder, first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return which of two journals' lines about one pair holds."""
    if second["status"] == "failed" and first["status"] == "ok":
        return first
    if first["status"] == "ok" and first["sha256"] != second["sha256"] and _lies_there(folder, first):
        return first
    return second


def _lies_there(folder: RunFolder, line: dict[str, Any]) -> bool:
    try:
        return sha256_bytes(folder.image(line["pair_id"]).read_bytes()) == line["sha256"]
    except (OSError, ValueError):  # not there, or no name that a file can have
        return False


def undone(
    folder: RunFolder, pairs: Sequence[Pair], *, retry_failed: bool = False, environment: str | None = None
) -> list[Pair]:
    """Return the pairs that have no result yet, in order.

    A result is a journal line and, where it says ok, an image of the length that the line names: a power cut may
    leave the line and take the image, and then the pair is done again. With an ``environment``, a failure that
    happened in another one is no result: the packages of that one may have been at fault.
    """
    state, sizes = journal_state(folder), _image_sizes(folder)

    def is_done(pair: Pair) -> bool:
        line = state.get(pair.pair_id)
        if line is None or line["status"] == "failed":
            known = line is not None and environment in (None, line.get("environment", environment))
            return known and not retry_failed
        size = sizes.get(folder.image(pair.pair_id).name)
        return size is not None and size == line.get("bytes", size)

    return [pair for pair in pairs if not is_done(pair)]


def untried(folder: RunFolder, pairs: Sequence[Pair]) -> list[Pair]:
    """Return the pairs that the run has not come to, in order: no journal line, or one whose image is not there."""
    state, sizes = journal_state(folder), _image_sizes(folder)

    def is_tried(pair: Pair) -> bool:
        line = state.get(pair.pair_id)
        return line is not None and (line["status"] == "failed" or folder.image(pair.pair_id).name in sizes)

    return [pair for pair in pairs if not is_tried(pair)]


def require_complete(folder: RunFolder, pairs: Sequence[Pair]) -> None:
    """Check that the parts of a run together hold every pair.

    Raises:
        WorkFailedError: a pair has no result; how many and the first one are named.
    """
    missing = untried(folder, pairs)
    if missing:
        raise WorkFailedError(
            f"{folder.root}: {len(missing)} of {len(pairs)} pairs have no result yet (first: {missing[0].pair_id}); "
            "give the command of the run again to go on, or score what is there with --partial (it never ranks)"
        )


def commit(
    folder: RunFolder, pair: Pair, result: Image | Failure, seconds: float, *, environment: str = ""
) -> dict[str, Any]:
    """Write one result and return its journal line: image first, line second, so a line always has its image."""
    if isinstance(result, Failure):
        where = {"environment": environment} if environment else {}
        return {"pair_id": pair.pair_id, "status": "failed", "kind": result.kind, "message": result.message, **where}
    data = encode_png(result)
    write_bytes(folder.image(pair.pair_id), data, durable=False)
    return {
        "pair_id": pair.pair_id,
        "status": "ok",
        "sha256": sha256_bytes(data),
        "bytes": len(data),
        "seconds": round(seconds, 4),
    }


def _image_sizes(folder: RunFolder) -> dict[str, int]:
    """Sizes of the images by file name, from one listing: a look at each of 100,000 paths would take far longer."""
    try:
        with os.scandir(Path(folder.images)) as entries:
            return {entry.name: entry.stat().st_size for entry in entries if entry.is_file()}
    except FileNotFoundError:
        return {}
