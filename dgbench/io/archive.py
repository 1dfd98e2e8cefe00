"""Safe unpacking of zip and tar: nothing outside the folder, no links, no bombs, whole or not at all."""

from __future__ import annotations

import lzma
import secrets
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from dgbench.core.errors import UsageError
from dgbench.io.arrays import DAMAGED_ARRAYS

_CHUNK = 1 << 20
_DAMAGED: tuple[type[Exception], ...] = (*DAMAGED_ARRAYS, tarfile.TarError, lzma.LZMAError)


def extract(archive: Path, folder: Path, *, max_bytes: int = 1 << 40, max_files: int = 5_000_000) -> list[str]:
    """Unpack ``archive`` into ``folder``, which must not exist, and return the files' names, sorted.

    Everything is unpacked into a folder beside it first and renamed at the end, so that a damaged archive leaves
    nothing behind. Sizes are counted as bytes come out, because headers can lie.

    Raises:
        UsageError: not a zip or tar, damaged, a member that is a link, a device, or would land outside the folder,
            two members of one name (also where only case differs), more bytes or files than allowed, or ``folder``
            exists.
    """
    if folder.exists():
        raise UsageError(f"{folder}: exists already; give a folder that does not")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temp = folder.parent / f".{folder.name}.{secrets.token_hex(6)}"  # with the rights that the umask leaves
    temp.mkdir()
    try:
        names = _unpack(archive, temp, max_bytes=max_bytes, max_files=max_files)
        temp.rename(folder)
    except _DAMAGED as error:
        shutil.rmtree(temp, ignore_errors=True)
        raise UsageError(f"{archive}: cannot be unpacked ({' '.join(str(error).split())[:160]})") from error
    except BaseException:
        shutil.rmtree(temp, ignore_errors=True)
        raise
    return sorted(names)


def _unpack(archive: Path, folder: Path, *, max_bytes: int, max_files: int) -> list[str]:
    names: list[str] = []
    seen: set[str] = set()
    left = max_bytes
    for name, stream in _members(archive):
        safe = _safe_name(archive, name)
        if safe.casefold() in seen:
            raise UsageError(f"{archive}: two members are named {safe!r} (case aside); one would replace the other")
        seen.add(safe.casefold())
        if len(names) >= max_files:
            raise UsageError(f"{archive}: more than {max_files} files; refused")
        target = folder / safe
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as out:
            while chunk := stream.read(min(_CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    raise UsageError(f"{archive}: unpacks to more than {max_bytes} bytes; refused")
                out.write(chunk)
        names.append(safe)
    return names


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    if not archive.is_file():
        raise UsageError(f"{archive}: no such file")
    if zipfile.is_zipfile(archive):
        yield from _zip_members(archive)
    elif tarfile.is_tarfile(archive):
        yield from _tar_members(archive)
    else:
        raise UsageError(f"{archive}: neither zip nor tar; pack it as one of these, and join a split archive first")


def _zip_members(archive: Path) -> Iterable[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as source:
        # Some programs of Windows write their own separator; a name with both kinds is refused later.
        windows = not any("/" in info.filename for info in source.infolist())
        for info in source.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise UsageError(f"{archive}: member {info.filename!r} is a link or a device; refused")
            if info.is_dir():
                _safe_name(archive, info.filename)
                continue
            with source.open(info) as stream:
                yield info.filename.replace("\\", "/") if windows else info.filename, stream


def _tar_members(archive: Path) -> Iterable[tuple[str, IO[bytes]]]:
    with tarfile.open(archive) as source:
        for info in source:
            if info.isdir():
                if info.name != ".":  # `tar -cf images.tar .` names the folder itself first
                    _safe_name(archive, info.name)
                continue
            stream = source.extractfile(info) if info.isreg() else None
            if stream is None:
                raise UsageError(f"{archive}: member {info.name!r} is a link or a device; refused")
            with stream:
                yield info.name, stream


def _safe_name(archive: Path, name: str) -> str:
    path = PurePosixPath(name)
    bad = path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or ":" in name.split("/")[0]
    if bad or not path.parts:
        raise UsageError(f"{archive}: member {name!r} would land outside the folder; refused")
    return path.as_posix()
