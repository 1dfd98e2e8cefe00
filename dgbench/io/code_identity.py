"""What code computed something: a digest of source files, and the versions of libraries that can change a number."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dgbench.core.digests import digest, sha256_file

#: A package of more files than this is not one method's code.
_MOST_FILES = 5000
_PACKAGE = Path(__file__).resolve().parents[1]


def source_digest(places: Iterable[Path]) -> str:
    """Return the digest of Python source: files as they are, folders with every ``.py`` file below them.

    Names enter relative to their place, so that an installed package and a checkout of the same code agree.

    Raises:
        OSError: a file cannot be read.
    """
    listed: list[list[str]] = []
    for place in sorted(set(places)):
        files = [place] if place.is_file() else sorted(place.rglob("*.py"))[:_MOST_FILES]
        listed.extend([path.relative_to(place.parent).as_posix(), sha256_file(path)] for path in files)
    return digest(listed)


@functools.cache
def own_code(*rooms: str) -> str:
    """Return the digest of rooms of dgbench, named as folders or files below the package (``networks``)."""
    return source_digest([_PACKAGE / room for room in rooms])


@functools.cache
def library_versions(*packages: str) -> dict[str, str]:
    """Return distribution → version, ``absent`` where it is not installed."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found
