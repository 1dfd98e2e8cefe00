"""The published JSON Schema says what the types say, and old records are brought forward by pure functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fabricated_records import make_record, pair_table, write_run

from dgbench.core.errors import UsageError
from dgbench.results.schema import SCHEMA_FILE, migrate, parse_record, record_schema, write_schema
from dgbench.results.store import RECORD


def test_the_published_schema_is_the_one_that_the_types_make(tmp_path: Path) -> None:
    write_schema(tmp_path / "schema.json")
    assert SCHEMA_FILE.read_bytes() == (tmp_path / "schema.json").read_bytes()


def test_a_written_record_follows_the_schema_and_a_broken_one_does_not(tmp_path: Path) -> None:
    data = json.loads((write_run(tmp_path, "dg", 0.5) / RECORD).read_text())
    jsonschema.validate(data, record_schema())
    data["metrics"][0]["n_scored"] = "many"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, record_schema())


def test_counts_that_do_not_add_up_are_refused() -> None:
    data = make_record("dg", pair_table("dg", quality=0.5)).model_dump(mode="json")
    data["metrics"][0]["n_scored"] -= 1
    with pytest.raises(UsageError, match="do not add up"):
        parse_record(json.dumps(data).encode())


def test_an_edited_metric_card_is_refused() -> None:
    data = make_record("dg", pair_table("dg", quality=0.5)).model_dump(mode="json")
    data["metrics"][0]["card"]["floor"] = 0.5
    with pytest.raises(UsageError, match="card_digest is not the digest of its card"):
        parse_record(json.dumps(data).encode())


def test_migrations_run_in_order_and_leave_their_input_alone() -> None:
    def rename(data: dict[str, Any]) -> dict[str, Any]:
        return {("name" if key == "title" else key): value for key, value in data.items()}

    def add(data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "seed": 0}

    old = {"schema_version": 1, "title": "x"}
    new = migrate(old, migrations={1: rename, 2: add}, latest=3)
    assert new == {"schema_version": 3, "name": "x", "seed": 0}
    assert old == {"schema_version": 1, "title": "x"}


@pytest.mark.parametrize("version", [None, "1", True, 0, 7])
def test_an_unknown_schema_version_is_refused(version: object) -> None:
    with pytest.raises(UsageError, match="schema_version"):
        migrate({"schema_version": version})
