"""Get the head model once: resumable, verified download of ICT-FaceKit's files, folded into one compact file."""

from __future__ import annotations

import http.client
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dgbench.core.digests import sha256_file
from dgbench.core.errors import MissingError, UsageError, WorkFailedError
from dgbench.io.atomic import atomic_writer, write_text
from dgbench.io.cache import cache_folder
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
_CHUNK = 1 << 18
_TIMEOUT = 30.0
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
        source: a local copy of ICT-FaceKit or of its FaceXModel folder; None: download (154 files, 394 MB).
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
        if not source.is_dir():
            raise UsageError(f"{source}: no such folder; give a copy of ICT-FaceKit or its FaceXModel folder")
        _write_compact(source, target, progress)
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


def _write_compact(folder: Path, target: Path, progress: Progress) -> None:
    arrays = obj_arrays(folder, progress)
    with atomic_writer(target) as handle:
        np.savez_compressed(handle, allow_pickle=False, **arrays)
    write_text(target.with_name("NOTICE.txt"), HEAD_NOTICE + "\n")


def _fetch(file: FaceKitFile, folder: Path, url: str) -> bool:
    """Bring one file into ``folder``; True when something was downloaded."""
    path, part = folder / file.name, folder / f"{file.name}.part"
    if path.exists():
        if sha256_file(path) == file.sha256:
            return False
        path.unlink()
    address = url.format(name=file.name)
    for _ in range(_TRIES):
        _download(file, part, address)
        if part.stat().st_size < file.size:
            continue  # the connection broke: the next try goes on from here
        if sha256_file(part) == file.sha256:
            part.replace(path)
            return True
        # A damaged part would be continued for ever: the next try starts afresh.
        part.unlink()
    if part.exists():
        raise MissingError(f"{address}: the connection broke {_TRIES} times; run the same command again to go on")
    raise UsageError(f"{address}: not the file that is expected (sha256 differs)")


def _download(file: FaceKitFile, part: Path, address: str) -> None:
    """Append what ``part`` lacks of the file."""
    have = part.stat().st_size if part.exists() else 0
    if have >= file.size:
        have = 0
    request = urllib.request.Request(address)  # noqa: S310  (the caller's address; https by default)
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
            resumed = have > 0 and answer.status == 206
            with part.open("ab" if resumed else "wb") as handle:
                while chunk := answer.read(_CHUNK):
                    handle.write(chunk)
    except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise MissingError(
            f"{address}: cannot be downloaded ({reason}); run the same command again to go on, or copy the FaceXModel "
            f"folder of ICT-FaceKit (github.com/ICT-VGL/ICT-FaceKit, commit {FACEKIT_COMMIT[:7]}) here and run "
            "`dgbench data fetch-head --from FOLDER`"
        ) from error
    except OSError as error:
        raise WorkFailedError(
            f"{part}: cannot be written ({error.strerror}); free space and run the same command to go on"
        ) from error
