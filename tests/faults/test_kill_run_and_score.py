"""SIGKILL at every commit point of run, score, publish and leaderboard: the same command then gives the same bytes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from colour_judges import ColourJudges
from drawn_frll import make_copy
from killing import kill_everywhere, survive

from dgbench.engine.run.plan import RunFolder
from dgbench.engine.run.runner import run_method
from dgbench.engine.run.state import journal_state
from dgbench.engine.score.scorer import score_run
from dgbench.methods.registry import create
from dgbench.protocols.registry import load_protocol
from dgbench.results.records.store import publish
from dgbench.results.tables.leaderboard import build

PROTOCOL = load_protocol("frll-cross@1")
LIMIT = 5


def _run(out: Path, data: Path) -> None:
    method = create("copy-reference")
    method.batch_size = 2
    run_method(PROTOCOL, method, out=out, data=data, limit=LIMIT)


def _images(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "images").glob("*.png"))}


def _shas(folder: Path) -> dict[str, str]:
    return {key: line["sha256"] for key, line in journal_state(RunFolder(folder)).items()}


def _record(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "scores" / "embedded" / "record.json").read_text())
    return {key: value for key, value in record.items() if key not in ("created", "code")}


def test_a_killed_run_goes_on_to_the_same_images(tmp_path: Path) -> None:
    data = make_copy(tmp_path / "frll", people=12)
    _run(tmp_path / "whole", data)
    images, shas = _images(tmp_path / "whole"), _shas(tmp_path / "whole")
    assert len(images) == LIMIT
    out = tmp_path / "run"

    def check(point: int) -> None:
        left = [path for path in out.rglob("*.png") if not path.name.startswith(".")]
        assert all(path.read_bytes() == images[path.name] for path in left), f"a half image after point {point}"
        _run(out, data)
        assert (_images(out), _shas(out)) == (images, shas), f"other images after point {point}"

    points = kill_everywhere(lambda: shutil.rmtree(out, ignore_errors=True), lambda: _run(out, data), check)
    assert points >= 20


def test_a_run_killed_again_and_again_still_ends(tmp_path: Path) -> None:
    data = make_copy(tmp_path / "frll", people=12)
    _run(tmp_path / "whole", data)
    out = tmp_path / "run"
    for point in range(2, 400, 3):
        if survive(lambda: _run(out, data), point):
            break
    assert _images(out) == _images(tmp_path / "whole")


def test_a_killed_scoring_leaves_no_record_or_the_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dgbench.engine.score.scorer.load_judges", lambda name, weights=None: ColourJudges())
    data = make_copy(tmp_path / "frll", people=12)
    out = tmp_path / "run"
    _run(out, data)
    score_run(out, judges="embedded")
    whole = _record(out)
    table = (out / "scores" / "embedded" / "pair_scores.parquet").read_bytes()

    def check(point: int) -> None:
        path = out / "scores" / "embedded" / "record.json"
        if path.exists():
            assert _record(out) == whole, f"a wrong record after point {point}"
        score_run(out, judges="embedded")
        assert _record(out) == whole
        assert (path.parent / "pair_scores.parquet").read_bytes() == table

    points = kill_everywhere(
        lambda: shutil.rmtree(out / "scores", ignore_errors=True), lambda: score_run(out, judges="embedded"), check
    )
    assert points >= 8


def test_a_killed_publication_or_leaderboard_is_finished_by_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dgbench.engine.score.scorer.load_judges", lambda name, weights=None: ColourJudges())
    data = make_copy(tmp_path / "frll", people=12)
    _run(tmp_path / "run", data)
    scored = score_run(tmp_path / "run", judges="embedded").folder
    results = tmp_path / "results"

    def work() -> None:
        publish(scored, results)
        build(results)

    work()
    whole = {
        path.relative_to(results): path.read_bytes()
        for path in results.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }

    def check(point: int) -> None:
        work()
        now = {
            path.relative_to(results): path.read_bytes()
            for path in results.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }
        assert now == whole, f"other tables after point {point}"

    points = kill_everywhere(lambda: shutil.rmtree(results, ignore_errors=True), work, check)
    assert points >= 16
