"""A statement that a record was measured again: in-toto's Statement (v1) about the record's files, beside them.

The form is that of https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md: a subject by digest, a type
of predicate, and the predicate: who measured (builder), from what (materials), how much, how exactly, with what result.
A statement is as good as whoever may write into the results folder; ``leaderboard check --base`` takes none from a
pull request without a maintainer's line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import UsageError
from dgbench.core.record import Code, Sha256
from dgbench.io.atomic import write_json
from dgbench.io.regular import read_regular
from dgbench.results.records.store import MAX_RECORD, MAX_TABLE, PAIR_SCORES, RECORD, STATEMENT, StoredRecord

_FORM = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)
Tier = Literal["measured again here", "outputs published", "reported by its author"]
#: The best first.
TIERS: tuple[Tier, ...] = ("measured again here", "outputs published", "reported by its author")
_MAX_BYTES = 1 << 20


class Artifact(BaseModel):
    """A file, or a set of files by the root of their digests."""

    model_config = _FORM
    name: str
    digest: dict[str, Sha256]


class Builder(BaseModel):
    """Who measured again: an address or name, and the dgbench that did it."""

    model_config = _FORM
    id: str = Field(max_length=300)
    code: Code


class Sample(BaseModel):
    """Which pairs were measured again: ``pairs`` of ``of``, drawn with ``seed``; all of them without a seed."""

    model_config = _FORM
    pairs: int = Field(ge=0)
    of: int = Field(ge=0)
    seed: int | None = None


class Outcome(BaseModel):
    """What came out.

    Attributes:
        agrees: whether every score that was measured again is the table's, within the tolerance.
        outputs: whether the images are those whose digest the record states; ``unknown`` where it states none.
        scores: how many scores were compared.
        differences: the first of those that are not the same.
        skipped: metrics that could not be measured again, with the reason.
    """

    model_config = _FORM
    agrees: bool
    outputs: Literal["match", "differ", "unknown"]
    scores: int = Field(ge=0)
    differences: tuple[str, ...] = ()
    skipped: dict[str, str] = {}


class Verification(BaseModel):
    """The predicate."""

    model_config = _FORM
    builder: Builder
    finished: str
    materials: tuple[Artifact, ...]
    sample: Sample
    tolerance: float = Field(gt=0)
    result: Outcome


class Statement(BaseModel):
    """in-toto's Statement, version 1."""

    model_config = _FORM
    form: Literal["https://in-toto.io/Statement/v1"] = Field(default="https://in-toto.io/Statement/v1", alias="_type")
    subject: tuple[Artifact, ...]
    predicate_type: Literal["urn:dgbench:verification:v1"] = Field(
        default="urn:dgbench:verification:v1", alias="predicateType"
    )
    predicate: Verification


def subject_of(folder: Path) -> tuple[Artifact, ...]:
    """The files of a record that a statement is about.

    Raises:
        OSError, UsageError: one cannot be read.
    """
    return tuple(
        Artifact(name=name, digest={"sha256": sha256_bytes(read_regular(folder / name, limit=limit))})
        for name, limit in ((RECORD, MAX_RECORD), (PAIR_SCORES, MAX_TABLE))
    )


def write_statement(folder: Path, statement: Statement) -> Path:
    """Write a statement beside its record; return its file."""
    write_json(folder / STATEMENT, statement.model_dump(mode="json", by_alias=True))
    return folder / STATEMENT


def read_statement(folder: Path) -> Statement | None:
    """Read the statement beside a record, ``None`` where there is none.

    Raises:
        UsageError: it cannot be read, does not follow the form, or is about other files.
    """
    file = folder / STATEMENT
    if not file.exists() and not file.is_symlink():
        return None
    try:
        statement = Statement.model_validate_json(read_regular(file, limit=_MAX_BYTES))
        if statement.subject != subject_of(folder):
            raise UsageError(f"{file}: is about another record than the one beside it; remove it")
    except (OSError, ValidationError) as error:
        raise UsageError(f"{file}: is no statement ({' '.join(str(error).split())[:160]})") from error
    return statement


def tier_of(stored: StoredRecord) -> Tier:
    """How far a record's numbers are known: measured again, its images known, or its author's word."""
    try:
        statement = read_statement(stored.folder)
    except UsageError:
        return "reported by its author"
    result = statement.predicate.result if statement else None
    if statement is None or result is None or not result.agrees or result.outputs == "differ":
        return "reported by its author"
    if statement.predicate.sample.pairs > 0 and result.scores > 0:
        return "measured again here"
    return "outputs published" if result.outputs == "match" else "reported by its author"


def lacks(stored: StoredRecord) -> str:
    """What a reader cannot know of a record: which digests it has none of, whether its code was changed."""
    record = stored.record
    missing = record.digests.missing
    parts = ["no digests" if len(missing) == len(type(record.digests).model_fields) else f"no {', '.join(missing)}"]
    code = record.code
    unknown = "code unknown" if code.commit is None and code.dirty is None else "code changed" if code.dirty else ""
    return "; ".join(filter(None, [*(parts if missing else []), unknown]))
