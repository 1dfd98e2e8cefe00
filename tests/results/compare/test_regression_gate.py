"""The gate of a CI: worse beyond the interval fails, chance does not, and leaving pairs out is no way around it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fabricated_records import card, make_record, pair_table, write_record, write_run

from dgbench.cli.compare import compare
from dgbench.core.companions import COMPANIONS
from dgbench.core.errors import WorkFailedError
from dgbench.core.record import Interval
from dgbench.results.compare.paired import compare_runs
from dgbench.results.compare.regression import _asked, regressions
from dgbench.results.records.store import read_record

_RESULTS = Path(__file__).parents[3] / "results"


def test_a_run_shown_to_be_worse_fails_with_every_metric_named(tmp_path: Path) -> None:
    baseline, new = write_run(tmp_path, "a", 0.6), write_run(tmp_path, "b", 0.5)
    found = regressions(new, baseline)
    assert [line.split(":")[0] for line in found] == ["csim", "pose_error", "ssim"]
    assert "95 % interval [-0." in found[0] and "adjusted p" in found[0]
    assert regressions(baseline, new) == []
    with pytest.raises(WorkFailedError, match="worse than"):
        compare(new, baseline, fail_if_worse=True)
    compare(baseline, new, fail_if_worse=True)


def test_a_difference_that_chance_explains_passes(tmp_path: Path) -> None:
    assert regressions(write_run(tmp_path, "b", 0.6), write_run(tmp_path, "a", 0.6)) == []


def test_failures_in_place_of_images_are_a_regression(tmp_path: Path) -> None:
    baseline = write_run(tmp_path / "one", "a", 0.6)
    new = write_run(tmp_path / "two", "a", 0.6, failures=16)
    assert [line.split(":")[0] for line in regressions(new, baseline)] == ["csim", "pose_error", "ssim"]


def test_covering_fewer_pairs_or_losing_a_metric_is_a_regression(tmp_path: Path) -> None:
    baseline = write_run(tmp_path / "one", "a", 0.6)
    new = write_run(tmp_path / "two", "a", 0.6, pairs=40, metrics=("csim", "ssim"))
    assert regressions(new, baseline) == [
        "covers 40 pairs, the baseline 48",
        "pose_error: has no value any more",
    ]


def test_a_metric_of_another_card_is_not_comparable_and_fails(tmp_path: Path) -> None:
    frame = pair_table("a", quality=0.6)
    baseline = make_record("a", frame)
    moved = card("ssim", version=2)
    ssim = baseline.metrics[2].model_copy(update={"card": moved, "card_digest": moved.digest})
    new = baseline.model_copy(update={"metrics": (*baseline.metrics[:2], ssim, baseline.metrics[3])})
    write_record(tmp_path / "baseline", baseline, frame, {})
    write_record(tmp_path / "new", new, frame, {})
    (line,) = regressions(tmp_path / "new", tmp_path / "baseline")
    assert line.startswith("ssim: not comparable, measured by another card")


def test_an_interval_alone_calls_nothing_worse(tmp_path: Path) -> None:
    """Of many metrics at 95 % each some are off by chance: two seeds of one recipe would fail each other."""
    new, baseline = write_run(tmp_path, "b", 0.575), write_run(tmp_path, "a", 0.6)
    worse = [item for item in compare_runs(new, baseline).metrics if item.better == "second"]
    assert [item.name for item in worse] == ["csim", "pose_error"]
    assert all(item.p_holm is not None and item.p_holm > 0.05 for item in worse)
    assert regressions(new, baseline) == []


def test_only_the_protocols_own_metrics_that_speak_for_a_method_are_asked() -> None:
    run = sorted(_RESULTS.glob("synthface-mini-cross/v1/*/*"))[0]
    beside = {name for companions in COMPANIONS.values() for name in companions}
    asked = {metric.name for metric in _asked(read_record(run))}
    assert not asked & beside
    assert asked >= {"ssim", "csim", "psnr", "l1", "pose", "landmark_nme", "expression", "detection", "fd[synthface]"}


@pytest.mark.parametrize(("value", "worse"), [(37.0, False), (39.0, True)])
def test_a_set_metric_is_held_against_its_recorded_spread(tmp_path: Path, value: float, worse: bool) -> None:
    frame = pair_table("a", quality=0.6)
    for name, level, sd in (("baseline", 30.0, 3), ("new", value, 2.5)):
        record = make_record("a", frame)
        note = f"small N: N=48 < 5000; sd {sd} over 5 disjoint parts of the source people, N=9 each"
        fd = record.metrics[3].model_copy(update={"value": level, "note": note})
        write_record(tmp_path / name, record.model_copy(update={"metrics": (*record.metrics[:3], fd)}), frame, {})
    # 1.96 times the root of 3² + 2.5² is 7.65.
    found = regressions(tmp_path / "new", tmp_path / "baseline")
    assert found == (["fd: 30.0000 → 39.0000, beyond the 7.6540 that its spread over people explains"] if worse else [])


def test_a_set_metric_without_a_spread_passes_and_the_comparison_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = pair_table("a", quality=0.6)
    for name, level in (("baseline", 30.0), ("new", 300.0)):
        record = make_record("a", frame)
        fd = record.metrics[3].model_copy(update={"value": level})
        write_record(tmp_path / name, record.model_copy(update={"metrics": (*record.metrics[:3], fd)}), frame, {})
    compare(tmp_path / "new", tmp_path / "baseline", fail_if_worse=True)
    assert "no spread of it is recorded, so --fail-if-worse passes it" in capsys.readouterr().out


@pytest.mark.parametrize(("low", "worse"), [(30.0, False), (70.0, True)])
def test_a_set_metric_regresses_where_the_intervals_are_apart(tmp_path: Path, low: float, worse: bool) -> None:
    frame = pair_table("a", quality=0.6)
    for name, start in (("baseline", 20.0), ("new", low)):
        record = make_record("a", frame)
        fd = record.metrics[3].model_copy(
            update={"value": start + 10, "interval": Interval(low=start, high=start + 20)}
        )
        record = record.model_copy(update={"metrics": (*record.metrics[:3], fd)})
        write_record(tmp_path / name, record, frame, {})
    found = regressions(tmp_path / "new", tmp_path / "baseline")
    assert found == (["fd: 30.0000 → 80.0000, intervals apart"] if worse else [])
