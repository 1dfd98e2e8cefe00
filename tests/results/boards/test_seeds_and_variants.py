"""Seeds of a method share a row, variants of it do not; nothing is taken for a seed that is not declared one."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from fabricated_records import make_record, pair_table, write_run

from dgbench.core.digests import digest
from dgbench.core.record import MethodRef
from dgbench.results.boards.board import Row, Section, make_boards
from dgbench.results.boards.ranks import for_every_seed
from dgbench.results.boards.seeds import mean_of_seeds, mean_scores, spread_of_seeds
from dgbench.results.records.store import find_records
from dgbench.results.tables.leaderboard import render


def _method(name: str = "dg", *, weights: str = "w", **parameters: object) -> MethodRef:
    return MethodRef(
        name=name,
        digest=digest([name, weights, sorted(map(str, parameters.items()))]),
        motion="absolute",
        checkpoint_sha256=digest(weights),
        parameters=parameters,
    )


def _write(root: Path, run: str, quality: float, method: MethodRef, **options: object) -> None:
    write_run(root, f"{method.name}-{run}", quality, run=run, method=method, **options)


def _rows(root: Path) -> list[Row]:
    return list(_section(root).rows)


def _section(root: Path) -> Section:
    (board,) = make_boards(find_records(root))
    return board.sections[0]


def _table(root: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render(root)[name])))


def test_run_seeds_are_one_row_with_mean_and_spread(tmp_path: Path) -> None:
    for seed, quality in enumerate((0.50, 0.56, 0.62)):
        _write(tmp_path, f"s{seed}", quality, _method(), seed=seed)
    write_run(tmp_path, "copy", 0.2)
    row = next(row for row in _rows(tmp_path) if row.name == "dg")
    values = [s.record.metrics[0].value for s in row.seeds]
    assert [s.record.seed for s in row.seeds] == [0, 1, 2] and len(_rows(tmp_path)) == 2
    assert row.metric("csim").value == pytest.approx(np.mean(values))
    assert row.spread("csim") == pytest.approx(np.std(values, ddof=1))
    intervals = [s.record.metrics[0].interval for s in row.seeds]
    assert row.metric("csim").interval.low == pytest.approx(np.mean([held.low for held in intervals]))
    assert row.metric("csim").n_expected == 3 * 48 and row.coverage == "48/48"
    assert (
        row.spread("csim") is not None and next(r for r in _rows(tmp_path) if r.name == "copy").spread("csim") is None
    )


def test_tables_show_the_mean_and_the_overall_one_keeps_every_seed(tmp_path: Path) -> None:
    for seed, quality in ((0, 0.5), (1, 0.6)):
        _write(tmp_path, f"s{seed}", quality, _method(), seed=seed)
    (row,) = _table(tmp_path, "synthface-mini-cross@1.csv")
    assert (row["method"], row["variant"], row["seeds"], row["rank_low"]) == ("dg", "", "0 1", "1")
    each = [line for line in _table(tmp_path, "overall.csv") if line["metric"] == "csim"]
    assert [line["seeds"] for line in each] == ["0", "1"] and {line["rank_low"] for line in each} == {"1"}
    values = [float(line["value"]) for line in each]
    assert float(row["csim"]) == pytest.approx(np.mean(values), abs=1e-4)
    assert float(row["csim_seed_sd"]) == pytest.approx(np.std(values, ddof=1), abs=1e-4)
    assert row["record"].split() == [line["record"] for line in each]
    page = render(tmp_path)["synthface-mini-cross@1.md"]
    assert "dg, 2 seeds" in page and f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f} [" in page
    assert "[seed 0](" in page and "[seed 1](" in page


def test_declared_training_seeds_are_one_row_although_their_weights_differ(tmp_path: Path) -> None:
    for seed in (0, 1, 2):
        _write(tmp_path, f"a{seed}", 0.5, _method(weights=f"a{seed}", training_seed=seed, weights_sha256=f"a{seed}"))
        _write(tmp_path, f"b{seed}", 0.4, _method(f"other-seed{seed}", weights=f"b{seed}"))
    rows = {row.label: [line.record.run_id for line in row.seeds] for row in _rows(tmp_path)}
    assert rows == {"dg": ["a0", "a1", "a2"], "other": ["b0", "b1", "b2"]}
    assert {line["seeds"] for line in _table(tmp_path, "synthface-mini-cross@1.csv")} == {"0/0 1/0 2/0"}


def test_a_budget_in_seconds_gives_seeds_of_other_step_counts_and_one_row(tmp_path: Path) -> None:
    for seed, steps in ((0, 1533), (1, 1498)):
        used = {
            "train.steps": steps,
            "train.samples": 8 * steps,
            "train.seconds": 1500 + seed,
            "train.seconds_of": "cpu",
        }
        method = _method(weights=f"w{seed}", training_seed=seed, **{"train.budget": "25m"}, **used)
        _write(tmp_path, f"s{seed}", 0.5, method)
    assert [len(row.seeds) for row in _rows(tmp_path)] == [2]
    text = _table(tmp_path, "synthface-mini-cross@1.csv")[0]["training_data"]
    assert text.endswith("(12264 samples, 1500 cpu s)"), text


def test_other_settings_are_another_row_with_what_differs_as_its_label(tmp_path: Path) -> None:
    for seed in (0, 1):
        for mode, visible in (("paper", True), ("paper", False), ("compat", True)):
            method = _method(
                weights=f"{mode}{visible}{seed}", training_seed=seed, mode=mode, visibility=visible, size=64
            )
            _write(tmp_path, f"{mode}-{visible}-{seed}", 0.5, method)
    assert sorted((row.label, len(row.seeds)) for row in _rows(tmp_path)) == [
        ("dg (mode=compat, visibility=True)", 2),
        ("dg (mode=paper, visibility=False)", 2),
        ("dg (mode=paper, visibility=True)", 2),
    ]


def test_undeclared_weights_are_never_taken_for_seeds(tmp_path: Path) -> None:
    """Two checkpoints under one name, run with different seeds, may be two models: the mean of them is nobody's."""
    _write(tmp_path, "one", 0.5, _method(weights="one"), seed=0)
    _write(tmp_path, "two", 0.4, _method(weights="two"), seed=1)
    assert sorted(row.label for row in _rows(tmp_path)) == sorted(
        f"dg (weights {digest(name)[:8]})" for name in ("one", "two")
    )


