"""The released protocols: where their folders are, how one is named, loaded and listed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from dgbench.core.errors import UsageError, did_you_mean
from dgbench.core.pair import Pair
from dgbench.core.protocol import Protocol
from dgbench.datasets.manifest import Manifest
from dgbench.protocols.drafts import read_protocol
from dgbench.protocols.pairs_file import read_pairs
from dgbench.protocols.samplers import sampler
from dgbench.results.records.released import protocol_digests, read_lock

PROTOCOL_FILE = "protocol.yaml"
_VERSION = re.compile(r"v(\d+)")


@dataclass(frozen=True)
class LoadedProtocol:
    """A protocol with the folder that holds its data."""

    protocol: Protocol
    folder: Path

    def pairs(self, manifest: Manifest | None = None) -> list[Pair]:
        """Return the pairs sorted by id: the frozen list, or the rule applied to the user's manifest.

        Raises:
            UsageError: the list is damaged, or a built protocol was given no manifest.
        """
        if self.protocol.pairs == "frozen":
            return read_pairs(self.folder / "pairs.csv.gz", sha256=self.protocol.pairs_sha256)
        if manifest is None:
            raise UsageError(f"{self.protocol.name} builds its pairs from the data: pass --data")
        pairs = sampler(self.protocol.pairing.sampler)(manifest.frames, self.protocol)
        return sorted(pairs, key=lambda pair: pair.pair_id.encode())


def protocols_root() -> Path:
    """Return the folder of released protocols: the checkout's ``protocols/``, or the copy inside the package."""
    packaged = Path(str(resources.files("dgbench"))) / "_data" / "protocols"
    if packaged.is_dir():
        return packaged
    return Path(str(resources.files("dgbench"))).parent / "protocols"


def protocol_roots() -> list[Path]:
    """Return every folder in which protocols are looked for: the project's own, and those of ``DGBENCH_PROTOCOLS``.

    Raises:
        UsageError: a folder that the variable names does not exist.
    """
    named = [Path(part) for part in os.environ.get("DGBENCH_PROTOCOLS", "").split(os.pathsep) if part]
    for folder in named:
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder, and DGBENCH_PROTOCOLS names it")
    return [*named, *(root for root in [protocols_root()] if root.resolve() not in {one.resolve() for one in named})]


def protocol_names() -> list[str]:
    """Return every released ``id@version``, sorted; drafts beside them are left out."""
    return [_name(folder, number) for folder, number in _released()]


def list_protocols() -> list[LoadedProtocol]:
    """Load every released protocol, sorted by id and version; drafts beside them are left out."""
    return [LoadedProtocol(read_protocol(folder / PROTOCOL_FILE), folder) for folder, _ in _released()]


def load_protocol(name: str) -> LoadedProtocol:
    """Load a protocol by ``id@version``, by ``id`` (its newest version), or by the path of a folder that holds one.

    Raises:
        UsageError: no such protocol, its files are damaged, or it is not released as it stands: not in the lock
            (``RELEASED.json``) of its folder of protocols, or edited since.
    """
    folder = Path(name)
    if (folder / PROTOCOL_FILE).is_file():
        loaded = LoadedProtocol(read_protocol(folder / PROTOCOL_FILE), folder)
        _require_released(loaded)
        return loaded
    identifier, _, version = name.partition("@")
    if version and not version.isdecimal():
        raise UsageError(f"'{name}': a version is a number, as in {identifier}@1")
    matches = [
        (found, number)
        for found, number in _folders()
        if found.parent.name == identifier and (not version or number == int(version))
    ]
    if not matches:
        names = protocol_names()
        raise UsageError(
            f"no protocol '{name}'; `dgbench protocols list` names them, those in the folders of DGBENCH_PROTOCOLS too."
            f"{did_you_mean(name, names)}"
        )
    newest = max(number for _, number in matches)
    folders = [folder for folder, number in matches if number == newest]
    if len(folders) > 1:
        raise UsageError(f"{identifier}@{newest} is both in {folders[0]} and in {folders[1]}; keep one of them")
    loaded = LoadedProtocol(read_protocol(folders[0] / PROTOCOL_FILE), folders[0])
    _require_released(loaded)
    return loaded


def training_part(loaded: LoadedProtocol) -> LoadedProtocol:
    """Return the newest training protocol on the same data with the same split; itself where it is one.

    Raises:
        UsageError: there is none.
    """
    protocol = loaded.protocol
    if protocol.purpose == "train":
        return loaded
    mine = (protocol.dataset, protocol.variant, protocol.split.train)
    found = [
        other
        for other in list_protocols()
        if other.protocol.purpose == "train"
        and (other.protocol.dataset, other.protocol.variant, other.protocol.split.train) == mine
    ]
    if not found:
        raise UsageError(f"{protocol.name}: no training protocol is on the same data with the same split")
    return max(found, key=lambda other: other.protocol.version)


def lock_problem(loaded: LoadedProtocol) -> str:
    """Return why a protocol is not released as it stands, or "".

    Raises:
        UsageError: the lock is damaged.
    """
    folder, name = loaded.folder.resolve(), loaded.protocol.name
    here = f"{folder.parent.name}@{folder.name.removeprefix('v')}"
    entry = (read_lock(folder.parents[1]) or {}).get(here)
    if entry is None:
        return f"is not released: `dgbench protocols release {loaded.folder / PROTOCOL_FILE}` fills and locks it"
    if name != here:
        return f"holds {name}, not {here}"
    now = protocol_digests(folder)
    changed = sorted(file for file in now.keys() | entry.keys() if now.get(file) != entry.get(file))
    return f"{changed[0]} is not the released one; restore it, or release another version" if changed else ""


def _require_released(loaded: LoadedProtocol) -> None:
    if problem := lock_problem(loaded):
        raise UsageError(f"{loaded.folder}: {problem}")


def protocol_folders() -> dict[str, Path]:
    """Return every version folder by ``id@version``, drafts and edited ones too."""
    return {_name(folder, number): folder for folder, number in _folders()}


def _released() -> list[tuple[Path, int]]:
    """Return the version folders that stand in the lock of their root."""
    locks = {root: read_lock(root) or {} for root in protocol_roots()}
    return [(folder, number) for folder, number in _folders() if _name(folder, number) in locks[folder.parents[1]]]


def _name(folder: Path, number: int) -> str:
    return f"{folder.parent.name}@{number}"


def _folders() -> list[tuple[Path, int]]:
    found = []
    for root in protocol_roots():
        for path in sorted(root.glob(f"*/v*/{PROTOCOL_FILE}")):
            match = _VERSION.fullmatch(path.parent.name)
            if match:
                found.append((path.parent, int(match[1])))
    return sorted(found, key=lambda item: (item[0].parent.name, item[1]))
