"""Finding and loading the head model: a compact npz, or a folder of ICT-FaceKit's own OBJ files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from dgbench.core.errors import MissingError, UsageError
from dgbench.io.arrays import DAMAGED_ARRAYS
from dgbench.io.cache import cache_folder
from dgbench.synthface.head.facekit import read_obj_folder
from dgbench.synthface.head.model import ARRAYS, Head, flaw_of, head_from_arrays


def find_head(path: Path | None = None) -> Path:
    """Return where the head is: ``path``, else DGBENCH_HEAD, else ``head/ict_facekit.npz`` in the cache folder.

    Raises:
        MissingError: it is not there; the message says how to get it.
    """
    named = path or (Path(os.environ["DGBENCH_HEAD"]) if os.environ.get("DGBENCH_HEAD") else None)
    found = named or cache_folder() / "head" / "ict_facekit.npz"
    if not found.exists():
        raise MissingError(
            f"{found}: the head model is not here; run `dgbench data fetch-head`, or set DGBENCH_HEAD to "
            "ict_facekit.npz or to a copy of ICT-FaceKit's FaceXModel folder"
        )
    return found


def load_head(path: Path | None = None) -> Head:
    """Read the head model.

    Args:
        path: a compact npz or an upstream ``FaceXModel`` folder; None: see :func:`find_head`.

    Raises:
        MissingError: there is none.
        UsageError: the file is damaged or is something else.
    """
    found = find_head(path)
    if found.is_dir():
        inner = found / "ict_facekit.npz"
        if not inner.exists():
            return read_obj_folder(found)
        found = inner
    try:
        with np.load(found, allow_pickle=False) as archive:
            lacking = sorted(ARRAYS - set(archive.files))
            if lacking:
                raise UsageError(f"{found}: not a head model, it lacks {', '.join(lacking)}")
            arrays = {name: np.asarray(archive[name]) for name in ARRAYS}  # numpy gives bytes for a member of no kind
    except DAMAGED_ARRAYS as error:
        raise UsageError(f"{found}: damaged ({error}); fetch it again with `dgbench data fetch-head`") from error
    if flaw := flaw_of(arrays):
        raise UsageError(f"{found}: not a sound head model: {flaw}; fetch it again with `dgbench data fetch-head`")
    return head_from_arrays(arrays)
