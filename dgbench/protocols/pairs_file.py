"""The pair list on disk: ``pairs.csv.gz``, the same bytes for the same pairs on every machine."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import zlib
from pathlib import Path

from pydantic import ValidationError

from dgbench.core.digests import digest, sha256_bytes
from dgbench.core.errors import UsageError
from dgbench.core.pair import Pair
from dgbench.io.atomic import write_bytes

_FIELDS = tuple(Pair.model_fields)
_NUMBERS = ("yaw_source", "yaw_reference")
_MAX_BYTES = 1 << 30


def pairs_csv(pairs: list[Pair]) -> bytes:
    """Return the canonical CSV: header of :class:`Pair`'s fields, sorted by pair_id, LF, "" for None.

    Raises:
        ValueError: a pair_id is repeated.
    """
    ordered = sorted(pairs, key=lambda pair: pair.pair_id.encode())
    for first, second in itertools.pairwise(ordered):
        if first.pair_id == second.pair_id:
            raise ValueError(f"pair_id {first.pair_id!r} is repeated")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_FIELDS)
    for pair in ordered:
        values = pair.model_dump()
        writer.writerow(["" if values[name] is None else values[name] for name in _FIELDS])
    return text.getvalue().encode()


def write_pairs(path: Path, pairs: list[Pair]) -> str:
    """Write ``pairs.csv.gz`` and return the sha256 of its uncompressed bytes (the protocol's ``pairs_sha256``)."""
    data = pairs_csv(pairs)
    write_bytes(path, gzip.compress(data, mtime=0))
    return sha256_bytes(data)


def is_pair_list(path: Path) -> bool:
    """Whether a file, plain or gzip, begins with the header of dgbench's pair lists.

    Raises:
        UsageError: it cannot be read.
    """
    header = ",".join(_FIELDS).encode()
    return _content(path, len(header) + 3).removeprefix(b"\xef\xbb\xbf").startswith(header)


def read_pairs(path: Path, *, sha256: str | None = None) -> list[Pair]:
    """Read a pair list, gzip or plain.

    Raises:
        UsageError: the file is missing, damaged, has other columns, or is not the one that ``sha256`` names.
    """
    data = _content(path, _MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise UsageError(f"{path}: pair list is over {_MAX_BYTES >> 20} MiB")
    if sha256 is not None and sha256_bytes(data) != sha256:
        raise UsageError(f"{path}: pair list is not the released one (its digest differs from the protocol's)")
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8")), strict=True))
        if not rows or tuple(rows[0]) != _FIELDS:
            raise ValueError(f"columns must be {','.join(_FIELDS)}")
        return [_pair(row) for row in rows[1:]]
    except (ValidationError, ValueError, csv.Error) as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(f"{path}: not a pair list ({reason})") from error


def pair_set_digest(pair_ids: list[str]) -> str:
    """Return the digest of a set of pairs, whatever their order."""
    return digest(sorted(pair_ids))


def _content(path: Path, size: int) -> bytes:
    """Return the first ``size`` bytes, uncompressed."""
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as handle:
            return handle.read(size)
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path}: pair list cannot be read ({error})") from error


def _pair(row: list[str]) -> Pair:
    if len(row) != len(_FIELDS):
        raise ValueError(f"a row has {len(row)} values, not {len(_FIELDS)}")
    values: dict[str, str | float | None] = dict(zip(_FIELDS, row, strict=True))
    values["target"] = values["target"] or None
    for name in _NUMBERS:
        text = values[name]
        values[name] = float(text) if text else None
    return Pair.model_validate(values)
