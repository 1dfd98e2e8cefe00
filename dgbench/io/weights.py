"""Where weights of third parties are found: a folder, DGBENCH_WEIGHTS, their own libraries' caches, a download."""

from __future__ import annotations

import functools
import os
import shutil
import tomllib
import zipfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from dgbench.core.digests import sha256_file
from dgbench.core.errors import MissingError, UsageError, did_you_mean
from dgbench.io import cache
from dgbench.io.atomic import atomic_writer
from dgbench.io.download import Progress, fetch

_ENVIRONMENT = "DGBENCH_WEIGHTS"


@dataclass(frozen=True)
class KnownWeight:
    """One file that dgbench knows by content.

    ``sha256`` may be a prefix where its authors published no more; ``url_sha256`` is set where ``url`` is an
    archive that holds the file; ``cache`` is where its own library keeps it; ``free`` is false where the licence
    forbids some uses, so that a user is asked first.
    """

    name: str
    sets: tuple[str, ...]
    role: str
    sha256: str
    licence: str
    url: str
    url_sha256: str = ""
    cache: str = ""
    free: bool = True


@functools.cache
def known_weights() -> tuple[KnownWeight, ...]:
    """Return the table of known weights, in the order of ``weights.toml``."""
    table = tomllib.loads(files("dgbench.io").joinpath("weights.toml").read_text(encoding="utf-8"))
    return tuple(KnownWeight(**{**row, "sets": tuple(row["sets"])}) for row in table["weight"])


def known(name: str) -> KnownWeight | None:
    """Return the table's row for ``name``, or None."""
    return next((row for row in known_weights() if row.name == name), None)


def places(name: str, folder: Path | None) -> list[Path]:
    """Return every path where ``name`` may lie, in the order in which they are tried."""
    roots = [folder] if folder is not None else []
    if os.environ.get(_ENVIRONMENT):
        roots.append(Path(os.environ[_ENVIRONMENT]).expanduser())
    roots.append(cache_folder())
    paths = [root / part for root in roots for part in dict.fromkeys((name, Path(name).name))]
    row = known(name)
    if row is not None and row.cache:
        torch_home = os.environ.get("TORCH_HOME") or f"{os.environ.get('XDG_CACHE_HOME', '~/.cache')}/torch"
        paths.append(cache.at_home(row.cache.replace("$TORCH_HOME", torch_home)))
    return paths


def cache_folder() -> Path:
    """Return where downloaded weights are kept: ``$DGBENCH_CACHE/weights`` or ``~/.cache/dgbench/weights``."""
    return cache.cache_folder("weights")


def find_weight(name: str, *, folder: Path | None, sha256: str | None = None) -> Path:
    """Return the path of weight file ``name``.

    Tried in order: ``folder``, ``DGBENCH_WEIGHTS``, dgbench's cache, the cache of the library it belongs to; in
    each by its path and by its bare file name. The first that exists is taken, and checked.

    Args:
        name: path inside a weights folder, e.g. ``buffalo_l/w600k_r50.onnx``.
        folder: the user's ``--weights``.
        sha256: expected digest or its prefix; by default the table's, for a name that it has.

    Raises:
        MissingError: the file is nowhere; the message names it, its sha256 and how to get it.
        UsageError: ``folder`` is not a folder, or the file found has another content.
    """
    if folder is not None and not folder.is_dir():
        raise UsageError(f"--weights {folder}: no such folder; give the folder that holds {name}")
    row = known(name)
    expected = sha256 if sha256 is not None else (row.sha256 if row else "")
    for path in places(name, folder):
        if path.is_file():
            found = sha256_file(path)
            if not found.startswith(expected):
                raise UsageError(
                    f"{path}: sha256 {found[:16]}… where {expected[:16]}… is expected; "
                    "it is damaged or another version, get it again" + (f" from {row.url}" if row else "")
                )
            return path
    raise MissingError(
        f"{name} is not here"
        + (f" (sha256 {expected})" if expected else "")
        + (f"; get it from {row.url}" if row else "")
        + f", put it into a folder and give that as --weights or {_ENVIRONMENT}"
    )


def obtain_weight(name: str, *, folder: Path | None, progress: Progress | None = None) -> Path:
    """Return the path of a listed weight, downloading it into dgbench's cache where it is nowhere else.

    A file inside an archive is taken out of it; the archive is deleted afterwards.

    Raises:
        MissingError: it is nowhere and cannot be downloaded.
        UsageError: what was found or came has another content.
    """
    try:
        return find_weight(name, folder=folder)
    except MissingError as missing:
        row = known(name)
        if row is None:
            raise
        try:
            return download_weight(row, cache_folder(), progress=progress)
        except MissingError as refused:
            raise MissingError(f"{missing} (tried to download: {refused})") from refused


def download_weight(row: KnownWeight, folder: Path, *, progress: Progress | None = None) -> Path:
    """Download a listed weight into a folder of weights, by the name that the judges look for.

    Raises:
        MissingError: no network, or the server refuses. UsageError: what came has another content.
    """
    target = folder / row.name
    if not row.url_sha256:
        return fetch(row.url, target, sha256=row.sha256, progress=progress)
    archive = folder / row.url.rsplit("/", 1)[-1]
    fetch(row.url, archive, sha256=row.url_sha256, progress=progress)
    # Everything in it that the table knows is taken out, so that the archive comes once.
    with zipfile.ZipFile(archive) as bundle:
        for other in (item for item in known_weights() if item.url == row.url):
            members = [name for name in bundle.namelist() if name.rsplit("/", 1)[-1] == Path(other.name).name]
            if len(members) == 1:
                with bundle.open(members[0]) as source, atomic_writer(folder / other.name) as sink:
                    shutil.copyfileobj(source, sink)
    archive.unlink()
    return find_weight(row.name, folder=folder, sha256=row.sha256)


def named_weights(what: str) -> list[KnownWeight]:
    """Return the rows that a set (``open``, ``standard``), ``inception`` or a file's name stands for.

    Raises:
        UsageError: none of these.
    """
    rows = [row for row in known_weights() if what in row.sets or what in (row.name, Path(row.name).name)]
    rows = rows or [row for row in known_weights() if what == "inception" and "inception" in row.name]
    if not rows:
        known = ["open", "standard", "inception", *(row.name for row in known_weights())]
        raise UsageError(f"no weights '{what}' (known: {', '.join(known)}).{did_you_mean(what, known)}")
    return rows


def weight_status(name: str, *, folder: Path | None) -> dict[str, Any]:
    """Return what is known of a listed weight as plain data; ``state`` is ``here``, ``other`` or ``missing``.

    ``other`` means that the first file found under the name has another content; ``path`` is that file.
    """
    row = known(name)
    if row is None:
        raise UsageError(f"{name} is not in the table of known weights")
    found = next((path for path in places(name, folder) if path.is_file()), None)
    state = "missing"
    if found is not None:
        state = "here" if sha256_file(found).startswith(row.sha256) else "other"
    known_facts = {key: getattr(row, key) for key in ("name", "role", "sha256", "licence", "url")}
    return {**known_facts, "sets": list(row.sets), "state": state, "path": str(found) if found else ""}
