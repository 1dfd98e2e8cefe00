"""The folder that a preparation writes into: is it ours, does it hold the same work, is that work done."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import UsageError
from dgbench.io.arrays import DAMAGED_ARRAYS
from dgbench.io.atomic import user_error, write_json
from dgbench.preprocess.store import STORE_FILE, PreparedStore, StoredImage, is_store

#: Where finished parts lie until the store is finished: hidden, and the mark of a preparation that was begun.
PARTS = ".parts"
_PLAN_FILE = "plan.json"
#: What the lock of a folder leaves where its owner was killed.
_OF_THE_LOCK = (".lock", "..lock")
_DAMAGED: tuple[type[Exception], ...] = (UsageError, *DAMAGED_ARRAYS)


def require_own_folder(out: Path) -> None:
    """Look, before anything is written, whether a folder is new, a store, or a preparation that was stopped.

    Raises:
        UsageError: it holds something else, which preparing would mix with a store's files.
    """
    if not out.is_dir() or is_store(out) or (out / PARTS).is_dir():
        return
    # The head poses of a large-pose protocol are estimated first, in a folder of their own inside this one.
    try:
        others = [path.name for path in out.iterdir() if not (path / PARTS).is_dir()]
    except OSError as error:
        raise user_error(error, out) from error
    if foreign := sorted(name for name in others if not name.startswith(_OF_THE_LOCK)):
        raise UsageError(f"{out}: holds something else ({foreign[0]}); choose an empty or a new folder for the store")


def begin(out: Path, plan: str) -> None:
    """Keep in the folder what is prepared there; ``plan`` changes with data set, keys, frame and networks.

    Raises:
        UsageError: the folder holds, finished or begun, the preparation of another plan.
    """
    begun = _plan_in(out)
    if begun not in ("", plan):
        raise UsageError(
            f"{out}: holds images of another preparation (other images, frame or networks); choose another folder, "
            "or remove this one to prepare it again"
        )
    write_json(out / PARTS / _PLAN_FILE, {"plan": plan})


def finished_rows(out: Path) -> list[StoredImage] | None:
    """Return the rows of a finished store, or ``None`` where it is not finished or anything in it is damaged."""
    try:
        store = PreparedStore(out)
        store.manifest()
        rows = store.rows()
    except _DAMAGED:
        return None
    return rows if all(_is_whole(out, row) for row in rows if not row.failure) else None


def clean(out: Path) -> None:
    """Remove what only an unfinished store needs, and the temp files of a process that was killed while it wrote."""
    shutil.rmtree(out / PARTS, ignore_errors=True)
    for folder in (out, *(out / "images").glob("*")):
        for stray in folder.glob(".*.tmp"):
            stray.unlink(missing_ok=True)


def _plan_in(out: Path) -> str:
    """Return the plan of what a folder holds, "" where it holds nothing that can be told, to be made again."""
    for path in (out / STORE_FILE, out / PARTS / _PLAN_FILE):
        try:
            about: Any = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        return str(about.get("plan", "unknown")) if isinstance(about, dict) else "unknown"
    return ""


def _is_whole(out: Path, row: StoredImage) -> bool:
    try:
        return sha256_bytes((out / row.file).read_bytes()) == row.sha256
    except OSError:
        return False
