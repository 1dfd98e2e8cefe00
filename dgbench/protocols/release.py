"""Releasing a protocol: its folder with counts and digests filled in, and its entry in the lock; never over another."""

from __future__ import annotations

import gzip
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import UsageError
from dgbench.core.pair import Pair
from dgbench.core.protocol import Protocol
from dgbench.io.atomic import write_bytes, write_text
from dgbench.protocols.frozen_points import FILE as POINTS_FILE
from dgbench.protocols.frozen_points import read_points
from dgbench.protocols.pairs_file import pairs_csv, write_pairs
from dgbench.results.records.released import lock_version, protocol_digests, read_lock

CARD = "CARD.md"


@dataclass(frozen=True)
class Released:
    """A released protocol, its folder, and whether this call wrote it (else it was there, the same)."""

    protocol: Protocol
    folder: Path
    written: bool


def release(
    draft: Protocol,
    root: Path,
    *,
    pairs: Sequence[Pair] | None,
    beside: Path,
    redo: bool = False,
) -> Released:
    """Write ``root/<id>/v<N>/`` and the lock's entry; the protocol gets its counts and digests.

    Args:
        draft: the protocol; counts and digests of a frozen one are filled in here.
        root: the folder of protocols.
        pairs: the pair list: frozen as it is, or what the rule makes of a whole copy (only counted).
        beside: the draft's folder: ``CARD.md``, if there is one, and ``landmarks.csv.gz`` are taken from it.
        redo: write over a version that nobody has used yet.

    Raises:
        UsageError: the version is released with other content, or its pairs break its own split.
    """
    folder = root / draft.id / f"v{draft.version}"
    _check_people(draft, pairs or ())
    filled, points = _filled(draft, pairs, beside)
    text = yaml.safe_dump(
        filled.model_dump(mode="json", exclude_none=True), sort_keys=False, allow_unicode=True, width=110
    )
    before = (read_lock(root) or {}).get(draft.name)
    if before is not None and before.get("protocol.yaml") == sha256_bytes(text.encode()):  # it names the other files
        if not folder.is_dir() or protocol_digests(folder) != before:
            raise UsageError(f"{folder}: files of the released {draft.name} were changed; restore them")
        return Released(filled, folder, written=False)
    if before is not None and not redo:
        raise UsageError(
            f"{folder}: {draft.name} is released and differs; raise the version (or, before anybody has used it, "
            "release it again with --redo)"
        )
    if before is not None and (used := _records_of(root, draft)):
        raise UsageError(f"{used}: is a record of {draft.name}; it cannot be released again, raise the version")
    card = _card(filled, beside, folder)
    for name in ("pairs.csv.gz", POINTS_FILE):  # what an earlier try left
        (folder / name).unlink(missing_ok=True)
    if draft.pairs == "frozen":
        write_pairs(folder / "pairs.csv.gz", list(pairs or ()))
    if points:
        write_bytes(folder / POINTS_FILE, points)
    write_text(folder / "protocol.yaml", text)
    write_text(folder / CARD, card)
    lock_version(root, draft.name)
    return Released(filled, folder, written=True)


def _filled(draft: Protocol, pairs: Sequence[Pair] | None, beside: Path) -> tuple[Protocol, bytes]:
    """Return the draft with counts and digests, and the bytes of its frozen landmarks (b"" without)."""
    update: dict[str, object] = {}
    if draft.pairs == "frozen":
        if not pairs:
            raise UsageError(f"{draft.name}: no pair, so there is nothing to freeze")
        update = {"pairs_sha256": sha256_bytes(pairs_csv(list(pairs))), "expected_pairs": len(pairs)}
    elif pairs is not None and draft.expected_pairs is None:
        update = {"expected_pairs": len(pairs)}
    points = b""
    if "frozen" in draft.frame.landmarks:
        file = beside / POINTS_FILE
        if not file.is_file():
            raise UsageError(f"{draft.name}: its frame names frozen landmarks; put {POINTS_FILE} beside the draft")
        points = file.read_bytes()
        update["landmarks_sha256"] = _points_digest(file)
    return draft.model_copy(update=update), points


def _points_digest(file: Path) -> str:
    try:
        sha256 = sha256_bytes(gzip.decompress(file.read_bytes()))
    except (OSError, EOFError) as error:
        raise UsageError(f"{file}: frozen landmarks cannot be read ({error})") from error
    read_points(file, sha256=sha256)
    return sha256


def _check_people(draft: Protocol, pairs: Sequence[Pair]) -> None:
    mine, others = draft.split.test, draft.split.train
    if draft.purpose == "train":
        mine, others = others, mine
    for pair in pairs:
        for person in (pair.source_identity, pair.reference_identity):
            if not mine.matches(person) or others.matches(person):
                raise UsageError(
                    f"{draft.name}: pair {pair.pair_id}: {person} is not one of its {draft.purpose} people"
                )


def _records_of(root: Path, draft: Protocol) -> Path | None:
    results = root.resolve().parent / "results" / draft.id / f"v{draft.version}"
    return next(iter(sorted(results.glob("**/record.json"))), None)


def _card(protocol: Protocol, beside: Path, folder: Path) -> str:
    for file in (beside / CARD, folder / CARD):
        if file.is_file():
            return file.read_text(encoding="utf-8")
    count = f"{protocol.expected_pairs} pairs. " if protocol.expected_pairs else ""
    paragraphs = (
        f"**Task.** {protocol.title}.",
        f"**Data.** {protocol.dataset} ({protocol.variant}).",
        f"**People.** {protocol.split.rule}",
        f"**Pairs.** {count}{protocol.pairing.rule}",
        f"**Primary metric.** {protocol.primary_metric}.",
        f"**Licence.** {protocol.licence or 'not stated'}",
    )
    filled = "\n\n".join(textwrap.fill(text, width=118, break_on_hyphens=False) for text in paragraphs)
    return f"# {protocol.id}, version {protocol.version}\n\n{filled}\n"
