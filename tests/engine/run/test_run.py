"""Running: resumable, sharded, every failure kept; a run folder belongs to one run."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from dgbench.core.errors import MissingError, UsageError, WorkFailedError
from dgbench.core.face import Failure, Image
from dgbench.engine.run.budget import FailureBudget
from dgbench.engine.run.data import open_data
from dgbench.engine.run.interrupt import StoppedError, graceful_stop
from dgbench.engine.run.plan import RunFolder, Shard, read_plan
from dgbench.engine.run.runner import RunSummary, run_method
from dgbench.engine.run.state import journal_state, undone
from dgbench.engine.score.run_images import RunImages
from dgbench.io.images import read_image
from dgbench.methods.contract import LoadContext, Need, Reenactor, Task
from dgbench.methods.registry import create
from dgbench.protocols.registry import load_protocol

PROTOCOL = load_protocol("frll-cross@1")
MakeCopy = Callable[..., Path]


def _run(out: Path, data: Path, method: Reenactor | str = "copy-source", **options: object) -> RunSummary:
    chosen = create(method) if isinstance(method, str) else method
    return run_method(PROTOCOL, chosen, out=out, data=data, **options)  # type: ignore[arg-type]


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "images").iterdir())}


class Scripted(Reenactor):
    """Shows noise drawn from the pair's seed, but does what ``script`` says at some pairs."""

    name = "scripted"
    needs: ClassVar[frozenset[Need]] = frozenset({"source"})
    batch_size = 4

    def __init__(self, script: Callable[[int, Task], Image | Failure | None] | None = None) -> None:
        self.script, self.calls = script, 0

    def reenact(self, tasks: Sequence[Task]) -> list[Image | Failure]:
        answers = []
        for task in tasks:
            special = self.script(self.calls, task) if self.script else None
            self.calls += 1
            noise = np.random.default_rng(task.seed).integers(0, 256, (256, 256, 3), dtype=np.uint8)
            answers.append(noise if special is None else special)
        return answers


def test_a_run_covers_what_the_copy_holds_and_says_so(tmp_path: Path, frll_copy: MakeCopy) -> None:
    data = frll_copy(12)
    summary = _run(tmp_path / "run", data)
    opened = open_data(PROTOCOL, data)
    assert (summary.expected, summary.covered) == (792, len(opened.pairs))
    assert summary.generated == summary.planned == len(opened.pairs) > 0
    assert summary.failed == {}
    assert len(opened.missing) == 792 - len(opened.pairs)
    pair = opened.pairs[0]
    shown = read_image(RunFolder(tmp_path / "run").image(pair.pair_id))
    assert np.array_equal(shown, opened.source.image(pair.source))


def test_shards_in_any_layout_give_the_same_images_as_one_process(tmp_path: Path, frll_copy: MakeCopy) -> None:
    data = frll_copy(12)
    _run(tmp_path / "one", data, Scripted())
    for index in (3, 1, 2):
        method = Scripted()
        method.batch_size = index
        _run(tmp_path / "three", data, method, shard=Shard(index, 3))
    assert _bytes(tmp_path / "one") == _bytes(tmp_path / "three")
    whole = journal_state(RunFolder(tmp_path / "one"))
    parts = journal_state(RunFolder(tmp_path / "three"))
    assert {k: v["sha256"] for k, v in whole.items()} == {k: v["sha256"] for k, v in parts.items()}


def test_an_interrupt_finishes_the_batch_and_the_same_command_goes_on(tmp_path: Path, frll_copy: MakeCopy) -> None:
    data = frll_copy(12)
    _run(tmp_path / "whole", data, Scripted())

    def interrupt(call: int, task: Task) -> None:
        if call == 5:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(WorkFailedError, match=r"interrupted after 8 of .*same command"):
        _run(tmp_path / "cut", data, Scripted(interrupt))
    assert len(_bytes(tmp_path / "cut")) == 8
    rest = Scripted()
    _run(tmp_path / "cut", data, rest)
    assert rest.calls == len(_bytes(tmp_path / "whole")) - 8
    assert _bytes(tmp_path / "cut") == _bytes(tmp_path / "whole")
    again = Scripted()
    _run(tmp_path / "cut", data, again)
    assert again.calls == 0


class Patient(Scripted):
    """Ctrl-C comes while its model is loaded."""

    name = "patient"

    def load(self, context: LoadContext) -> None:
        os.kill(os.getpid(), signal.SIGINT)


