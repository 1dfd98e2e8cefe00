"""What a run remembers of the code and the pixels that it was made of, and what it refuses when they change."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from colour_judges import ColourJudges

import dgbench.scoring.judging as judging
from dgbench.core.digests import root_digest
from dgbench.core.errors import UsageError, WorkFailedError
from dgbench.engine.run.inputs import pixel_digest, recorded_inputs
from dgbench.engine.run.plan import RunFolder, read_plan
from dgbench.engine.run.runner import run_method
from dgbench.engine.score.scorer import score_run
from dgbench.methods.code_identity import method_code
from dgbench.methods.registry import create
from dgbench.protocols.registry import load_protocol
from dgbench.scoring.judging import judged_by

PROTOCOL = load_protocol("frll-cross@1")

METHOD = """
import numpy as np
from dgbench.methods.contract import Reenactor

class Mine(Reenactor):
    name = "mine"
    needs = frozenset({"source"})
    def reenact(self, tasks):
        return [np.ascontiguousarray(task.source[:, ::STEP]) for task in tasks]
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], object]:
    """Return a maker of the user's method from a file of source, imported anew each time."""
    monkeypatch.syspath_prepend(tmp_path / "code")

    def make(source: str) -> object:
        (tmp_path / "code").mkdir(exist_ok=True)
        (tmp_path / "code" / "my_method_of_test.py").write_text(source)
        sys.modules.pop("my_method_of_test", None)
        import importlib

        importlib.invalidate_caches()
        return importlib.import_module("my_method_of_test").Mine()

    return make


def test_an_edited_method_is_refused_and_not_taken_as_done(tmp_path: Path, frll_copy, mine) -> None:
    data, out = frll_copy(8), tmp_path / "run"
    first = run_method(PROTOCOL, mine(METHOD.replace("STEP", "1")), out=out, data=data)
    assert (first.done_now, first.generated) == (first.planned, first.planned)
    again = run_method(PROTOCOL, mine(METHOD.replace("STEP", "1")), out=out, data=data)
    assert (again.done_now, again.generated) == (0, first.planned)
    edited = mine(METHOD.replace("STEP", "-1"))
    with pytest.raises(UsageError, match=r"other code of method 'mine', edited since.*--accept-edited"):
        run_method(PROTOCOL, edited, out=out, data=data)


@pytest.mark.usefixtures("colour_judges")
def test_going_on_with_an_edited_method_is_said_in_the_record(tmp_path: Path, frll_copy, mine) -> None:
    data, out = frll_copy(8), tmp_path / "run"
    run_method(PROTOCOL, mine(METHOD.replace("STEP", "1")), out=out, data=data)
    unedited = score_run(out, judges="embedded").record
    assert unedited.digests.method_code == read_plan(RunFolder(out)).method_code
    victim = sorted((out / "images").iterdir())[0]
    victim.unlink()
    edited = mine(METHOD.replace("STEP", "-1"))
    summary = run_method(PROTOCOL, edited, out=out, data=data, accept_edited=True)
    assert summary.done_now == 1
    record = score_run(out, judges="embedded").record
    assert record.digests.method_code is None
    assert any("edited" in note for note in record.notes)


def test_code_that_does_not_belong_to_a_method_does_not_change_its_digest(mine) -> None:
    one = method_code(mine(METHOD.replace("STEP", "1")))
    assert one == method_code(mine(METHOD.replace("STEP", "1")))
    assert one != method_code(mine(METHOD.replace("STEP", "2")))
    assert method_code(create("copy-source")) == method_code(create("black"))  # one folder
    assert method_code(create("copy-source")) != method_code(create("landmark-warp"))


@pytest.fixture
def colour_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dgbench.engine.score.scorer.load_judges", lambda name, weights=None: ColourJudges())


