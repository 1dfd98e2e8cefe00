"""What code computed something: a digest of source files, and the versions of libraries that can change a number."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dgbench.core.digests import digest, sha256_bytes

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
        listed.extend([path.relative_to(place.parent).as_posix(), text_sha256(path)] for path in files)
    return digest(listed)


def text_sha256(path: Path) -> str:
    """Return the sha256 of a source file; line ends do not count, a checkout may have either kind."""
    return sha256_bytes(path.read_bytes().replace(b"\r\n", b"\n"))


def imported_files(start: Path, *, root: Path, keep: Callable[[str], bool] = lambda name: True) -> dict[str, Path]:
    """Return a source file and what it imports below ``root``, directly and indirectly, by path relative to ``root``.

    Imports are read and not executed, so that those inside functions count too; names that are put together while the
    code runs are not seen.

    Args:
        start: a Python file below ``root``.
        root: the folder in which the top-level names of its imports are looked for.
        keep: whether a file, by its relative path with '/', belongs to the result and is followed.
    """
    found: dict[str, Path] = {}
    waiting = [start]
    while waiting:
        path = waiting.pop()
        name = path.relative_to(root).as_posix()
        if name in found or not path.is_file() or not (path == start or keep(name)):
            continue
        found[name] = path
        for parts in _imports(path, path.relative_to(root).parts[:-1]):
            place = root.joinpath(*parts)
            waiting += [place.with_name(place.name + ".py"), place / "__init__.py"] if parts else []
    return found


def _imports(path: Path, package: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the dotted names that a file may import, as parts; ``package`` is where it lies."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # it cannot be imported either
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            base += tuple(node.module.split(".")) if node.module else ()
            yield base
            yield from ((*base, alias.name) for alias in node.names)


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
