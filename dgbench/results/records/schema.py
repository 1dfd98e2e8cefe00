"""Reading record.json: strict JSON, older versions migrated by pure functions, the JSON Schema published."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dgbench.core.errors import UsageError
from dgbench.core.record import SCHEMA_VERSION, Record
from dgbench.io.atomic import write_json

Migration = Callable[[dict[str, Any]], dict[str, Any]]


def _without_digests(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 says nothing of the images and the code behind its numbers; version 2 says that it is not known."""
    if "digests" in data:
        raise UsageError("schema_version 1 has no field 'digests'; is this a record of version 2?")
    return {**data, "digests": {}}


#: Schema version → the pure function that turns a record of that version into one of the next. A new schema
#: version adds one entry here and one file under ``schema/``; the old entries and files stay for ever.
MIGRATIONS: dict[int, Migration] = {1: _without_digests}

SCHEMA_FILE = Path(__file__).parent / "schema" / f"record.v{SCHEMA_VERSION}.json"


def record_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``record.json``, made from the pydantic types."""
    schema = Record.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"dgbench/record.v{SCHEMA_VERSION}.json",
        **schema,
    }


def write_schema(path: Path = SCHEMA_FILE) -> None:
    """Write the JSON Schema to ``path``; run after the record types changed, with a new version."""
    write_json(path, record_schema())


def migrate(
    data: dict[str, Any], *, migrations: dict[int, Migration] | None = None, latest: int = SCHEMA_VERSION
) -> dict[str, Any]:
    """Bring a record of any known schema version to version ``latest``; the input is left as it is.

    Raises:
        UsageError: no ``schema_version``, one from the future, or one without a migration.
    """
    steps = MIGRATIONS if migrations is None else migrations
    version = data.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise UsageError("schema_version is missing or not a whole number; is this a record.json of dgbench?")
    if version > latest:
        raise UsageError(f"schema_version {version} is newer than this dgbench ({latest}); upgrade")
    while version < latest:
        if version not in steps:
            raise UsageError(f"schema_version {version} cannot be migrated; known: {sorted(steps)}")
        data = {**steps[version](dict(data)), "schema_version": version + 1}
        version += 1
    return data


def parse_record(content: bytes) -> Record:
    """Parse the bytes of a ``record.json``.

    Raises:
        UsageError: not strict UTF-8 JSON (NaN and infinity included), a key that is repeated, a wrong
            schema, or counts and digests that do not fit each other. One line, without the file's name.
    """
    try:
        data = json.loads(content, parse_constant=_refuse_constant, object_pairs_hook=_refuse_duplicates)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"is not strict JSON: {error}") from error
    if not isinstance(data, dict):
        raise UsageError("is not a JSON object")
    try:
        return Record.model_validate(migrate(data))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "record"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise UsageError(f"does not follow the record schema: {place}: {first['msg']}{more}") from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number that JSON knows")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [key for key, _ in pairs]
        raise ValueError(f"key {next(key for key in names if names.count(key) > 1)!r} is repeated")
    return result
