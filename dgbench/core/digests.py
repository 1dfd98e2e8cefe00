"""Content digests: one canonical JSON form and sha256, so that equal things have equal names everywhere."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_CHUNK = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


def canonical_json(value: Any) -> bytes:
    """Serialise plain data to the one canonical form: sorted keys, no spaces, UTF-8, no NaN or infinity.

    Raises:
        ValueError: the value holds NaN or infinity, which JSON cannot say.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(value: Any) -> str:
    """Return the sha256 (64 hex digits) of plain data in canonical form."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def sha256_bytes(data: bytes) -> str:
    """Return the sha256 (64 hex digits) of ``data``."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the sha256 (64 hex digits) of a file's content, read in chunks."""
    hasher = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()


def root_digest(digests: Mapping[str, str]) -> str:
    """Return one sha256 for a whole set of files or images: of the lines ``<id> <sha256>``, sorted bytewise.

    Args:
        digests: id (a pair id, an image id) → sha256 of its content, 64 lower-case hex digits.

    Raises:
        ValueError: an id is empty or holds a line end, or a value is no sha256; two sets could share a digest.
    """
    for name, value in digests.items():
        if not name or "\n" in name or "\r" in name:
            raise ValueError(f"id {name!r} is empty or holds a line end")
        if not _SHA256.fullmatch(value):
            raise ValueError(f"{value!r} of {name!r} is no sha256 of 64 lower-case hex digits")
    lines = sorted(f"{name} {value}\n".encode() for name, value in digests.items())
    return hashlib.sha256(b"".join(lines)).hexdigest()


def seed_of(*parts: object) -> int:
    """Return a 63-bit seed from any parts (protocol, pair_id, run seed): order and shards cannot change it."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
