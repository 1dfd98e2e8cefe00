"""Leaderboards: who is ranked, at what place, who is not and why; same records, same bytes."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from fabricated_records import make_record, pair_table, write_run

from dgbench.core.digests import digest
from dgbench.results.boards.eligibility import coverage_of
from dgbench.results.records.store import RECORD, write_record
from dgbench.results.tables.leaderboard import build, render


def _rows(root: Path, name: str = "synthface-mini-cross@1.csv") -> dict[str, dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(render(root)[name])))
    return {row["method"]: row for row in rows}


def test_methods_that_the_pairs_tell_apart_have_one_place_each(results: Path) -> None:
    rows = _rows(results)
    assert {name: (row["rank_low"], row["rank_high"]) for name, row in rows.items()} == {
        "oracle": ("1", "1"),
        "dg": ("2", "2"),
        "warp": ("3", "3"),
    }
    assert rows["dg"]["failures"] == "3 no-face"
    assert rows["dg"]["csim_measured"] == "45/48"
    assert rows["dg"]["coverage"] == "48/48"
    assert float(rows["dg"]["csim"]) < float(rows["dg"]["csim_measured_only"])


def test_equal_methods_share_a_range(tmp_path: Path) -> None:
    for method, quality in (("a", 0.5), ("b", 0.5), ("worse", 0.1)):
        write_run(tmp_path, method, quality)
    rows = _rows(tmp_path)
    assert (rows["a"]["rank_low"], rows["a"]["rank_high"]) == ("1", "2")
    assert (rows["b"]["rank_low"], rows["b"]["rank_high"]) == ("1", "2")
    assert (rows["worse"]["rank_low"], rows["worse"]["rank_high"]) == ("3", "3")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"expected": 60}, "unranked: coverage 48/60"),
        (
            {"card_version": 2, "created": "2026-11-19T00:00:00Z"},
            "unranked: metric card differs: csim, pose_error, ssim",
        ),
        ({"origin": "third_party"}, "unranked: origin third_party"),
    ],
)
def test_a_row_that_is_not_comparable_is_shown_and_not_ranked(
    tmp_path: Path, options: dict[str, object], reason: str
) -> None:
    write_run(tmp_path, "a", 0.5)
    write_run(tmp_path, "b", 0.4)
    write_run(tmp_path, "winner", 0.99, **options)
    rows = _rows(tmp_path)
    assert rows["winner"]["status"] == reason
    assert rows["winner"]["rank_low"] == ""
    assert rows["a"]["rank_low"] == "1"


def test_a_run_of_a_part_of_a_whole_copy_shows_the_part(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "limited", 0.5, expected=60)
    data = json.loads((folder / RECORD).read_text())
    data["coverage"]["found"] = 60
    (folder / RECORD).write_text(json.dumps(data))
    row = _rows(tmp_path)["limited"]
    assert (row["coverage"], row["status"]) == ("48/60", "unranked: coverage 48/60")


def test_a_metric_that_applies_to_no_pair_takes_nothing_from_the_coverage() -> None:
    record = make_record("a", pair_table("a", quality=0.5))
    first = record.metrics[0]
    nowhere = first.model_copy(update={"name": "csim_impostor", "n_expected": 0, "n_scored": 0, "failures": {}})
    both = record.model_copy(update={"metrics": (nowhere, *record.metrics)})
    assert coverage_of(both) == coverage_of(record) == f"{first.n_expected}/{record.coverage.expected}"


def test_another_protocol_digest_is_not_ranked(tmp_path: Path) -> None:
    write_run(tmp_path, "a", 0.5)
    write_run(tmp_path, "b", 0.4)
    folder = write_run(tmp_path, "c", 0.9)
    data = json.loads((folder / RECORD).read_text())
    data["protocol"]["digest"] = digest("edited")
    data["created"] = "2026-11-19T00:00:00Z"  # where no protocol is at hand the newest record is the measure
    (folder / RECORD).write_text(json.dumps(data))
    assert _rows(tmp_path)["c"]["status"] == "unranked: protocol digest differs"


def test_judge_sets_are_ranked_apart(tmp_path: Path) -> None:
    write_run(tmp_path, "a", 0.5)
    write_run(tmp_path, "b", 0.9, judges="open", run="open-run")
    rows = _rows(tmp_path)
    assert (rows["a"]["judges"], rows["a"]["rank_low"]) == ("embedded", "1")
    assert (rows["b"]["judges"], rows["b"]["rank_low"]) == ("open", "1")


def test_a_superseded_and_an_older_record_are_not_ranked(tmp_path: Path) -> None:
    write_run(tmp_path, "a", 0.5, run="first")
    write_run(tmp_path, "a", 0.6, run="second", supersedes="first", created="2026-11-21T00:00:00Z")
    write_run(tmp_path, "b", 0.5, run="old")
    write_run(tmp_path, "b", 0.6, run="new", created="2026-11-22T00:00:00Z")
    rows = list(csv.DictReader(io.StringIO(render(tmp_path)["synthface-mini-cross@1.csv"])))
    status = {row["record"].split("/")[0].removeprefix("synthface-mini-cross-"): row["status"] for row in rows}
    assert status == {
        "second": "ranked",
        "first": "unranked: superseded",
        "new": "ranked",
        "old": "unranked: a newer record of the same method",
    }


def test_a_record_takes_no_rival_out_of_the_ranking(tmp_path: Path) -> None:
    write_run(tmp_path, "a", 0.9, run="best")
    write_run(tmp_path, "b", 0.5, run="rival", supersedes="best")
    write_run(tmp_path, "a", 0.8, run="other-seed", supersedes="best", seed=1)
    assert {row["status"] for row in csv.DictReader(io.StringIO(render(tmp_path)["overall.csv"]))} == {"ranked"}


def test_a_later_run_over_a_few_pairs_unranks_no_full_one(tmp_path: Path) -> None:
    write_run(tmp_path, "a", 0.5, run="full")
    write_run(tmp_path, "a", 0.9, run="smoke", pairs=12, expected=48, created="2026-12-01T00:00:00Z")
    rows = csv.DictReader(io.StringIO(render(tmp_path)["overall.csv"]))
    assert {row["record"].split("/")[0].rsplit("-")[-1]: row["status"] for row in rows} == {
        "full": "ranked",
        "smoke": "unranked: coverage 12/48",
    }


def test_as_many_other_pairs_are_not_ranked(tmp_path: Path) -> None:
    """Where a rule builds the pairs from each user's copy, two copies may give equally many and not the same."""
    for method in ("a", "b"):
        write_run(tmp_path, method, 0.5)
    frame = pair_table("c", quality=0.9)
    frame["pair_id"] = "q" + frame["pair_id"]
    write_record(tmp_path / "c", make_record("c", frame), frame, {})
    rows = _rows(tmp_path)
    assert rows["c"]["status"] == "unranked: pair set differs"
    assert rows["a"]["status"] == rows["b"]["status"] == "ranked"