@pytest.mark.usefixtures("colour_judges")
def test_a_replaced_photograph_is_refused_by_name(tmp_path: Path, frll_copy) -> None:
    data, out = frll_copy(8), tmp_path / "run"
    run_method(PROTOCOL, create("copy-source"), out=out, data=data)
    photo = sorted(data.rglob("*_03.jpg"))[0]
    image = cv2.imread(str(photo))
    cv2.imwrite(str(photo), 255 - image)
    with pytest.raises(UsageError, match=r"image frll/\d+/03 is not the one that the run was made from"):
        score_run(out, judges="embedded")


@pytest.mark.usefixtures("colour_judges")
def test_a_record_names_the_pixels_in_and_out(tmp_path: Path, frll_copy) -> None:
    data, out = frll_copy(8), tmp_path / "run"
    run_method(PROTOCOL, create("copy-source"), out=out, data=data)
    record = score_run(out, judges="embedded").record
    seen = recorded_inputs(RunFolder(out))
    assert record.digests.inputs == root_digest(seen)
    lines = [json.loads(line) for line in (out / "journal" / "1-of-1.jsonl").read_text().splitlines()]
    assert record.digests.outputs == root_digest({line["pair_id"]: line["sha256"] for line in lines})
    assert record.digests.judges is not None


def test_a_target_is_not_shown_where_there_is_none(tmp_path: Path, monkeypatch, frll_copy) -> None:
    import dgbench.engine.run.runner as runner

    real = runner.open_data

    def without_targets(*args, **kwargs):
        from dataclasses import replace

        opened = real(*args, **kwargs)
        return replace(opened, pairs=[pair.model_copy(update={"target": None}) for pair in opened.pairs])

    monkeypatch.setattr(runner, "open_data", without_targets)
    with pytest.raises(UsageError, match="needs the target, and no pair of frll-cross@1 has one"):
        run_method(PROTOCOL, create("blurred-target"), out=tmp_path / "run", data=frll_copy(8))
    assert not (tmp_path / "run").exists()


def test_observations_are_kept_by_the_code_that_made_them(monkeypatch: pytest.MonkeyPatch) -> None:
    before = judged_by(["identity:net:00"], roles=["identity"])
    assert before == judged_by(["identity:net:00"], roles=["identity"])
    monkeypatch.setattr(judging, "own_code", lambda *rooms: "edited")
    edited = judged_by(["identity:net:00"], roles=["identity"])
    monkeypatch.undo()
    monkeypatch.setattr(judging, "library_versions", lambda *names: {"onnxruntime": "0.0"})
    assert len({before, edited, judged_by(["identity:net:00"], roles=["identity"])}) == 3


def test_a_digest_of_pixels_tells_shapes_apart() -> None:
    flat = np.zeros((4, 6, 3), np.uint8)
    assert pixel_digest(flat) != pixel_digest(flat.reshape(6, 4, 3))
    assert pixel_digest(flat) == pixel_digest(np.asfortranarray(flat))


def test_parts_that_saw_other_pixels_are_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.inputs.mkdir()
    for name, value in (("1-of-2", "a" * 64), ("2-of-2", "b" * 64)):
        (folder.inputs / f"{name}.jsonl").write_text(json.dumps({"key": "k", "sha256": value}) + "\n")
    with pytest.raises(UsageError, match="saw different pixels of image k"):
        recorded_inputs(folder)


def test_nothing_is_scored_of_a_run_without_results(tmp_path: Path, frll_copy, monkeypatch) -> None:
    monkeypatch.setattr("dgbench.engine.score.scorer.load_judges", lambda name, weights=None: ColourJudges())
    run_method(PROTOCOL, create("copy-source"), out=tmp_path / "run", data=frll_copy(8))
    for file in (tmp_path / "run" / "journal").glob("*.jsonl"):
        file.write_text("")
    with pytest.raises(WorkFailedError, match="have no result yet"):
        score_run(tmp_path / "run", judges="embedded")
    with pytest.raises(UsageError, match="nothing to score"):
        score_run(tmp_path / "run", judges="embedded", partial=True)
