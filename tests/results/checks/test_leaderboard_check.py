"""What CI must catch: every way to tamper with results shows up in ``leaderboard check``, and clean ones pass."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from fabricated_records import make_record, pair_table, write_run

from dgbench.core.digests import sha256_file
from dgbench.core.errors import UsageError
from dgbench.core.protocol import Protocol
from dgbench.results.checks.check import check
from dgbench.results.checks.problem import Problem
from dgbench.results.records import released
from dgbench.results.records.store import ENVIRONMENT, PAIR_SCORES, RECORD, parquet_bytes, publish, write_record
from dgbench.results.tables.leaderboard import build

_COMMITTED = Path(__file__).parents[3] / "results"


def _folder(results: Path, method: str = "dg") -> Path:
    return next((results / "synthface-mini-cross/v1" / method).iterdir())


def _edit(results: Path, change: Callable[[dict[str, Any]], None], method: str = "dg") -> None:
    file = _folder(results, method) / RECORD
    data = json.loads(file.read_text())
    change(data)
    file.write_text(json.dumps(data, indent=2, sort_keys=True) + "\n")


def _git(results: Path, *arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(results.parent), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(results: Path) -> Path:
    """The results folder committed on ``main``, with a branch checked out on top."""
    _git(results, "init", "-q", "-b", "main")
    _git(results, "add", ".")
    _git(results, "commit", "-q", "-m", "base")
    _git(results, "checkout", "-q", "-b", "work")
    return results


def _kinds(problems: list[Problem]) -> set[str]:
    return {problem.kind for problem in problems}


def test_a_clean_folder_has_no_problem(repository: Path) -> None:
    assert check(repository, base="main") == []


def test_an_edited_score_is_not_the_mean_of_its_pairs(results: Path) -> None:
    _edit(results, lambda data: data["metrics"][0].update(value=0.95))
    build(results)  # whoever edits a score also rebuilds the tables
    problems = check(results)
    assert [problem.kind for problem in problems] == ["score"]
    assert "value 0.950000 is not the mean of its pairs" in problems[0].message


def test_failures_that_score_above_the_floor_are_caught(results: Path) -> None:
    """A method that fails on every pair has nothing but the floor; its table may not say otherwise."""
    folder = _folder(results)
    frame = pair_table("dg", quality=0.6, failures=3)
    frame.loc[:2, "csim"] = 0.99
    better = make_record("dg", frame)
    write_record(folder, better, frame, {})
    build(results)
    assert [(p.kind, p.message) for p in check(results)] == [
        ("score", "csim: 3 pairs that were not measured are not at the floor 0")
    ]


def test_an_edited_interval_is_not_that_of_its_pairs(results: Path) -> None:
    _edit(results, lambda data: data["metrics"][0]["interval"].update(low=0.55))
    build(results)
    (problem,) = check(results)
    assert problem.kind == "score" and "interval [0.550000, " in problem.message
    _edit(results, lambda data: data["metrics"][0].update(interval=None))
    build(results)
    (problem,) = check(results)
    assert "interval nothing is not that of its pairs" in problem.message


def test_edited_pose_bins_are_not_those_of_the_pairs(results: Path) -> None:
    _edit(results, lambda data: data["metrics"][0]["bins"][1].update(value=0.9))
    assert [p.message[:32] for p in check(results) if p.kind == "score"] == ["csim: bin 45: value 0.900000 is "]
    _edit(results, lambda data: data["metrics"][0]["bins"].pop())
    assert [p.kind for p in check(results) if "pose bins are not those" in p.message] == ["score"]


def test_an_edited_set_score_is_caught_against_the_merge_base(repository: Path) -> None:
    def better(data: dict[str, Any]) -> None:
        data["metrics"][3]["value"] = 1.0

    _edit(repository, better)
    assert _kinds(check(repository)) == {"leaderboard"}
    build(repository)
    problems = check(repository, base="main")
    assert [problem.kind for problem in problems] == ["changed"]
    assert "fd " in problems[0].message and "→ 1)" in problems[0].message


def test_edited_pair_scores_do_not_have_the_digest_that_the_record_says(results: Path) -> None:
    file = _folder(results) / PAIR_SCORES
    file.write_bytes(parquet_bytes(pair_table("dg", quality=0.9, failures=3)))
    assert "digest" in _kinds(check(results))


def test_an_edited_environment_is_caught(results: Path) -> None:
    (_folder(results) / ENVIRONMENT).write_text("{}\n")
    assert _kinds(check(results)) == {"digest"}


def test_nan_in_the_record_is_caught(results: Path) -> None:
    _edit(results, lambda data: data["metrics"][0].update(value=float("nan")))
    assert "NaN is not a number" in "".join(problem.message for problem in check(results))


def test_nan_in_the_pair_scores_is_caught(results: Path) -> None:
    file = _folder(results) / PAIR_SCORES
    frame = pd.read_parquet(file)
    frame.loc[5, "csim"] = float("nan")
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), file)
    _edit(results, lambda data: data.update(pair_scores_sha256=sha256_file(file)))
    build(results)
    assert [(p.kind, p.message) for p in check(results)] == [("nan", "csim holds NaN or infinity")]


def test_a_silently_removed_metric_is_caught(repository: Path) -> None:
    _edit(repository, lambda data: data["metrics"].pop())
    build(repository)
    assert check(repository) == []
    (problem,) = check(repository, base="main")
    assert problem.kind == "changed" and problem.message.count("→ nothing") == 1


def test_a_removed_row_is_caught(repository: Path) -> None:
    shutil.rmtree(_folder(repository, "warp"))
    build(repository)
    assert check(repository) == []  # nothing here says that it was ever there
    problems = check(repository, base="main")
    assert _kinds(problems) == {"removed"}
    assert any(problem.place.endswith(RECORD) for problem in problems)


def test_a_correction_with_a_reason_is_allowed_and_one_without_is_not(repository: Path) -> None:
    folder = _folder(repository, "warp")
    shutil.rmtree(folder)
    build(repository)
    place = folder.relative_to(repository).as_posix()
    file = repository / "corrections.yaml"
    file.write_text(f"{place}: the run used a damaged copy of the data set\n")
    assert check(repository, base="main") == []
    file.write_text(f"{place}: wrong\n")
    for base in ("main", None):
        with pytest.raises(UsageError, match="reasons of at least 20 characters"):
            check(repository, base=base)
    file.write_text(f"{place}: trained anew: the first run was of another model\n")
    with pytest.raises(UsageError, match="not a list of corrections"):
        check(repository)


@pytest.fixture
def printed(repository: Path) -> Path:
    """The repository with this one's printed numbers, committed."""
    shutil.copytree(_COMMITTED / "published", repository / "published")
    build(repository)
    _git(repository, "add", ".")
    _git(repository, "commit", "-q", "-m", "printed")
    return repository


