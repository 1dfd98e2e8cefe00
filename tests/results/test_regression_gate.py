"""The gate of a CI: worse beyond the interval fails, chance does not, and leaving pairs out is no way around it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fabricated_records import make_record, pair_table, write_record, write_run

from dgbench.cli.compare import compare
from dgbench.core.errors import WorkFailedError
from dgbench.core.record import Interval
from dgbench.results.regression import regressions


def test_a_run_shown_to_be_worse_fails_with_every_metric_named(tmp_path: Path) -> None:
    baseline, new = write_run(tmp_path, "a", 0.6), write_run(tmp_path, "b", 0.5)
    found = regressions(new, baseline)
    assert [line.split(":")[0] for line in found] == ["csim", "pose_error", "ssim"]
    assert "95 % interval [-0." in found[0]
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