def test_older_records_of_a_method_have_no_vote(tmp_path: Path) -> None:
    for number, day in enumerate(("20", "21", "22")):
        write_run(tmp_path, "a", 0.5, run=f"old-{number}", created=f"2026-11-{day}T00:00:00Z")
    for method in ("a", "b"):
        write_run(tmp_path, method, 0.5, run=f"new-{method}", card_version=2, created="2026-12-01T00:00:00Z")
    rows = csv.DictReader(io.StringIO(render(tmp_path)["overall.csv"]))
    ranked = {row["record"].split("/")[0] for row in rows if row["status"] == "ranked"}
    assert ranked == {"synthface-mini-cross-new-a", "synthface-mini-cross-new-b"}


def test_training_data_is_flagged(tmp_path: Path) -> None:
    write_run(tmp_path, "home", 0.5, training_data=("synthface-mini-train@1",))
    write_run(tmp_path, "away", 0.4, training_data=("voxceleb1",))
    write_run(tmp_path, "none", 0.3)
    rows = _rows(tmp_path)
    assert [rows[name]["overlap"] for name in ("home", "away", "none")] == [
        "same data set",
        "other data",
        "none declared",
    ]


def test_the_folder_name_and_the_order_of_writing_change_no_byte(tmp_path: Path) -> None:
    for folder, methods in (("one", "abc"), ("two", "cab")):
        for method in methods:
            write_run(tmp_path / folder, method, {"a": 0.5, "b": 0.52, "c": 0.2}[method])
    assert render(tmp_path / "one") == render(tmp_path / "two")
    assert "\r" not in "".join(render(tmp_path / "one").values())


def test_build_removes_what_no_record_makes_any_more(results: Path) -> None:
    board = results / "leaderboards"
    assert (board / "synthface-mini-cross@1.csv").is_file()
    shutil.rmtree(results / "synthface-mini-cross")
    build(results)
    assert sorted(file.name for file in board.iterdir()) == ["README.md", "overall.csv"]


def test_a_board_outside_links_back_to_the_records(results: Path, tmp_path: Path) -> None:
    build(results, tmp_path / "board")
    text = (tmp_path / "board" / "synthface-mini-cross@1.md").read_text()
    link = text.split("[record](")[1].split(")")[0]
    assert (tmp_path / "board" / link).resolve().is_file()


def test_the_overall_table_has_a_row_per_metric(results: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(render(results)["overall.csv"])))
    assert len(rows) == 3 * 4
    assert {row["metric"] for row in rows if row["primary"] == "yes"} == {"csim"}


def _with_sets(root: Path, method: str, fd: float, kd: float) -> None:
    frame = pair_table(method, quality=0.5)
    record = make_record(method, frame)
    *others, distance = record.metrics
    small = distance.model_copy(update={"value": fd, "note": "small N: N=48 < 5000, biased upwards; rank by kd"})
    card = distance.card.model_copy(update={"name": "kd"})
    update = {"name": "kd", "card": card, "card_digest": card.digest, "value": kd, "note": "one subset of all 48"}
    metrics = (*others, small, distance.model_copy(update=update))
    write_record(root / method, record.model_copy(update={"metrics": metrics}), frame, {})


def test_a_set_value_over_few_images_is_marked_and_noted(tmp_path: Path) -> None:
    _with_sets(tmp_path, "a", 4.5, 0.00137)
    page = render(tmp_path)["synthface-mini-cross@1.md"]
    assert "| 4.500† |" in page and page.count("† Over fewer than 5,000 images (fid_smallN)") == 1
    note = "fd: small N: N=48 < 5000, biased upwards; rank by kd"
    assert _rows(tmp_path)["a"]["notes"] == f"{note} | kd: one subset of all 48"
    overall = csv.DictReader(io.StringIO(render(tmp_path)["overall.csv"]))
    notes = {row["metric"]: row["notes"] for row in overall}
    assert (notes["csim"], notes["fd"]) == ("", note)


def test_a_small_kernel_distance_keeps_its_digits(tmp_path: Path) -> None:
    _with_sets(tmp_path, "a", 4.5, 0.00137)
    _with_sets(tmp_path, "b", 4.5, -0.00049)
    files = render(tmp_path)
    for name in ("synthface-mini-cross@1.md", "synthface-mini-cross@1.csv", "overall.csv"):
        assert "0.00137" in files[name] and "-0.00049" in files[name]