def test_a_silently_changed_printed_number_is_caught(printed: Path) -> None:
    file = printed / "published" / "face-adapter-eccv24.yaml"
    text = file.read_text()
    file.write_text(text.replace("DG: [14.01,", "DG: [24.01,"))
    build(printed)
    assert check(printed) == []  # nothing here says what was printed before
    (problem,) = check(printed, base="HEAD")
    assert problem.kind == "changed" and "PSNR of DG, 14.01, is now 24.01;" in problem.message
    file.write_text("\n".join(line for line in text.splitlines() if "TPSMM: [23.8" not in line))
    build(printed)
    (problem,) = check(printed, base="HEAD")
    assert problem.message.count("of TPSMM") == problem.message.count("is now gone") == 7
    (printed / "corrections.yaml").write_text("published/face-adapter-self: a row had been misread in the paper\n")
    assert check(printed, base="HEAD") == []


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("own_method: Face-Adapter", "own_method: FOMM", "own_method changed"),
        ("{name: PSNR, direction: higher}", "{name: PSNR, direction: lower}", "metrics changed"),
        ("near: voxceleb1-self@1", "near: rafd-self@1", "near changed"),
    ],
)
def test_what_a_printed_table_says_of_its_numbers_is_held_too(printed: Path, old: str, new: str, what: str) -> None:
    file = printed / "published" / "face-adapter-eccv24.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    build(printed)
    problems = check(printed, base="HEAD")
    assert problems and all(p.kind == "changed" and what in p.message for p in problems)


def test_a_contradiction_does_not_go_away(printed: Path) -> None:
    (printed / "published" / "contradictions.yaml").unlink()
    build(printed)
    problems = check(printed, base="HEAD")
    assert problems and all(p.kind == "changed" and "is gone" in p.message for p in problems)


def test_a_correction_excuses_what_changed_with_it_and_stays(repository: Path) -> None:
    place = _folder(repository, "warp").relative_to(repository).as_posix()
    file = repository / "corrections.yaml"
    first = f"{place}: the run used a damaged copy of the data set"
    file.write_text(f"{first}\n")
    _git(repository, "add", ".")
    _git(repository, "commit", "-q", "-m", "corrected")
    assert check(repository, base="HEAD") == []
    shutil.rmtree(_folder(repository, "warp"))
    build(repository)
    assert _kinds(check(repository, base="HEAD")) == {"removed"}
    file.write_text(f"{first}; and the repaired copy was none\n")
    assert check(repository, base="HEAD") == []
    file.write_text(f"{place}: we did not like what the record says\n")
    assert [p.place for p in check(repository, base="HEAD")] == ["corrections.yaml"]
    file.unlink()
    assert "corrections.yaml" in {p.place for p in check(repository, base="HEAD")}


