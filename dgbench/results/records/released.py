"""The lock of released protocols: their files' digests, so that a released version cannot change unseen."""

from __future__ import annotations

import json
from pathlib import Path

from dgbench.core.digests import sha256_file
from dgbench.core.errors import UsageError
from dgbench.io.atomic import write_json

LOCK = "RELEASED.json"

#: Prose that may be corrected after a release; everything else in a version's folder is fixed.
_PROSE = frozenset({"CARD.md"})


def protocol_digests(version_folder: Path) -> dict[str, str]:
    """sha256 of every fixed file of one ``protocols/<id>/v<N>/`` folder, by name."""
    files = sorted(file for file in version_folder.iterdir() if file.is_file() and file.name not in _PROSE)
    return {file.name: sha256_file(file) for file in files if not file.name.startswith(".")}


def released_versions(protocols_root: Path) -> dict[str, Path]:
    """The version folders under ``protocols_root``, by ``id@N``, in name order."""
    folders = sorted(file.parent for file in protocols_root.glob("*/v*/protocol.yaml"))
    return {f"{folder.parent.name}@{folder.name.removeprefix('v')}": folder for folder in folders}


def write_lock(protocols_root: Path) -> Path:
    """Release every protocol that is not yet in the lock; entries already there are kept as they are.

    Raises:
        UsageError: the lock is damaged.
    """
    lock = read_lock(protocols_root) or {}
    for name, folder in released_versions(protocols_root).items():
        lock.setdefault(name, protocol_digests(folder))
    write_json(protocols_root / LOCK, lock)
    return protocols_root / LOCK


def lock_version(protocols_root: Path, name: str) -> None:
    """Enter the files of ``id@N`` as they are now, over an entry that is there.

    Raises:
        UsageError: the lock is damaged.
    """
    identifier, _, version = name.rpartition("@")
    entry = protocol_digests(protocols_root / identifier / f"v{version}")
    write_json(protocols_root / LOCK, {**(read_lock(protocols_root) or {}), name: entry})


def read_lock(protocols_root: Path) -> dict[str, dict[str, str]] | None:
    """Read the lock, ``None`` where there is none.

    Raises:
        UsageError: it is not JSON of the form ``{"id@N": {"file": "sha256"}}``.
    """
    file = protocols_root / LOCK
    if not file.is_file():
        return None
    return parse_lock(file.read_bytes(), str(file))


def parse_lock(content: bytes, name: str) -> dict[str, dict[str, str]]:
    """Parse the bytes of a lock; ``name`` is what an error calls it."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name}: is not JSON: {error}") from error
    if not isinstance(data, dict) or not all(isinstance(entry, dict) for entry in data.values()):
        raise UsageError(f'{name}: is not of the form {{"id@N": {{"file": "sha256"}}}}')
    return data


def changed_files(protocols_root: Path) -> list[tuple[str, str]]:
    """What differs from the lock: (``id@N/file``, what is wrong), sorted."""
    found: list[tuple[str, str]] = []
    for name, expected in sorted((read_lock(protocols_root) or {}).items()):
        protocol, _, version = name.rpartition("@")
        folder = protocols_root / protocol / f"v{version}"
        actual = protocol_digests(folder) if folder.is_dir() else {}
        for file in sorted(expected.keys() | actual.keys()):
            if expected.get(file) != actual.get(file):
                how = "was removed" if file not in actual else "was added" if file not in expected else "changed"
                found.append((f"{protocol}/v{version}/{file}", f"a file of a released protocol {how}"))
    return found
