"""Statements beside records: their form, what makes a row verified, and what a forged one is worth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fabricated_records import make_record, pair_table, write_run

from dgbench.core.errors import UsageError
from dgbench.core.record import Code, Digests
from dgbench.results.boards.board import make_boards
from dgbench.results.checks.check import check
from dgbench.results.records.statement import (
    Artifact,
    Builder,
    Outcome,
    Sample,
    Statement,
    Verification,
    lacks,
    read_statement,
    subject_of,
    tier_of,
    write_statement,
)
from dgbench.results.records.store import RECORD, STATEMENT, StoredRecord, find_records, write_record
from dgbench.results.tables.leaderboard import build, render


def _state(folder: Path, *, agrees: bool = True, outputs: str = "match", pairs: int = 48) -> None:
    result = Outcome(agrees=agrees, outputs=outputs, scores=pairs * 3)  # type: ignore[arg-type]
    statement = Statement(
        subject=subject_of(folder),
        predicate=Verification(
            builder=Builder(id="https://ci.example.org/runs/1", code=Code(version="0.1.0")),
            finished="2026-11-28T10:00:00+00:00",
            materials=(Artifact(name="outputs", digest={"sha256": "0a" * 32}),),
            sample=Sample(pairs=pairs, of=48, seed=7 if pairs < 48 else None),
            tolerance=1e-4,
            result=result,
        ),
    )
    write_statement(folder, statement)


def _stored(folder: Path) -> StoredRecord:
    (stored,) = find_records(folder)
    return stored


def test_a_statement_has_in_totos_form(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "dg", 0.6)
    _state(folder)
    data = json.loads((folder / STATEMENT).read_text())
    assert data["_type"] == "https://in-toto.io/Statement/v1"
    assert data["predicateType"] == "urn:dgbench:verification:v1"
    assert [subject["name"] for subject in data["subject"]] == ["record.json", "pair_scores.parquet"]
    assert all(len(subject["digest"]["sha256"]) == 64 for subject in data["subject"])
    assert {"builder", "materials", "tolerance", "result"} <= data["predicate"].keys()
    held = read_statement(folder)
    assert held is not None and held.subject == subject_of(folder)


@pytest.mark.parametrize(
    ("agrees", "outputs", "pairs", "tier"),
    [
        (True, "match", 48, "measured again here"),
        (True, "unknown", 12, "measured again here"),
        (True, "match", 0, "outputs published"),
        (True, "unknown", 0, "reported by its author"),
        (False, "match", 48, "reported by its author"),
        (True, "differ", 48, "reported by its author"),
    ],
)
def test_a_tier_is_what_was_found_and_how_much_of_it(
    tmp_path: Path, agrees: bool, outputs: str, pairs: int, tier: str
) -> None:
    folder = write_run(tmp_path, "dg", 0.6)
    assert tier_of(_stored(folder)) == "reported by its author"
    _state(folder, agrees=agrees, outputs=outputs, pairs=pairs)
    assert tier_of(_stored(folder)) == tier


def test_a_statement_about_another_record_is_worth_nothing(results: Path) -> None:
    folder = next((results / "synthface-mini-cross/v1/dg").iterdir())
    other = next((results / "synthface-mini-cross/v1/oracle").iterdir())
    _state(other)
    (folder / STATEMENT).write_bytes((other / STATEMENT).read_bytes())
    build(results)
    assert tier_of(StoredRecord(results, folder.relative_to(results).as_posix(), _stored(folder).record)) == (
        "reported by its author"
    )
    (problem,) = check(results)
    assert problem.kind == "verified" and "is about another record" in problem.message
    with pytest.raises(UsageError, match="is about another record"):
        read_statement(folder)


def test_a_record_that_its_images_do_not_give_is_said_to_be_so(results: Path) -> None:
    folder = next((results / "synthface-mini-cross/v1/dg").iterdir())
    _state(folder, agrees=False)
    build(results)
    (problem,) = check(results)
    assert problem.kind == "verified" and problem.place.endswith(RECORD)


def test_a_board_may_rank_verified_rows_alone_and_always_shows_the_tier(results: Path) -> None:
    folder = next((results / "synthface-mini-cross/v1/dg").iterdir())
    _state(folder)
    (board,) = make_boards(find_records(results), verified_only=True)
    rows = {row.name: row.rank or row.reason for section in board.sections for row in section.rows}
    assert rows == {"dg": (1, 1), "oracle": "not measured again", "warp": "not measured again"}
    build(results, verified_only=True)
    assert check(results, verified_only=True) == [] and check(results) != []
    page = render(results)["synthface-mini-cross@1.md"]
    assert "| dg | ? ? ? | measured again here; no digests; code unknown |" in page
    assert "| oracle | ? ? ? | reported by its author; no digests; code unknown |" in page


def test_what_cannot_be_known_of_a_record_is_said(tmp_path: Path) -> None:
    frame = pair_table("dg", quality=0.5)
    record = make_record("dg", frame)
    known = Digests(outputs="0a" * 32, inputs="1b" * 32, method_code="2c" * 32, judges="3d" * 32)
    cases = (
        (known, Code(version="0.1.0", commit="ab" * 20, dirty=False), ""),
        (known, Code(version="0.1.0", commit="ab" * 20, dirty=True), "code changed"),
        (known, Code(version="0.1.0"), "code unknown"),
        (known.model_copy(update={"inputs": None}), Code(version="1", commit="a", dirty=False), "no inputs"),
    )
    for number, (digests, code, said) in enumerate(cases):
        write_record(tmp_path / str(number), record.model_copy(update={"digests": digests, "code": code}), frame, {})
        assert lacks(_stored(tmp_path / str(number))) == said
