"""The released protocols: where their folders are, how one is named, loaded and listed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from dgbench.core.errors import UsageError, did_you_mean
from dgbench.core.pair import Pair
from dgbench.core.protocol import Protocol
from dgbench.datasets.manifest import Manifest
from dgbench.io.yaml_file import read_yaml
from dgbench.protocols.pairs_file import read_pairs
from dgbench.protocols.samplers import sampler

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


def read_protocol(path: Path) -> Protocol:
    """Read one ``protocol.yaml``; unknown keys, tags and wrong types are refused.

    Raises:
        UsageError: what is wrong and where, in one line.
    """
    try:
        return Protocol.model_validate(read_yaml(path, what="a protocol"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageError(f"{path}: {where}: {first['msg']}") from error


def protocol_names() -> list[str]:
    """Return every released ``id@version``, sorted."""
    return [f"{folder.parent.name}@{number}" for folder, number in _released()]


def list_protocols() -> list[LoadedProtocol]:
    """Load every released protocol, sorted by id and version."""
    return [LoadedProtocol(read_protocol(folder / "protocol.yaml"), folder) for folder, _ in _released()]


def load_protocol(name: str) -> LoadedProtocol:
    """Load a protocol by ``id@version``, by ``id`` (its newest version), or by the path of a folder that holds one.

    Raises:
        UsageError: no such protocol, or its files are damaged.
    """
    folder = Path(name)
    if (folder / "protocol.yaml").is_file():
        return LoadedProtocol(read_protocol(folder / "protocol.yaml"), folder)
    identifier, _, version = name.partition("@")
    if version and not version.isdecimal():
        raise UsageError(f"'{name}': a version is a number, as in {identifier}@1")
    matches = [
        (found, number)
        for found, number in _released()
        if found.parent.name == identifier and (not version or number == int(version))
    ]
    if not matches:
        names = protocol_names()
        raise UsageError(f"no protocol '{name}'; see `dgbench protocols list`.{did_you_mean(name, names)}")
    folder, number = max(matches, key=lambda match: match[1])
    protocol = read_protocol(folder / "protocol.yaml")
    if (protocol.id, protocol.version) != (identifier, number):
        raise UsageError(f"{folder}: holds {protocol.name}, not {identifier}@{number}")
    return LoadedProtocol(protocol, folder)


def _released() -> list[tuple[Path, int]]:
    found = []
    for path in sorted(protocols_root().glob("*/v*/protocol.yaml")):
        match = _VERSION.fullmatch(path.parent.name)
        if match:
            found.append((path.parent, int(match[1])))
    return sorted(found, key=lambda item: (item[0].parent.name, item[1]))
