"""On a board: oracles and sanity baselines take no place, and a method that fails a gate is never first."""

from __future__ import annotations

from pathlib import Path

from dgbench.results.boards.board import make_boards
from dgbench.results.records.store import find_records

RESULTS = Path(__file__).parents[3] / "results"


def _section(protocol: str):
    records = find_records(RESULTS / protocol)
    (board,) = make_boards(records)
    return board.sections[0]


def test_what_is_no_method_takes_no_place_and_stays_in_the_table() -> None:
    rows = {row.name: row for row in _section("synthface-mini-cross").rows}
    assert {name for name, row in rows.items() if row.group == "oracle"} == {"target", "blurred-target"}
    for name in ("target", "blurred-target", "copy-source", "copy-reference", "shuffled", "black"):
        assert rows[name].rank is None
        assert rows[name].reason == ""
        assert rows[name].marks == ()
    assert rows["dg"].rank is not None


def test_a_blur_fails_to_look_real_and_is_never_first() -> None:
    """The model of the committed records is soft: its set distance is above the blurred target's."""
    row = next(row for row in _section("synthface-mini-cross").rows if row.name == "dg")
    assert row.marks == ("passed", "passed", "failed")
    assert row.rank is not None and row.rank.low == 2


def test_methods_stand_before_baselines_and_baselines_before_what_is_not_ranked() -> None:
    rows = _section("synthface-multipie-cross").rows
    order = [0 if row.rank else 2 if row.reason else 1 for row in rows]
    assert order == sorted(order)
    ranked = [row.rank.low for row in rows if row.rank]
    assert ranked == sorted(ranked)
