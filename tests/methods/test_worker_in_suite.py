"""Isolated workers through the engine: one suite scores two methods whose checkouts clash by module name."""

from __future__ import annotations

import json

import numpy as np
import pytest
from colour_judges import ColourJudges
from drawn_frll import make_copy

from dgbench.engine.suite.file import read_suite
from dgbench.engine.suite.runner import run_suite
from dgbench.io.images import read_image
from dgbench.methods import baseline_card

TEXT = """
name: clash
protocols: [frll-self@1]
methods:
  - {{name: toy-a, repo: {a}, python: {python}, checkpoint: {checkpoint}}}
  - {{name: toy-b, repo: {b}, python: {python}, checkpoint: {checkpoint}}}
  - {{name: toy-b, repo: {a}/nowhere, python: {python}, checkpoint: {checkpoint}, seeds: [1]}}
judges: [embedded]
data: {{frll: frll}}
runs: runs
results: results
"""


@pytest.fixture
def outcomes(toy, tmp_path, monkeypatch):
    monkeypatch.setattr("dgbench.engine.score.scorer.load_judges", lambda name, weights=None: ColourJudges())
    monkeypatch.setattr(baseline_card, "baselines_folder", lambda: toy.baselines)
    make_copy(tmp_path / "frll", people=6)
    places = {"a": toy.repos["toy-a"], "b": toy.repos["toy-b"], "python": toy.python, "checkpoint": toy.checkpoint}
    (tmp_path / "suite.yaml").write_text(TEXT.format(**places))
    return run_suite(read_suite(tmp_path / "suite.yaml"))[0]


@pytest.mark.slow
def test_both_are_scored_each_with_its_own_modules_and_the_missing_one_is_said(outcomes, tmp_path):
    made = {(o.cell.method.name, o.cell.seed): o for o in outcomes}
    missing = made[("toy-b", 1)].error
    assert missing is not None and missing.exit_code == 3 and "nowhere" in str(missing)
    records = {name: made[(name, 0)].records[0] for name in ("toy-a", "toy-b")}
    for name, record in records.items():
        assert record.method.name == name and record.method.motion == "absolute"
        assert record.coverage.generated == record.coverage.found > 0 and not record.coverage.failed
        assert record.method.parameters["upstream_commit"]
    assert records["toy-a"].method.digest != records["toy-b"].method.digest
    folders = {name: tmp_path / "runs" / "frll-self@1" / f"{name}-0" for name in records}
    pair_id = json.loads(next(folders["toy-a"].glob("journal/*.jsonl")).read_text().splitlines()[0])["pair_id"]
    first, second = (read_image(folder / "images" / f"{pair_id}.png").astype(int) for folder in folders.values())
    assert first.shape == second.shape
    assert np.abs(first - second).mean() > 5  # the two methods' own constants, not one's modules in both
