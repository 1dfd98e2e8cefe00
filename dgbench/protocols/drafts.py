"""Drafts: a ``protocol.yaml`` whose counts and digests are still to be filled in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dgbench.core.errors import UsageError
from dgbench.core.protocol import Protocol
from dgbench.io.yaml_file import read_yaml

#: What a frozen draft holds in place of the digest of its pair list.
PLACEHOLDER = "0" * 64


def read_protocol(path: Path) -> Protocol:
    """Read one ``protocol.yaml``; unknown keys, tags and wrong types are refused.

    Raises:
        UsageError: what is wrong and where, in one line.
    """
    return _validated(path, read_yaml(path, what="a protocol"))


def read_draft(path: Path) -> Protocol:
    """Read a draft: as :func:`read_protocol`, but ``expected_pairs`` and the digests may be absent.

    Raises:
        UsageError: what is wrong and where, in one line.
    """
    values = read_yaml(path, what="a protocol")
    if isinstance(values, dict) and values.get("pairs") == "frozen":
        values = {**values, "expected_pairs": 0, "pairs_sha256": PLACEHOLDER}
    if isinstance(values, dict):
        values = {name: value for name, value in values.items() if name != "landmarks_sha256"}
    return _validated(path, values)


def _validated(path: Path, values: Any) -> Protocol:
    try:
        return Protocol.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageError(f"{path}: {where}: {' '.join(first['msg'].split())}") from error
