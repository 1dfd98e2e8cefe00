"""Get the head model once: resumable, verified download of ICT-FaceKit's files, folded into one compact file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dgbench.core.digests import sha256_file
from dgbench.core.errors import MissingError, UsageError
from dgbench.io.atomic import atomic_writer, write_text
from dgbench.io.cache import cache_folder
from dgbench.io.download import fetch
from dgbench.synthface.head.facekit import (
    FACEKIT_COMMIT,
    FaceKitFile,
    expression_names,
    facekit_files,
    needed_files,
    obj_arrays,
)
from dgbench.synthface.head.load import load_head
from dgbench.synthface.head.model import HEAD_NOTICE

#: Where the release's files lie; {name} is the file.
FACEKIT_URL = f"https://raw.githubusercontent.com/ICT-VGL/ICT-FaceKit/{FACEKIT_COMMIT}/FaceXModel/{{name}}"
#: The name of the compact file.
COMPACT = "ict_facekit.npz"
_TRIES = 3

#: Called with (done, total).
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class FetchedHead:
    """What :func:`fetch_head` did: the compact ``path``, the head's ``digest``, and how many files it downloaded."""

    path: Path
    digest: str
    downloaded: int


def _nothing(done: int, total: int) -> None:
    """Show no progress."""


def fetch_head(
    *,
    source: Path | None = None,
    out: Path | None = None,
    url: str = FACEKIT_URL,
    progress: Progress = _nothing,
) -> FetchedHead:
    """Make the compact head file, from a local copy of the release or by download, and return where it is.

    A download goes file by file into ``<out's folder>/FaceXModel``; whole files are kept, a broken one goes on
    where it stopped, and every file is checked by sha256. They are removed once the compact file (16 MB) is written.

    Args:
        source: what DGBENCH_HEAD may name: a compact npz, a folder that holds one, a copy of ICT-FaceKit or of its
            FaceXModel folder; None: download (154 files, 394 MB).
        out: the compact file; None: ``head/ict_facekit.npz`` in the cache folder.
        url: address of a file, with ``{name}``.
        progress: called with (files done, files in all).

    Raises:
        MissingError: no network, or a file is lacking from ``source``; the message says what to do instead.
        UsageError: a file is not the release's.
    """
    target = out or cache_folder() / "head" / "ict_facekit.npz"
    if target.exists():
        head = load_head(target)
        return FetchedHead(target, head.digest, 0)
    if source is not None:
        if source.is_file() or (source / COMPACT).is_file():
            _copy_compact(source if source.is_file() else source / COMPACT, target)
        elif source.is_dir():
            _write_compact(source, target, progress)
        else:
            raise UsageError(f"{source}: no such file or folder; give {COMPACT}, or a copy of ICT-FaceKit's FaceXModel")
        return FetchedHead(target, load_head(target).digest, 0)
    folder = target.parent / "FaceXModel"
    folder.mkdir(parents=True, exist_ok=True)
    table = facekit_files()
    fetched = int(_fetch(table["vertex_indices.json"], folder, url))
    names = needed_files(expression_names((folder / "vertex_indices.json").read_bytes()))
    for done, name in enumerate(names):
        progress(done, len(names))
        fetched += int(_fetch(table[name], folder, url))
    progress(len(names), len(names))
    _write_compact(folder, target, _nothing)
    digest = load_head(target).digest
    shutil.rmtree(folder)
    return FetchedHead(target, digest, fetched)


def _copy_compact(source: Path, target: Path) -> None:
    load_head(source)  # a damaged or foreign file is refused before anything is written
    with source.open("rb") as given, atomic_writer(target) as handle:
        shutil.copyfileobj(given, handle)
    write_text(target.with_name("NOTICE.txt"), HEAD_NOTICE + "\n")


def _write_compact(folder: Path, target: Path, progress: Progress) -> None:
    arrays = obj_arrays(folder, progress)
    with atomic_writer(target) as handle:
        np.savez_compressed(handle, allow_pickle=False, **arrays)
    write_text(target.with_name("NOTICE.txt"), HEAD_NOTICE + "\n")


def _fetch(file: FaceKitFile, folder: Path, url: str) -> bool:
    """Bring one file into ``folder``; True when something was downloaded. A broken connection is taken up again."""
    path = folder / file.name
    if path.exists() and sha256_file(path) == file.sha256:
        return False
    for tries_left in reversed(range(_TRIES)):
        try:
            fetch(url.format(name=file.name), path, sha256=file.sha256)
            return True
        except MissingError as error:
            part = path.with_name(f"{path.name}.part")
            if not tries_left or not part.exists():  # nothing has come at all: there is no network
                raise MissingError(
                    f"{error}; or copy the FaceXModel folder of ICT-FaceKit (github.com/ICT-VGL/ICT-FaceKit, commit "
                    f"{FACEKIT_COMMIT[:7]}) here and run `dgbench data fetch-head --from FOLDER`"
                ) from error
    return True
