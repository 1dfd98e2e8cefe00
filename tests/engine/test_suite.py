"""Suites: one file, many runs; a cell that cannot be done is reported and the others go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from colour_judges import ColourJudges

from dgbench.core.errors import UsageError
from dgbench.engine.suite import run_suite
from dgbench.engine.suite_file import cells, read_suite

MakeCopy = Callable[..., Path]

TEXT = """
name: small
protocols: [frll-self@1, frll-cross]
methods:
  - name: copy-source
  - name: target
    protocols: [frll-self@1]
    seeds: [0, 1]
  - name: dg
    checkpoint: nowhere
judges: [embedded]
data: {frll: frll}
runs: runs
results: results
"""


def _write(folder: Path, text: str = TEXT) -> Path:
    path = folder / "suite.yaml"
    path.write_text(text)
    return path


def test_a_suite_runs_scores_publishes_and_resumes(
    tmp_path: Path, frll_copy: MakeCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dgbench.engine.score.load_judges", lambda name, weights=None: ColourJudges())
    frll_copy(12)
    suite = read_suite(_write(tmp_path))
    outcomes, tables = run_suite(suite)
    done = [(o.cell.protocol, o.cell.method.name, o.cell.seed) for o in outcomes if not o.error]
    assert done == [
        ("frll-self@1", "copy-source", 0),
        ("frll-self@1", "target", 0),
        ("frll-self@1", "target", 1),
        ("frll-cross@1", "copy-source", 0),
    ]
    assert {o.cell.method.name for o in outcomes if o.error} == {"dg"}
    records = sorted((tmp_path / "results").rglob("record.json"))
    assert len(records) == 4
    assert any(path.name == "frll-self@1.csv" for path in tables)
    before = {path: path.read_bytes() for path in records}
    again, _ = run_suite(suite)
    assert len([o for o in again if not o.error]) == 4
    assert {path: path.read_bytes() for path in (tmp_path / "results").rglob("record.json")} == before


def test_one_method_with_two_models_is_recorded_under_two_names(
    tmp_path: Path, frll_copy: MakeCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dgbench.engine.score.load_judges", lambda name, weights=None: ColourJudges())
    frll_copy(12)
    twice = TEXT.partition("methods:")[0] + (
        "methods: [{name: copy-source}, {name: copy-source, label: copy-again}]\n"
        "data: {frll: frll}\nruns: runs\nresults: results\n"
    )
    outcomes, _ = run_suite(read_suite(_write(tmp_path, twice)))
    records = [outcome.records[0] for outcome in outcomes if outcome.cell.protocol == "frll-self@1"]
    assert [record.method.name for record in records] == ["copy-source", "copy-again"]
    assert "method" not in records[0].method.parameters
    assert records[1].method.parameters["method"] == "copy-source"
    assert len(list((tmp_path / "results/frll-self/v1").iterdir())) == 2
    (bad,) = run_suite(
        read_suite(_write(tmp_path, twice.replace("{name: copy-source}, ", "").replace("again", "a b")))
    )[0][:1]
    assert "label 'copy-a b'" in str(bad.error)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    suite = read_suite(_write(tmp_path))
    assert suite.runs == tmp_path / "runs"
    assert suite.methods[2].checkpoint == tmp_path / "nowhere"
    assert len(list(cells(suite))) == 7 - 1


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("judges: [embedded]", "judges: [mine]", "judges"),
        ("runs: runs", "run: runs", "runs|run"),
        ("name: small", "name: ../up", "name"),
        ("protocols: [frll-self@1, frll-cross]", "protocols: []", "protocols"),
        ("name: small", "name: !!python/name:os.system", "not a suite"),
    ],
)
def test_a_wrong_suite_is_one_line(tmp_path: Path, old: str, new: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        read_suite(_write(tmp_path, TEXT.replace(old, new)))
    assert "\n" not in str(caught.value)


def test_the_same_run_twice_is_refused(tmp_path: Path) -> None:
    twice = TEXT.replace("  - name: target", "  - name: copy-source")
    with pytest.raises(UsageError, match="names one method twice"):
        run_suite(read_suite(_write(tmp_path, twice)))