def test_a_stop_asked_while_the_model_is_loaded_is_not_forgotten(tmp_path: Path, frll_copy: MakeCopy) -> None:
    data, method = frll_copy(12), Patient()
    with graceful_stop() as stop, pytest.raises(StoppedError, match="interrupted after 0 of"):
        _run(tmp_path / "run", data, method)
    assert stop.asked and method.calls == 0
    with graceful_stop() as stop:
        assert not stop.asked, "a stop is over with the outermost block"


def test_an_image_lost_after_the_run_is_made_again(tmp_path: Path, frll_copy: MakeCopy) -> None:
    data = frll_copy(12)
    _run(tmp_path / "run", data, Scripted())
    before = _bytes(tmp_path / "run")
    next(iter((tmp_path / "run" / "images").iterdir())).unlink()
    method = Scripted()
    _run(tmp_path / "run", data, method)
    assert method.calls == 1
    assert _bytes(tmp_path / "run") == before


def test_a_pair_made_again_under_another_cut_is_the_image_in_the_folder(tmp_path: Path, frll_copy: MakeCopy) -> None:
    """The older cut's journal comes last by name, and its line is of an image that is gone."""
    data, folder = frll_copy(12), RunFolder(tmp_path / "run")
    pairs = open_data(PROTOCOL, data).pairs
    for index in (1, 2):
        _run(folder.root, data, Scripted(), shard=Shard(index, 2))
    again = pairs[0]
    folder.image(again.pair_id).unlink()
    white = np.full((256, 256, 3), 255, np.uint8)
    _run(folder.root, data, Scripted(lambda call, task: white))
    assert undone(folder, pairs) == []
    shown = RunImages(folder, open_data(PROTOCOL, data)).generated(again)
    assert np.array_equal(shown, white)  # type: ignore[arg-type]


def test_every_way_to_fail_is_one_counted_pair(tmp_path: Path, frll_copy: MakeCopy) -> None:
    bad: dict[int, object] = {
        1: Failure("timeout", "too slow"),
        2: np.zeros((128, 128, 3), np.uint8),
        3: np.zeros((256, 256, 3), np.float32),
        4: "not an image",
    }
    method = Scripted(lambda call, task: bad.get(call))  # type: ignore[arg-type,return-value]
    summary = _run(tmp_path / "run", frll_copy(12), method)
    assert summary.failed == {"timeout": 1, "wrong-size": 1, "error": 2}
    assert summary.generated == summary.planned - 4
    assert summary.complete
    retried = Scripted()
    healed = _run(tmp_path / "run", tmp_path / "frll", retried, retry_failed=True)
    assert (retried.calls, healed.failed, healed.generated) == (4, {}, healed.planned)


def test_a_method_that_raises_fails_that_pair_alone_and_the_run_goes_on(tmp_path: Path, frll_copy: MakeCopy) -> None:
    data = frll_copy(12)
    guilty = open_data(PROTOCOL, data).pairs[6].pair_id

    def crash(call: int, task: Task) -> None:
        if task.pair_id == guilty:
            raise RuntimeError("out of\nmemory")

    summary = _run(tmp_path / "run", data, Scripted(crash))
    assert summary.failed == {"error": 1}
    assert summary.generated == summary.planned - 1
    line = journal_state(RunFolder(tmp_path / "run"))[guilty]
    assert (line["kind"], line["message"]) == ("error", "RuntimeError: out of memory")


def test_a_corrupt_photograph_among_good_ones_costs_its_pairs_alone(tmp_path: Path, frll_copy: MakeCopy) -> None:
    data = frll_copy(12)
    broken = sorted((data / "neutral_front").iterdir())[0]
    broken.write_bytes(broken.read_bytes()[:200])
    person = broken.name[:3]
    summary = _run(tmp_path / "run", data)
    touched = [p for p in open_data(PROTOCOL, data).pairs if p.source == f"frll/{person}/03"]
    assert summary.failed == {"unreadable": len(touched)}
    message = next(v["message"] for v in journal_state(RunFolder(tmp_path / "run")).values() if v["status"] == "failed")
    assert broken.name in message


def test_a_folder_holds_one_run(tmp_path: Path, frll_copy: MakeCopy) -> None:
    data = frll_copy(12)
    _run(tmp_path / "run", data)
    with pytest.raises(UsageError, match=r"holds another run, different in method"):
        _run(tmp_path / "run", data, "copy-reference")
    with pytest.raises(UsageError, match="different in seed"):
        _run(tmp_path / "run", data, seed=1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match="is not empty and holds no run"):
        _run(tmp_path / "mine", data)
    assert [p.name for p in (tmp_path / "mine").iterdir() if not p.name.startswith(".")] == ["thesis.tex"]


