"""The published JSON Schema says what the types say, and old records are brought forward by pure functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fabricated_records import make_record, pair_table, write_run

from dgbench.core.errors import UsageError
from dgbench.core.record import SCHEMA_VERSION
from dgbench.results.checks.check import check
from dgbench.results.checks.history import changes
from dgbench.results.records.schema import MIGRATIONS, SCHEMA_FILE, migrate, parse_record, record_schema, write_schema
from dgbench.results.records.store import RECORD, publish
from dgbench.results.tables.leaderboard import build

_OLD = Path(__file__).parent / "old_records"
_OLD_SCORES = [("csim", 0.547494, 45), ("pose_error", 26.359683, 45), ("ssim", 0.559012, 45), ("fd", 65.250567, 48)]


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


@pytest.mark.parametrize("file", sorted(_OLD.glob("v*.json")), ids=lambda file: file.stem)
def test_a_record_of_every_released_version_is_read_for_ever(file: Path) -> None:
    """These files never change; a new schema version adds one here and a migration for all before it."""
    record = parse_record(file.read_bytes())
    assert record.schema_version == SCHEMA_VERSION and record.method.name == "dg"
    assert [(m.name, round(m.value, 6), m.n_scored) for m in record.metrics if m.value is not None] == _OLD_SCORES
    assert json.loads(file.read_text())["metrics"][0]["card_digest"] == record.metrics[0].card.digest


def test_a_record_of_version_1_says_that_its_digests_are_not_known() -> None:
    old, new = (parse_record((_OLD / name).read_bytes()) for name in ("v1.json", "v2.json"))
    assert old.digests.missing == ("outputs", "inputs", "method_code", "judges")
    assert new.digests.missing == ("judges",) and new.digests.outputs == "0a" * 32
    assert old == new.model_copy(update={"digests": old.digests})
    data = json.loads((_OLD / "v1.json").read_text()) | {"digests": {"outputs": "0a" * 32}}
    with pytest.raises(UsageError, match="schema_version 1 has no field 'digests'"):
        parse_record(json.dumps(data).encode())


@pytest.mark.parametrize("value", ["", "0a", "0A" * 32, "g0" * 32, 1])
def test_a_digest_that_is_no_sha256_is_refused(value: object) -> None:
    data = json.loads((_OLD / "v2.json").read_text())
    data["digests"]["outputs"] = value
    with pytest.raises(UsageError, match=r"digests\.outputs"):
        parse_record(json.dumps(data).encode())


def test_every_version_has_its_record_and_its_schema() -> None:
    versions = {f"v{number}" for number in range(1, SCHEMA_VERSION + 1)}
    assert {file.stem for file in _OLD.glob("v*.json")} == versions
    assert {file.stem.removeprefix("record.") for file in SCHEMA_FILE.parent.glob("record.v*.json")} == versions
    assert set(MIGRATIONS) == set(range(1, SCHEMA_VERSION))


def _from_made_up_version_0(data: dict[str, Any]) -> dict[str, Any]:
    method = {("motion" if key == "motion_mode" else key): value for key, value in data["method"].items()}
    rest = {("seed" if key == "driver_seed" else key): value for key, value in data.items()}
    return {**rest, "method": method, "origin": "measured"}


def test_an_old_file_goes_through_the_whole_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A made-up earlier version, since there is only one so far: read, ranked and published, its bytes untouched."""
    old = (_OLD / "made-up-v0.json").read_bytes()
    with pytest.raises(UsageError, match="schema_version 0 cannot be migrated"):
        parse_record(old)
    monkeypatch.setitem(MIGRATIONS, 0, _from_made_up_version_0)
    assert parse_record(old) == parse_record((_OLD / "v1.json").read_bytes())
    folder = write_run(tmp_path / "runs", "dg", 0.6, failures=3, training_data=("synthface-mini-train@1",))
    data = json.loads(old)
    written = json.loads((folder / RECORD).read_text())
    data |= {name: written[name] for name in ("pair_scores_sha256", "environment_sha256")}
    for metric, made in zip(data["metrics"], written["metrics"], strict=True):
        metric |= {"interval": made["interval"], "bins": made["bins"]}  # the file's own are made up
    (folder / RECORD).write_text(json.dumps(data))
    root = tmp_path / "repo" / "results"
    target = publish(folder, root)
    build(root)
    assert check(root) == []
    assert json.loads((target / RECORD).read_text())["schema_version"] == 0
    assert (
        "| reported by its author; no digests; code unknown | 48/48 |"
        in (root / "leaderboards" / "synthface-mini-cross@1.md").read_text()
    )


def test_a_migration_alone_is_no_change_of_a_published_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MIGRATIONS, 0, _from_made_up_version_0)
    old, new = (_OLD / "made-up-v0.json").read_bytes(), (_OLD / "v1.json").read_bytes()
    assert changes("a/record.json", old, new) == []
    edited = json.loads(new)
    edited["metrics"][3]["value"] = 1.0
    (problem,) = changes("a/record.json", old, json.dumps(edited).encode())
    assert problem.kind == "changed" and "fd 65.2506 → 1" in problem.message


@pytest.mark.parametrize("version", [None, "1", True, 0, 7])
def test_an_unknown_schema_version_is_refused(version: object) -> None:
    with pytest.raises(UsageError, match="schema_version"):
        migrate({"schema_version": version})
