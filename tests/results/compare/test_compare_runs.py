"""Comparison of two scored runs: the same pairs, the same cards, and a plain answer."""

from __future__ import annotations

import json

import pytest
from fabricated_records import make_record, pair_table, write_run

from dgbench.cli.compare import compare
from dgbench.core.errors import UsageError
from dgbench.results.compare.paired import compare_runs, scored_folder
from dgbench.results.records.store import PAIR_SCORES, read_pair_scores, read_record, write_record


def named(comparison) -> dict:
    return {item.name: item for item in comparison.metrics}


def test_a_clear_difference_is_told(tmp_path):
    good, bad = write_run(tmp_path, "good", 0.9), write_run(tmp_path, "bad", 0.5, failures=4)
    result = compare_runs(good.parents[1], bad)  # a run folder and a scores folder
    assert (result.n_pairs, result.n_people) == (48, 12)
    csim, pose = named(result)["csim"], named(result)["pose_error"]
    assert csim.better == pose.better == "first"
    assert csim.paired.difference > 0 > pose.paired.difference
    assert csim.paired.difference == pytest.approx(csim.first - csim.second, abs=1e-12)
    assert csim.p_holm >= csim.paired.p
    assert csim.paired.interval.low < csim.paired.difference < csim.paired.interval.high
    fd = named(result)["fd"]
    assert fd.paired is None
    assert fd.better == "neither"
    assert "no value per pair" in fd.note and "--fail-if-worse passes it" in fd.note


def test_a_difference_within_the_noise_says_what_would_be_needed(tmp_path):
    result = compare_runs(write_run(tmp_path, "a", 0.700), write_run(tmp_path, "b", 0.701))
    csim = named(result)["csim"]
    assert csim.better == "neither"
    assert csim.paired.needed_people > result.n_people
    assert csim.paired.detectable > abs(csim.paired.difference)


def with_cards(folder, names, **changes):
    """Let pair metrics of a record be of other cards; the scores stay."""
    record, table = read_record(folder), read_pair_scores(folder / PAIR_SCORES)
    metrics = []
    for metric in record.metrics:
        new = metric.card.model_copy(update=changes if metric.name in names else {})
        metrics.append(metric.model_copy(update={"card": new, "card_digest": new.digest}))
    write_record(folder, record.model_copy(update={"metrics": tuple(metrics)}), table, {})


@pytest.mark.parametrize("changes", [{"compat": True}, {"parameters": {"first": "target", "second": "source"}}])
def test_what_decides_nothing_is_no_comparison_that_others_pay_for(tmp_path, changes):
    folders = [write_run(tmp_path, "good", 0.70), write_run(tmp_path, "bad", 0.68)]
    before = named(compare_runs(*folders))
    for folder in folders:
        with_cards(folder, ("ssim", "pose_error"), **changes)
    after = named(compare_runs(*folders))
    assert before["csim"].p_holm > before["csim"].paired.p
    assert after["csim"].p_holm == after["csim"].paired.p == before["csim"].paired.p
    assert after["ssim"].p_holm == after["ssim"].paired.p
    assert [name for name, item in after.items() if not item.decides] == ["pose_error", "ssim"]


def test_too_few_people_for_any_answer_are_said_to_be(tmp_path):
    few = [write_run(tmp_path / "few", name, quality, people=6) for name, quality in (("a", 0.9), ("b", 0.5))]
    assert "6 people are too few" in " ".join(compare_runs(*few).notes)
    more = [write_run(tmp_path / "more", name, quality, people=7) for name, quality in (("a", 0.9), ("b", 0.5))]
    assert compare_runs(*more).notes == ()


def test_swapping_the_runs_swaps_the_answer(tmp_path):
    first, second = write_run(tmp_path, "good", 0.9), write_run(tmp_path, "bad", 0.6)
    one, other = named(compare_runs(first, second))["csim"], named(compare_runs(second, first))["csim"]
    assert one.paired.difference == pytest.approx(-other.paired.difference, abs=1e-12)
    assert one.paired.p == other.paired.p
    assert (one.better, other.better) == ("first", "second")


def test_only_common_pairs_count_and_it_is_said(tmp_path):
    whole = write_run(tmp_path, "whole", 0.9)
    part = pair_table("part", quality=0.6).iloc[:24]
    folder = tmp_path / "part"
    write_record(folder, make_record("part", part), part, {})
    result = compare_runs(whole, folder)
    assert result.n_pairs == 24
    assert "24 pairs are common" in result.notes[0]
    assert "N differs (48 and 24)" in named(result)["fd"].note


def test_what_was_measured_differently_is_not_compared(tmp_path):
    one = write_run(tmp_path, "one", 0.9)
    with pytest.raises(UsageError, match="no metric in common"):
        compare_runs(one, write_run(tmp_path, "two", 0.9, judges="open"))
    with pytest.raises(UsageError, match="different protocols"):
        other = pair_table("x", quality=0.9)
        record = make_record("x", other)
        protocol = record.protocol.model_copy(update={"digest": "0" * 64})
        write_record(tmp_path / "x", record.model_copy(update={"protocol": protocol}), other, {})
        compare_runs(one, tmp_path / "x")


def test_scores_are_found_or_asked_for(tmp_path):
    folder = write_run(tmp_path, "m", 0.9)
    run = folder.parents[1]
    assert scored_folder(run) == scored_folder(folder) == folder
    table = pair_table("m", quality=0.9)
    write_record(run / "scores" / "open", make_record("m", table, judges="open"), table, {})
    with pytest.raises(UsageError, match="embedded, open"):
        scored_folder(run)
    assert scored_folder(run, judges="open").name == "open"
    with pytest.raises(UsageError, match="score it first"):
        scored_folder(tmp_path / "nothing")


def test_the_verb_prints_a_table_and_json(tmp_path, capsys):
    first, second = write_run(tmp_path, "good", 0.9), write_run(tmp_path, "bad", 0.6)
    compare(first, second)
    text = capsys.readouterr().out
    assert "A is better" in text
    for line in text.splitlines():
        if "is better" in line:
            p_holm = float(line.split("]")[1].split()[1])
            assert ("not by the Holm-adjusted p" in line) == (p_holm > 0.05), line
    assert "48 pairs of 12 people" in text
    compare(first, second, as_json=True)
    data = json.loads(capsys.readouterr().out)
    row = next(row for row in data["metrics"] if row["name"] == "csim")
    assert row["interval"]["low"] < row["difference"] < row["interval"]["high"]