def test_missing_and_wrong_data_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingError, match="DGBENCH_DATA_FRLL"):
        _run(tmp_path / "run", None)  # type: ignore[arg-type]
    with pytest.raises(MissingError, match="no such folder"):
        _run(tmp_path / "run", tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no photograph of the London set"):
        _run(tmp_path / "run", tmp_path / "empty")
    monkeypatch.setenv("DGBENCH_DATA_FRLL", str(tmp_path / "empty"))
    with pytest.raises(UsageError, match="no photograph of the London set"):
        _run(tmp_path / "run", None)  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()


class Tinted(Scripted):
    """Its tint is a setting; one loaded lazily knows it only once it is loaded."""

    name = "tinted"

    def __init__(self, tint: int, *, lazy: bool = False) -> None:
        super().__init__(lambda call, task: np.full((256, 256, 3), tint, np.uint8))
        self.tint, self.lazy, self.loads = tint, lazy, 0

    def load(self, context: LoadContext) -> None:
        self.loads += 1

    def parameters(self) -> dict[str, str | int | float | bool]:
        if self.lazy and not self.loads:
            raise AttributeError("not loaded yet")
        return {"tint": self.tint}


@pytest.mark.parametrize("lazy", [False, True])
def test_a_finished_run_is_no_other_configurations_run(tmp_path: Path, frll_copy: MakeCopy, lazy: bool) -> None:
    data = frll_copy(12)
    _run(tmp_path / "run", data, Tinted(10, lazy=lazy))
    before = _bytes(tmp_path / "run")
    with pytest.raises(UsageError, match=r"another run, different in method_digest .*parameters"):
        _run(tmp_path / "run", data, Tinted(200, lazy=lazy))
    moving = Tinted(10, lazy=lazy)
    moving.motion = "relative"  # type: ignore[misc]
    with pytest.raises(UsageError, match="different in motion"):
        _run(tmp_path / "run", data, moving)
    same = Tinted(10, lazy=lazy)
    assert _run(tmp_path / "run", data, same).complete
    assert (same.calls, same.loads) == (0, int(lazy)), "what can be told without loading is told without it"
    assert _bytes(tmp_path / "run") == before


def test_a_copy_that_covers_no_pair_is_named_wherever_its_folder_came_from(
    tmp_path: Path, frll_copy: MakeCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = frll_copy(1)
    monkeypatch.setenv("DGBENCH_DATA_FRLL", str(data))
    with pytest.raises(UsageError, match=f"^{data}: covers none of the 792 pairs"):
        _run(tmp_path / "run", None)  # type: ignore[arg-type]


def test_a_run_remembers_its_data_wherever_it_is_looked_at_from(
    tmp_path: Path, frll_copy: MakeCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    frll_copy(12)
    monkeypatch.chdir(tmp_path)
    _run(tmp_path / "run", Path("frll"))
    assert read_plan(RunFolder(tmp_path / "run")).data == str(tmp_path / "frll")


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_under_one_is_refused(tmp_path: Path, frll_copy: MakeCopy, limit: int) -> None:
    with pytest.raises(UsageError, match=f"limit {limit}"):
        _run(tmp_path / "run", frll_copy(12), limit=limit)
    assert not (tmp_path / "run").exists()


def test_a_limited_run_is_not_the_protocols_pair_set(tmp_path: Path, frll_copy: MakeCopy) -> None:
    summary = _run(tmp_path / "run", frll_copy(12), limit=3)
    assert summary.generated == 3


@pytest.mark.parametrize("bad", ["", "0/2", "3/2", "a/b", "1", "1/2/3", "-1/2"])
def test_shards_are_written_i_of_n(bad: str) -> None:
    with pytest.raises(UsageError, match="write I/N"):
        Shard.parse(bad)


def test_every_pair_is_in_exactly_one_shard() -> None:
    pairs = PROTOCOL.pairs()
    assert all(sum(Shard(i, 5).owns(pair) for i in range(1, 6)) == 1 for pair in pairs)


def test_the_failure_budget_is_a_count_or_a_share(tmp_path: Path) -> None:
    FailureBudget.parse("2").check(2, 10, where=tmp_path)
    FailureBudget.parse("20%").check(2, 10, where=tmp_path)
    with pytest.raises(WorkFailedError, match="3 of 10 pairs failed"):
        FailureBudget.parse("20%").check(3, 10, where=tmp_path)
    for percent in range(101):
        FailureBudget.parse(f"{percent}%").check(percent, 100, where=tmp_path)
    with pytest.raises(WorkFailedError, match="30 of 100 pairs failed"):
        FailureBudget.parse("29.9%").check(30, 100, where=tmp_path)
    for bad in ("x", "-1", "101%", "%"):
        with pytest.raises(UsageError, match="--max-failures"):
            FailureBudget.parse(bad)