def test_a_removed_pair_is_caught(results: Path) -> None:
    file = _folder(results) / PAIR_SCORES
    file.write_bytes(parquet_bytes(pair_table("dg", quality=0.6, failures=3).iloc[1:]))
    _edit(results, lambda data: data.update(pair_scores_sha256=sha256_file(file)))
    messages = " ".join(problem.message for problem in check(results))
    assert "48 pairs expected, its table holds 47" in messages


def test_a_duplicate_row_is_caught(results: Path, tmp_path: Path) -> None:
    publish(write_run(tmp_path / "again", "dg", 0.6, failures=3, run="another-run"), results)
    build(results)
    problems = check(results)
    assert _kinds(problems) == {"duplicate"}


def test_a_duplicate_that_supersedes_is_no_problem_and_the_old_one_must_stay(results: Path, tmp_path: Path) -> None:
    old = json.loads((_folder(results) / RECORD).read_text())["run_id"]
    publish(write_run(tmp_path / "again", "dg", 0.6, run="another-run", supersedes=old), results)
    build(results)
    assert check(results) == []
    shutil.rmtree(results / f"synthface-mini-cross/v1/dg/{old}")
    build(results)
    assert _kinds(check(results)) == {"removed"}


def test_a_record_that_supersedes_a_rivals_is_caught(results: Path) -> None:
    rival = json.loads((_folder(results, "oracle") / RECORD).read_text())["run_id"]
    _edit(results, lambda data: data.update(supersedes=rival))
    build(results)
    (problem,) = check(results)
    assert problem.kind == "supersedes" and "is of another method" in problem.message


def test_a_changed_protocol_file_is_caught(repository: Path) -> None:
    folder = repository.parent / "protocols" / "toy-self" / "v1"
    folder.mkdir(parents=True)
    (folder / "protocol.yaml").write_text(_PROTOCOL)
    (folder / "pairs.csv.gz").write_bytes(gzip.compress(b"pair_id\np0\n", mtime=0))
    (folder / "CARD.md").write_text("prose")
    shutil.rmtree(repository / "synthface-mini-cross")
    build(repository)
    protocols = repository.parent / "protocols"
    released.write_lock(protocols)
    assert check(repository) == []
    (folder / "CARD.md").write_text("better prose")
    assert check(repository) == []
    _git(repository, "add", ".")
    _git(repository, "commit", "-q", "-m", "release")
    (folder / "protocol.yaml").write_text(_PROTOCOL.replace("seed: 1", "seed: 2"))
    assert [p.place for p in check(repository)] == ["protocols/toy-self/v1/protocol.yaml"]
    (protocols / released.LOCK).unlink()
    released.write_lock(protocols)  # whoever changes a protocol may also rewrite the lock
    assert check(repository) == []
    assert [p.place for p in check(repository, base="HEAD")] == ["protocols/RELEASED.json"]


@pytest.fixture
def on_protocol(results: Path, made_up_cards: Path) -> Callable[..., Path]:
    """Puts a protocol of 48 pairs beside the results, ranked by csim, and gives the records its digest."""

    def release(**changes: Any) -> Path:
        folder = results.parent / "protocols" / "synthface-mini-cross" / "v1"
        folder.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_load(_PROTOCOL) | {"id": "synthface-mini-cross", "expected_pairs": 48} | changes
        (folder / "protocol.yaml").write_text(yaml.safe_dump(text))
        for method in ("oracle", "dg", "warp"):
            _edit(results, lambda data: data["protocol"].update(digest=Protocol.model_validate(text).digest), method)
        build(results)
        return folder

    return release


def test_a_record_of_another_protocol_text_is_caught(results: Path, on_protocol: Callable[..., Path]) -> None:
    on_protocol()
    assert check(results) == []
    _edit(results, lambda data: data["protocol"].update(digest="0" * 64))
    build(results)
    assert [(p.kind, p.message[:32]) for p in check(results)] == [("protocol", "was scored on another synthface-")]


def test_a_record_of_a_protocol_that_is_not_there_is_caught(results: Path, made_up_cards: Path) -> None:
    (results.parent / "protocols").mkdir()
    assert len(check(results)) == 3 and _kinds(check(results)) == {"protocol"}