def test_a_seed_declared_twice_with_other_weights_is_not_believed(tmp_path: Path) -> None:
    for weights in ("one", "two"):
        _write(tmp_path, weights, 0.5, _method(weights=weights, training_seed=0))
    assert [len(row.seeds) for row in _rows(tmp_path)] == [1, 1]
    assert len({row.label for row in _rows(tmp_path)}) == 2


def test_a_label_means_the_same_on_every_protocol(tmp_path: Path) -> None:
    for protocol in ("frll-cross", "rafd-cross"):
        _write(tmp_path, f"{protocol}-a", 0.5, _method(mode="paper"), protocol=protocol)
    _write(tmp_path, "b", 0.4, _method(mode="compat"), protocol="rafd-cross")
    boards = make_boards(find_records(tmp_path))
    assert [[row.label for row in board.sections[0].rows] for board in boards] == [
        ["dg (mode=paper)"],
        ["dg (mode=paper)", "dg (mode=compat)"],
    ]


def test_a_superseded_record_gives_no_label(tmp_path: Path) -> None:
    _write(tmp_path, "old", 0.5, _method(weights="old"))
    _write(tmp_path, "new", 0.5, _method(weights="new"), supersedes="old")
    assert [row.label for row in _rows(tmp_path) if row.rank] == ["dg"]


def test_a_row_stands_above_another_only_where_each_of_its_seeds_does(tmp_path: Path) -> None:
    write_run(tmp_path, "middle", 0.5)
    for seed, quality in enumerate((0.8, 0.5)):
        _write(tmp_path, f"s{seed}", quality, _method(), seed=seed)
    assert {row.name: tuple(row.rank) for row in _rows(tmp_path)} == {"dg": (1, 2), "middle": (1, 2)}
    better = np.array([[False, False, True], [False, False, False], [False, True, False]])
    assert for_every_seed(better, [0, 0, 1]).tolist() == [[False, False], [False, False]]
    better[1, 2] = True
    assert for_every_seed(better, [0, 0, 1]).tolist() == [[False, True], [False, False]]


def test_a_metric_without_a_value_for_one_seed_has_none_for_the_row() -> None:
    whole = make_record("a", pair_table("a", quality=0.5)).metrics[0]
    lost = whole.model_copy(update={"value": None, "interval": None})
    assert mean_of_seeds((whole, lost)).value is None
    assert spread_of_seeds((whole, lost)) is None
    assert mean_of_seeds((whole,)) is whole


def test_a_metric_that_one_seed_lacks_is_none_of_the_row(tmp_path: Path) -> None:
    """A run may be scored once more with another metric; the tables are built all the same."""
    _write(tmp_path, "more", 0.5, _method(), seed=0, metrics=("csim", "ssim", "pose_error"))
    _write(tmp_path, "less", 0.5, _method(), seed=1, metrics=("csim", "ssim"))
    section = _section(tmp_path)
    assert section.metric_names() == ["csim", "ssim", "fd"] and len(section.rows) == 1
    assert "pose_error" not in _table(tmp_path, "synthface-mini-cross@1.csv")[0]
    assert {row["metric"] for row in _table(tmp_path, "overall.csv")} == {"csim", "ssim", "fd", "pose_error"}


def test_pair_scores_of_a_row_are_means_and_measured_where_every_seed_is() -> None:
    one, other = pair_table("a", quality=0.5), pair_table("b", quality=0.7, failures=2)
    mean = mean_scores([one, other])
    assert np.allclose(mean["csim"], (one["csim"] + other["csim"]) / 2)
    assert (mean["csim__measured"] == other["csim__measured"]).all()
    assert (mean["failure_kind"] == other["failure_kind"]).all()
    assert one["status"].eq("ok").all(), "the tables themselves stay as they are"


def test_a_seed_over_fewer_pairs_is_no_part_of_the_row(tmp_path: Path) -> None:
    _write(tmp_path, "whole", 0.5, _method(), seed=0)
    _write(tmp_path, "part", 0.9, _method(), seed=1, expected=96)
    rows = _rows(tmp_path)
    assert [(len(row.seeds), row.reason) for row in rows] == [(1, ""), (1, "coverage 48/96")]


def test_companions_stand_in_a_table_of_their_own(tmp_path: Path) -> None:
    metrics = ("csim", "csim_ceiling", "pose", "pose_yaw", "expression", "expression_coefficients")
    write_run(tmp_path, "a", 0.5, metrics=metrics)
    section = _section(tmp_path)
    assert section.headline == ["csim", "pose", "expression", "expression_coefficients", "fd"]
    assert section.companions == ["csim_ceiling", "pose_yaw"]
    page = render(tmp_path)["synthface-mini-cross@1.md"]
    assert page.index("| csim_ceiling") > page.index("### Parts, floors and ceilings")
