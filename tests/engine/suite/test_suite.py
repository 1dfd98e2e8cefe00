"""Suites: one file, many runs; a cell that cannot be done is reported and the others go on."""

from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from colour_judges import ColourJudges

from dgbench.core.errors import UsageError
from dgbench.core.face import Failure, Image
from dgbench.engine.api import run
from dgbench.engine.suite.file import cells, read_suite
from dgbench.engine.suite.runner import run_suite
from dgbench.methods import registry
from dgbench.methods.contract import LoadContext, Need, Reenactor, Task

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


@pytest.mark.slow
def test_a_suite_runs_scores_publishes_and_resumes(
    tmp_path: Path, frll_copy: MakeCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dgbench.engine.score.scorer.load_judges", lambda name, weights=None: ColourJudges())
    frll_copy(12)
    suite = read_suite(_write(tmp_path))
    outcomes, tables = run_suite(suite)
    done = [(o.cell.protocol, o.cell.method.name, o.cell.seed) for o in outcomes if not o.error]
    assert done == [
        ("frll-self@1", "copy-source", 0),
        ("frll-self@1", "target", 0),
        ("frll-self@1", "target", 1),
        ("frll-cross@2", "copy-source", 0),
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
    monkeypatch.setattr("dgbench.engine.score.scorer.load_judges", lambda name, weights=None: ColourJudges())
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


def test_a_suite_named_from_its_own_folder_means_the_same_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path)
    monkeypatch.chdir(tmp_path)
    suite = read_suite(Path("suite.yaml"))
    assert (suite.runs, suite.data["frll"]) == (tmp_path / "runs", tmp_path / "frll")
    assert suite.methods[2].checkpoint == tmp_path / "nowhere"


def test_a_methods_protocol_may_be_named_with_or_without_its_version(tmp_path: Path) -> None:
    swapped = TEXT.replace("[frll-self@1, frll-cross]", "[frll-self, frll-cross@2]")
    swapped = swapped.replace("protocols: [frll-self@1]", "protocols: [frll-self@1, frll-cross]")
    target = [cell for cell in cells(read_suite(_write(tmp_path, swapped))) if cell.method.name == "target"]
    assert [cell.protocol for cell in target] == ["frll-self@1"] * 2 + ["frll-cross@2"] * 2


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("    protocols: [frll-self@1]", "    protocols: [frll-slef]", "no protocol 'frll-slef'.*Did you mean"),
        ("    protocols: [frll-self@1]", "    protocols: [rafd-cross]", "'target' names protocol rafd-cross@2, which"),
        ("data: {frll: frll}", "data: {frl: frll}", "data: no data set 'frl' .*Did you mean 'frll'"),
        ("methods:\n  - name: copy-source\n", "methods:\n  - {name: black, seeds: []}\n", "nothing to run"),
    ],
)
def test_what_a_suite_would_silently_leave_out_is_said(tmp_path: Path, old: str, new: str, reason: str) -> None:
    text = TEXT.replace(old, new)
    if "nothing" in reason:
        text = text.partition("  - name: target")[0] + "runs: runs\nresults: results\n"
    with pytest.raises(UsageError, match=reason):
        run_suite(read_suite(_write(tmp_path, text)))
    assert not (tmp_path / "runs").exists()


class Guest(Reenactor):
    """Stands for somebody's method; ``load`` is where such a method goes wrong."""

    name = "guest"
    needs: ClassVar[frozenset[Need]] = frozenset({"source"})

    def reenact(self, tasks: Sequence[Task]) -> list[Image | Failure]:
        return [Failure("error", "never asked") for _ in tasks]


ONE_AND_BLACK = TEXT.partition("methods:")[0] + (
    "methods: [{name: guest}, {name: black, protocols: [frll-self]}]\n"
    "data: {frll: frll}\nruns: runs\nresults: results\n"
)


def test_an_error_in_a_methods_code_is_that_cells_and_the_others_go_on(
    tmp_path: Path, frll_copy: MakeCopy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Boom(Guest):
        def load(self, context: LoadContext) -> None:
            raise RuntimeError("CUDA out of\nmemory")

    monkeypatch.setattr("dgbench.engine.score.scorer.load_judges", lambda name, weights=None: ColourJudges())
    monkeypatch.setitem(registry.METHODS._registered, "guest", Boom)
    frll_copy(12)
    with caplog.at_level(logging.DEBUG, logger="dgbench.engine.suite.jobs"):
        outcomes, _ = run_suite(read_suite(_write(tmp_path, ONE_AND_BLACK)))
    said = "RuntimeError: CUDA out of memory"
    assert [str(o.error) for o in outcomes] == [said, "None", said]
    assert "in load" in caplog.text, "the traceback is there for who asks"


def test_a_failed_cells_method_is_gone_when_the_next_one_is_loaded(
    tmp_path: Path, frll_copy: MakeCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[weakref.ref[Reenactor]] = []
    alive: list[bool] = []

    class Refusing(Guest):
        def load(self, context: LoadContext) -> None:
            gc.collect()
            alive.extend(method() is not None for method in made)
            made.append(weakref.ref(self))

        def reenact(self, tasks: Sequence[Task]) -> list[Image | Failure]:
            try:
                raise ValueError
            except ValueError as error:
                raise UsageError("no") from error

    monkeypatch.setattr("dgbench.engine.score.scorer.load_judges", lambda name, weights=None: ColourJudges())
    monkeypatch.setitem(registry.METHODS._registered, "guest", Refusing)
    frll_copy(12)
    outcomes, _ = run_suite(read_suite(_write(tmp_path, ONE_AND_BLACK)))
    assert [str(o.error) for o in outcomes if o.error] == ["no", "no"]
    assert alive == [False]


def test_a_worker_ends_with_its_cell(tmp_path: Path, frll_copy: MakeCopy, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    class Isolated(Guest):
        def __init__(self, card: str, **setup: object) -> None:
            self.card = card

        def close(self) -> None:
            closed.append(self.card)

    monkeypatch.setattr("dgbench.engine.run.methods.IsolatedReenactor", Isolated)
    monkeypatch.setattr("dgbench.engine.run.methods.baseline_names", lambda: ["guest"])
    monkeypatch.setattr("dgbench.engine.run.methods.load_card", lambda name: name)
    monkeypatch.setattr("dgbench.engine.score.scorer.load_judges", lambda name, weights=None: ColourJudges())
    frll_copy(12)
    outcomes, _ = run_suite(read_suite(_write(tmp_path, ONE_AND_BLACK)))
    assert not [o.error for o in outcomes if o.error]
    assert closed == ["guest", "guest"]
    run("frll-self", "guest", tmp_path / "run", data=tmp_path / "frll")
    assert closed == ["guest"] * 3
    mine = Isolated("mine")
    run("frll-self", mine, tmp_path / "mine", data=tmp_path / "frll")
    assert "mine" not in closed, "who made a method ends it"


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