def test_a_record_that_names_another_primary_metric_is_caught(results: Path, on_protocol: Callable[..., Path]) -> None:
    on_protocol(metrics=["ssim", "csim"], primary_metric="ssim")
    problems = check(results)
    assert len(problems) == 3 and all("is ranked by ssim" in problem.message for problem in problems)


def test_a_record_that_expects_other_than_the_protocols_pairs_is_caught(
    results: Path, on_protocol: Callable[..., Path]
) -> None:
    """A rule that builds pairs from the user's copy ships no list; the number it must give is stated."""
    on_protocol(pairs="built", expected_pairs=60)
    problems = check(results)
    assert len(problems) == 3 and all("expects 48 pairs" in problem.message for problem in problems)


def test_a_part_cannot_pass_for_the_whole(results: Path, on_protocol: Callable[..., Path]) -> None:
    """A record that states its own pairs as the protocol's would be complete, were the list not asked."""
    folder = on_protocol()
    for first, kinds in ((0, set()), (1, {"protocol", "pairs"})):
        lines = ["pair_id", *(f"p{i:05d}" for i in range(first, first + 48))]
        (folder / "pairs.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
        build(results)
        assert _kinds(check(results)) == kinds
    (folder / "pairs.csv.gz").write_bytes(b"no gzip")
    assert [p.place for p in check(results)] == ["protocols/synthface-mini-cross/v1/pairs.csv.gz"]


def test_a_stated_pair_set_must_be_that_of_the_table(results: Path) -> None:
    _edit(results, lambda data: data["coverage"].update(pair_set="0" * 64, protocol_pair_set="0" * 64))
    build(results)
    assert [p.message for p in check(results)] == ["is not over the pairs whose digest the record states"]


def test_a_released_protocol_cannot_lose_or_gain_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "toy" / "v1"
    folder.mkdir(parents=True)
    (folder / "protocol.yaml").write_text("a: 1\n")
    released.write_lock(tmp_path)
    (folder / "pairs.csv.gz").write_bytes(b"")
    assert released.changed_files(tmp_path) == [("toy/v1/pairs.csv.gz", "a file of a released protocol was added")]
    (folder / "pairs.csv.gz").unlink()
    (folder / "protocol.yaml").unlink()
    assert released.changed_files(tmp_path) == [("toy/v1/protocol.yaml", "a file of a released protocol was removed")]


def test_names_strays_and_left_overs_are_caught(results: Path) -> None:
    _folder(results).rename(_folder(results).parent / "another-name")
    (results / "notes.txt").write_text("?")
    half = results / "synthface-mini-cross/v1/half/run"
    half.mkdir(parents=True)
    (half / ENVIRONMENT).write_text("{}\n")
    build(results)
    assert {(p.kind, p.place.rsplit("/", 1)[-1]) for p in check(results)} == {
        ("name", RECORD),
        ("stray", "notes.txt"),
        ("missing", ENVIRONMENT),
    }


def test_a_stale_leaderboard_is_caught_to_the_byte(results: Path) -> None:
    file = results / "leaderboards" / "overall.csv"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    (results / "leaderboards" / "old@1.csv").write_text("x\n")
    assert {p.place for p in check(results)} == {"leaderboards/overall.csv", "leaderboards/old@1.csv"}


def test_a_build_into_the_default_folder_by_name_leaves_nothing_to_complain_of(results: Path) -> None:
    build(results, results / "leaderboards")
    assert check(results) == []


def test_what_others_merged_meanwhile_is_not_this_branchs_doing(repository: Path, tmp_path: Path) -> None:
    _git(repository, "checkout", "-q", "main")
    publish(write_run(tmp_path / "theirs", "other", 0.5), repository)
    build(repository)
    _git(repository, "add", ".")
    _git(repository, "commit", "-q", "-m", "theirs")
    _git(repository, "checkout", "-q", "work")
    assert check(repository, base="main") == []


def test_a_base_that_is_no_revision_is_told(repository: Path) -> None:
    with pytest.raises(UsageError, match="is --base a revision"):
        check(repository, base="no-such-branch")


_PROTOCOL = """\
id: toy-self
version: 1
title: A toy
dataset: toy
split: {rule: r, train: {kind: ids, ids: [a]}, test: {kind: ids, ids: [b]}}
pairing: {rule: r, sampler: s, seed: 1}
pairs: frozen
expected_pairs: 1
pairs_sha256: x
frame: {size: 64, crop: as-stored}
metrics: [csim]
primary_metric: csim
"""
