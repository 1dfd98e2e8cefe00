"""The record store: what is written is read back, same scores give same bytes, damage is told in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from fabricated_records import make_record, pair_table, write_run

from dgbench.core.errors import UsageError, WorkFailedError
from dgbench.results.records import store
from dgbench.results.records.store import find_records, publish, read_pair_scores, read_record, write_record


def test_a_record_is_read_back_with_the_digests_of_its_files(tmp_path: Path) -> None:
    frame = pair_table("dg", quality=0.5, failures=2)
    record = make_record("dg", frame)
    write_record(tmp_path / "run", record, frame, {"device": "cpu"})
    back = read_record(tmp_path / "run")
    assert back.pair_scores_sha256 is not None and back.environment_sha256 is not None
    assert back.model_copy(update={"pair_scores_sha256": None, "environment_sha256": None}) == record
    table = read_pair_scores(tmp_path / "run" / store.PAIR_SCORES)
    assert table["csim"].to_numpy().tolist() == frame["csim"].to_numpy().tolist()
    assert list(table["pair_id"]) == sorted(table["pair_id"])


def test_same_scores_in_another_row_order_give_the_same_bytes() -> None:
    frame = pair_table("dg", quality=0.5)
    shuffled = frame.sample(frac=1, random_state=3)
    assert store.parquet_bytes(shuffled) == store.parquet_bytes(frame)
    frame.loc[0, "csim"] += 1e-9
    assert store.parquet_bytes(shuffled) != store.parquet_bytes(frame)


def test_an_unknown_yaw_is_stored_as_null_and_read_as_nan(tmp_path: Path) -> None:
    frame = pair_table("dg", quality=0.5)
    frame.loc[0, "yaw_reference"] = np.nan
    store.write_bytes(tmp_path / "t.parquet", store.parquet_bytes(frame))
    assert np.isnan(read_pair_scores(tmp_path / "t.parquet")["yaw_reference"][0])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_score_that_is_not_finite_is_refused_and_nothing_looks_finished(tmp_path: Path, value: float) -> None:
    frame = pair_table("dg", quality=0.5)
    record = make_record("dg", frame)
    frame.loc[7, "csim"] = value
    with pytest.raises(WorkFailedError, match=r"csim of pair 'p00007' is not finite"):
        write_record(tmp_path, record, frame, {})
    assert not (tmp_path / store.RECORD).exists()


def test_a_pair_that_stands_twice_is_refused(tmp_path: Path) -> None:
    frame = pair_table("dg", quality=0.5)
    record = make_record("dg", frame)
    frame.loc[1, "pair_id"] = "p00000"
    with pytest.raises(WorkFailedError, match="is repeated"):
        write_record(tmp_path, record, frame, {})


def test_a_rewrite_that_dies_leaves_no_record_that_looks_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pair_table("dg", quality=0.5)
    write_record(tmp_path, make_record("dg", frame), frame, {})

    def full(path: Path, value: object) -> None:
        raise WorkFailedError(f"{path}: no space left on the disk")

    monkeypatch.setattr(store, "write_json", full)
    with pytest.raises(WorkFailedError):
        write_record(tmp_path, make_record("dg", frame), frame, {})
    assert not (tmp_path / store.RECORD).exists()


def test_records_are_found_in_stable_order_and_never_inside_image_folders(tmp_path: Path) -> None:
    for method in ("b", "a", "c"):
        write_run(tmp_path, method, 0.5)
    decoy = tmp_path / "run" / "images" / store.RECORD
    decoy.parent.mkdir(parents=True)
    decoy.write_text("{}")
    found = find_records(tmp_path)
    assert [entry.record.method.name for entry in found] == ["a", "b", "c"]
    assert found[0].path == "synthface-mini-cross-2026-11-20-a-s0/scores/embedded"


def test_publishing_copies_byte_for_byte_and_twice_is_once(tmp_path: Path) -> None:
    scored = write_run(tmp_path / "runs", "dg", 0.5)
    target = publish(scored, tmp_path / "results")
    assert target == tmp_path / "results/synthface-mini-cross/v1/dg/2026-11-20-dg-s0"
    assert publish(scored, tmp_path / "results") == target
    for name in (store.RECORD, store.PAIR_SCORES, store.ENVIRONMENT):
        assert (target / name).read_bytes() == (scored / name).read_bytes()


def test_publishing_never_overwrites_another_record(tmp_path: Path) -> None:
    publish(write_run(tmp_path / "one", "dg", 0.5), tmp_path / "results")
    with pytest.raises(UsageError, match="a published record never changes"):
        publish(write_run(tmp_path / "two", "dg", 0.6), tmp_path / "results")


def test_publishing_refuses_a_table_that_is_not_the_records_own(tmp_path: Path) -> None:
    scored = write_run(tmp_path / "runs", "dg", 0.5)
    (scored / store.PAIR_SCORES).write_bytes(store.parquet_bytes(pair_table("other", quality=0.9)))
    with pytest.raises(UsageError, match="not the file"):
        publish(scored, tmp_path / "results")
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text.replace('"seed": 0', '"seed": NaN'), "NaN is not a number"),
        (lambda text: text.replace('"seed": 0', '"seed": 0, "seed": 1'), "'seed' is repeated"),
        (lambda text: text[: len(text) // 2], "strict JSON"),
        (lambda text: text.replace('"seed": 0', '"sede": 0'), "sede"),
        (lambda text: text.replace('"schema_version": 2', '"schema_version": 99'), "newer than this dgbench"),
        (lambda text: "[]", "not a JSON object"),
    ],
)
def test_a_damaged_record_is_told_in_one_line(tmp_path: Path, damage: object, message: str) -> None:
    folder = write_run(tmp_path, "dg", 0.5)
    file = folder / store.RECORD
    file.write_text(damage(file.read_text()))  # type: ignore[operator]
    with pytest.raises(UsageError, match=message) as caught:
        read_record(folder)
    assert "\n" not in str(caught.value) and str(file) in str(caught.value)


def test_a_method_name_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    scored = write_run(tmp_path / "runs", "dg", 0.5)
    file = scored / store.RECORD
    data = json.loads(file.read_text())
    data["method"]["name"] = "../outside"
    file.write_text(json.dumps(data))
    with pytest.raises(UsageError, match=r"method\.name"):
        publish(scored, tmp_path / "results")
