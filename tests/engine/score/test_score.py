"""Scoring: records written last, failures at the floor, sanity baselines in their places, outputs folders taken in."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from colour_judges import ColourJudges

from dgbench.core.errors import MissingError, UsageError, WorkFailedError
from dgbench.core.record import Record
from dgbench.engine.quickstart import QUICK
from dgbench.engine.run.data import open_data
from dgbench.engine.run.outputs import Adopted, adopt_outputs
from dgbench.engine.run.plan import RunFolder
from dgbench.engine.run.runner import run_method
from dgbench.engine.score.scorer import _readable, score_run
from dgbench.methods.registry import create
from dgbench.protocols.registry import load_protocol
from dgbench.results.records.store import read_record

PROTOCOL = load_protocol("frll-cross@1")
MakeCopy = Callable[..., Path]


@pytest.fixture
def colour_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dgbench.engine.score.scorer.load_judges", lambda name, weights=None: ColourJudges())


def _scored(data: Path, out: Path, method: str, **options: object) -> Record:
    run_method(PROTOCOL, create(method), out=out, data=data, **options)  # type: ignore[arg-type]
    return score_run(out, judges="embedded").record


def _value(record: Record, name: str) -> float:
    value = next(v for v in record.metrics if v.name == name).value
    assert value is not None
    return value


@pytest.mark.usefixtures("colour_judges")
@pytest.mark.slow
def test_sanity_baselines_stand_where_they_must(tmp_path: Path, frll_copy: MakeCopy) -> None:
    data = frll_copy(14)
    records = {name: _scored(data, tmp_path / name, name) for name in QUICK}
    assert _value(records["target"], "ssim") == pytest.approx(1.0, abs=1e-9)
    assert max(QUICK, key=lambda name: _value(records[name], "csim")) == "copy-source"
    assert _value(records["target"], "ssim") > _value(records["blurred-target"], "ssim")
    assert _value(records["copy-source"], "csim") > _value(records["copy-reference"], "csim")
    black = next(v for v in records["black"].metrics if v.name == "csim")
    assert (black.n_scored, black.failures) == (0, {"no-face": black.n_expected})
    assert black.value == black.card.floor
    assert black.measured_only is None
    for record in records.values():
        assert not record.coverage.complete  # a part of the people is not the protocol's pair set
        assert record.coverage.expected == 792


@pytest.mark.usefixtures("colour_judges")
def test_the_record_is_written_last_and_scoring_again_gives_the_same(tmp_path: Path, frll_copy: MakeCopy) -> None:
    data = frll_copy(12)
    first = _scored(data, tmp_path / "run", "copy-source")
    folder = tmp_path / "run" / "scores" / "embedded"
    table = (folder / "pair_scores.parquet").read_bytes()
    second = score_run(tmp_path / "run", judges="embedded").record
    assert second.run_id == first.run_id
    assert second.metrics == first.metrics
    assert (folder / "pair_scores.parquet").read_bytes() == table
    assert read_record(folder).run_id == first.run_id
    frame = pd.read_parquet(folder / "pair_scores.parquet")
    assert frame["pair_id"].tolist() == [pair.pair_id for pair in open_data(PROTOCOL, data).pairs]
    assert np.mean(frame["ssim"]) == pytest.approx(_value(first, "ssim"))


@pytest.mark.usefixtures("colour_judges")
def test_a_failed_pair_lowers_the_headline_and_not_the_value_beside_it(tmp_path: Path, frll_copy: MakeCopy) -> None:
    data = frll_copy(12)
    whole = _scored(data, tmp_path / "run", "target")
    victim = sorted((tmp_path / "run" / "images").iterdir())[0]
    cv2.imwrite(str(victim), np.zeros((256, 256, 3), np.uint8))  # not the image that the journal knows
    hurt = score_run(tmp_path / "run", judges="embedded").record
    ssim = next(v for v in hurt.metrics if v.name == "ssim")
    assert ssim.failures == {"unreadable": 1}
    assert ssim.value == pytest.approx((ssim.n_expected - 1) / ssim.n_expected)
    assert ssim.measured_only == pytest.approx(1.0)
    assert hurt.run_id != whole.run_id


@pytest.mark.usefixtures("colour_judges")
def test_a_run_that_stopped_half_way_is_not_scored_as_if_the_rest_had_failed(
    tmp_path: Path, frll_copy: MakeCopy
) -> None:
    from dgbench.engine.run.plan import Shard

    with pytest.raises(WorkFailedError, match=r"have no result yet .*go on, or score what is there with --partial"):
        _scored(frll_copy(12), tmp_path / "run", "target", shard=Shard(1, 2))
    part = score_run(tmp_path / "run", judges="embedded", partial=True).record
    ssim = next(value for value in part.metrics if value.name == "ssim")
    assert 0 < ssim.n_expected == part.coverage.generated < part.coverage.found
    assert ssim.value == pytest.approx(1.0)  # what was not tried is no failure
    assert not part.coverage.complete


@pytest.mark.usefixtures("colour_judges")
def test_a_photograph_that_cannot_be_read_leaves_its_pairs_uncovered(tmp_path: Path, frll_copy: MakeCopy) -> None:
    data = frll_copy(12)
    pairs = open_data(PROTOCOL, data).pairs
    key = str(pairs[0].target)
    run_method(PROTOCOL, create("copy-reference"), out=tmp_path / "run", data=data)
    _, person, view = key.split("/")
    file = next(data.rglob(f"{person}_{view}.jpg"))
    file.write_bytes(file.read_bytes()[:300])
    record = score_run(tmp_path / "run", judges="embedded").record
    lost = sum(key in pair.keys for pair in pairs)
    assert lost > 0
    assert record.coverage.found == len(pairs) - lost
    assert all(value.n_expected == len(pairs) - lost for value in record.metrics)
    assert any(file.name in note for note in record.notes)
    assert not record.coverage.complete


@pytest.mark.usefixtures("colour_judges")
@pytest.mark.parametrize(("people", "limit"), [(14, None), (14, 3), (10, None)])
@pytest.mark.slow
def test_a_copy_that_covers_other_pairs_than_the_run_is_refused(
    tmp_path: Path, frll_copy: MakeCopy, people: int, limit: int | None
) -> None:
    """With more people the method was never asked for the new pairs, and the first three are other ones."""
    first = _scored(frll_copy(12), tmp_path / "run", "target", limit=limit)
    other = frll_copy(people, name="other")
    with pytest.raises(UsageError, match=r"made for other pairs than the \d+ that this copy .*--data"):
        score_run(tmp_path / "run", judges="embedded", data=other)
    again = score_run(tmp_path / "run", judges="embedded", data=frll_copy(12, name="moved")).record
    assert again.run_id == first.run_id


def test_an_image_is_looked_at_once_for_all_its_pairs(frll_copy: MakeCopy, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_data(PROTOCOL, frll_copy(12))
    asked = Counter[str]()
    monkeypatch.setattr(opened.source, "problem", lambda key: asked.update([key]))
    kept, _ = _readable(opened.pairs, opened)
    assert kept == opened.pairs
    assert set(asked.values()) == {1}


@pytest.mark.usefixtures("colour_judges")
def test_a_limited_run_is_never_complete(tmp_path: Path, frll_copy: MakeCopy) -> None:
    record = _scored(frll_copy(12), tmp_path / "run", "target", limit=3)
    assert record.coverage.pair_set != record.coverage.protocol_pair_set
    assert "only the first 3 pairs (--limit)" in record.notes


def test_missing_judges_are_exit_3_and_nothing_is_written(tmp_path: Path, frll_copy: MakeCopy) -> None:
    run_method(PROTOCOL, create("target"), out=tmp_path / "run", data=frll_copy(12))
    with pytest.raises(MissingError, match=r"yunet.*DGBENCH_WEIGHTS"):
        score_run(tmp_path / "run", judges="open")
    assert not (tmp_path / "run" / "scores").exists()


def test_not_a_run_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a run folder"):
        score_run(tmp_path, judges="open")
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(UsageError, match="damaged"):
        score_run(tmp_path, judges="open")


@pytest.mark.usefixtures("colour_judges")
def test_a_run_of_a_changed_protocol_is_refused(tmp_path: Path, frll_copy: MakeCopy) -> None:
    run_method(PROTOCOL, create("target"), out=tmp_path / "run", data=frll_copy(12))
    plan = json.loads((tmp_path / "run" / "run.json").read_text())
    (tmp_path / "run" / "run.json").write_text(json.dumps({**plan, "protocol_digest": "0" * 64}))
    with pytest.raises(UsageError, match="another version"):
        score_run(tmp_path / "run", judges="embedded")


@pytest.mark.usefixtures("colour_judges")
def test_anybodys_images_become_a_run_with_every_flaw_counted(tmp_path: Path, frll_copy: MakeCopy) -> None:
    data = frll_copy(12)
    opened = open_data(PROTOCOL, data)
    run_method(PROTOCOL, create("target"), out=tmp_path / "made", data=data)
    outputs = tmp_path / "outputs"
    shutil.copytree(RunFolder(tmp_path / "made").images, outputs)
    files = sorted(outputs.iterdir())
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:100])
    cv2.imwrite(str(files[2]), np.zeros((128, 128, 3), np.uint8))
    (outputs / "holiday.png").write_bytes(files[3].read_bytes())
    (outputs / "notes.txt").write_text("x")
    adopted = adopt_outputs(PROTOCOL, opened, outputs, method="mine", out=tmp_path / "run", data=data)
    assert adopted.failed == {"missing": 1, "unreadable": 1, "wrong-size": 1}
    assert adopted.taken == len(opened.pairs) - 3
    assert adopted.unmatched == ["holiday.png"]
    record = score_run(tmp_path / "run", judges="embedded").record
    assert record.method.name == "mine"
    assert record.coverage.failed == adopted.failed
    assert record.coverage.generated == adopted.taken


@pytest.mark.usefixtures("colour_judges")
@pytest.mark.slow
def test_images_taken_in_again_are_looked_at_again(tmp_path: Path, frll_copy: MakeCopy) -> None:
    data, outputs = frll_copy(12), tmp_path / "outputs"
    opened = open_data(PROTOCOL, data)
    _scored(data, tmp_path / "made", "copy-reference")
    shutil.copytree(RunFolder(tmp_path / "made").images, outputs)
    options = {"method": "mine", "out": tmp_path / "run", "data": data}
    adopt_outputs(PROTOCOL, opened, outputs, training_data=("A",), **options)  # type: ignore[arg-type]
    first = score_run(tmp_path / "run", judges="embedded").record
    adopt_outputs(PROTOCOL, opened, outputs, training_data=("A",), **options)  # type: ignore[arg-type]
    assert score_run(tmp_path / "run", judges="embedded").record.run_id == first.run_id
    assert (tmp_path / "run/journal/1-of-1.jsonl").read_text().count("\n") == len(opened.pairs)

    better = _scored(data, tmp_path / "better", "target")
    shutil.copytree(RunFolder(tmp_path / "better").images, outputs, dirs_exist_ok=True)
    adopt_outputs(PROTOCOL, opened, outputs, training_data=("B",), **options)  # type: ignore[arg-type]
    second = score_run(tmp_path / "run", judges="embedded").record
    assert _value(second, "ssim") == _value(better, "ssim") != _value(first, "ssim")
    assert (first.method.training_data, second.method.training_data) == (("A",), ("B",))

    gone = opened.pairs[0].pair_id
    (outputs / f"{gone}.png").unlink()
    adopted = adopt_outputs(PROTOCOL, opened, outputs, **options)  # type: ignore[arg-type]
    assert (adopted.taken, adopted.failed) == (len(opened.pairs) - 1, {"missing": 1})
    assert not RunFolder(tmp_path / "run").image(gone).exists()
    shutil.copy(RunFolder(tmp_path / "better").image(gone), outputs)
    assert adopt_outputs(PROTOCOL, opened, outputs, **options).failed == {}  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "inside"), [("zip", ""), ("gztar", "mine"), ("tar", "")])
def test_an_archive_of_images_is_taken_in_like_its_folder(
    tmp_path: Path, frll_copy: MakeCopy, kind: str, inside: str
) -> None:
    data = frll_copy(12)
    opened = open_data(PROTOCOL, data)
    run_method(PROTOCOL, create("target"), out=tmp_path / "made", data=data)
    images = RunFolder(tmp_path / "made").images
    packed = tmp_path / "packed" / inside
    shutil.copytree(images, packed)
    (packed / f"{opened.pairs[0].pair_id}.png").write_bytes(b"\x89PNG")
    archive = Path(shutil.make_archive(str(tmp_path / "mine"), kind, root_dir=tmp_path / "packed"))
    for name, outputs in (("folder", packed), ("archive", archive)):
        adopted = adopt_outputs(PROTOCOL, opened, outputs, method="mine", out=tmp_path / "runs" / name, data=data)
        assert adopted == Adopted(taken=len(opened.pairs) - 1, failed={"unreadable": 1}, unmatched=[])
    for part in ("images", "journal"):
        found = [
            {path.name: path.read_bytes() for path in (tmp_path / "runs" / name / part).glob("*.*") if path.is_file()}
            for name in ("folder", "archive")
        ]
        assert found[0] == found[1], "the archive leaves the same images and journal"
        assert found[0]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["archive", "folder"]


def test_an_unsafe_or_swollen_archive_of_images_is_refused_whole(tmp_path: Path, frll_copy: MakeCopy) -> None:
    opened = open_data(PROTOCOL, frll_copy(12))
    opened = replace(opened, pairs=opened.pairs[:4], missing=[])
    first = opened.pairs[0].pair_id
    for members, words in (
        ({f"{first}.png": b"x", "../../up.png": b"x"}, "outside the folder"),
        ({f"{first}.png": bytes(100 << 20)}, "unpacks to more than"),
        ({f"{number}.png": b"" for number in range(1200)}, "files; refused"),
        ({"holiday.png": b"x"}, "mine.zip: no image is named after a pair"),
    ):
        with zipfile.ZipFile(tmp_path / "mine.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        with pytest.raises(UsageError, match=words):
            adopt_outputs(PROTOCOL, opened, tmp_path / "mine.zip", method="mine", out=tmp_path / "runs/a", data=None)
        assert not list((tmp_path / "runs").iterdir())
        assert not (tmp_path.parent / "up.png").exists()


def test_outputs_of_another_protocol_or_twice_are_refused(tmp_path: Path, frll_copy: MakeCopy) -> None:
    opened = open_data(PROTOCOL, frll_copy(12))
    options = {"method": "mine", "out": tmp_path / "run", "data": None}
    with pytest.raises(UsageError, match="no such folder"):
        adopt_outputs(PROTOCOL, opened, tmp_path / "none", **options)  # type: ignore[arg-type]
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "frame_0001.png").write_bytes(b"")
    with pytest.raises(UsageError, match="no image is named after a pair"):
        adopt_outputs(PROTOCOL, opened, tmp_path / "o", **options)  # type: ignore[arg-type]
    for suffix in ("png", "jpg"):
        (tmp_path / "o" / f"{opened.pairs[0].pair_id}.{suffix}").write_bytes(b"")
    with pytest.raises(UsageError, match="has two images"):
        adopt_outputs(PROTOCOL, opened, tmp_path / "o", **options)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="--method"):
        adopt_outputs(PROTOCOL, opened, tmp_path / "o", **{**options, "method": "../up"})  # type: ignore[arg-type]
    formula = {**options, "training_data": ("=1+1",)}
    (tmp_path / "o" / f"{opened.pairs[0].pair_id}.jpg").unlink()
    with pytest.raises(UsageError, match="--trained-on"):
        adopt_outputs(PROTOCOL, opened, tmp_path / "o", **formula)  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_line_on_real_faces(assets: Path, tmp_path: Path) -> None:
    """Six sanity baselines on photographs, judged by real networks: each stands where it must."""
    people = sorted({path.name[:3] for path in (assets / "frll" / "neutral_front").glob("*.jpg")})[:24]
    for view in ("neutral_front", "smiling_front"):
        (tmp_path / "frll" / view).mkdir(parents=True)
        for path in (assets / "frll" / view).glob("*.jpg"):
            if path.name[:3] in people:
                (tmp_path / "frll" / view / path.name).symlink_to(path)
    records = {}
    for name in QUICK:
        run_method(PROTOCOL, create(name), out=tmp_path / name, data=tmp_path / "frll")
        records[name] = score_run(tmp_path / name, judges="open", weights=assets / "nets").record
    csim = {name: _value(record, "csim") for name, record in records.items()}
    assert _value(records["target"], "ssim") == pytest.approx(1.0, abs=1e-9)
    assert sorted(csim, key=lambda name: -csim[name])[:2] == ["copy-source", "target"]
    assert csim["copy-source"] == pytest.approx(1.0, abs=1e-5)
    assert csim["target"] > 0.8
    assert abs(csim["copy-reference"]) < 0.15
    assert abs(csim["shuffled"]) < 0.15
    assert csim["black"] == -1.0
    assert _value(records["copy-reference"], "pose") < 0.5
    assert _value(records["black"], "detection") == 0.0


@pytest.mark.usefixtures("colour_judges")
def test_a_metric_with_its_own_network_is_measured_where_it_is_asked_for(tmp_path: Path, frll_copy: MakeCopy) -> None:
    from onnx import TensorProto, helper, save

    out = tmp_path / "run"
    plain = _scored(frll_copy(10), out, "copy-source")
    with pytest.raises(MissingError, match=r"ir50_ms1m_epoch120\.onnx"):
        score_run(out, judges="embedded", also=["paper/csim-ir50"], weights=tmp_path)
    nodes = [
        helper.make_node("AveragePool", ["x"], ["p"], kernel_shape=[56, 56], strides=[56, 56]),
        helper.make_node("Flatten", ["p"], ["y"]),
    ]
    sides = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", [1, 3, 112, 112]), ("y", [1, 12]))
    ]
    graph = helper.make_graph(nodes, "means", sides[:1], sides[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    save(model, str(tmp_path / "ir50_ms1m_epoch120.onnx"))
    more = score_run(out, judges="embedded", also=["paper/csim-ir50"], weights=tmp_path).record
    assert [v.name for v in plain.metrics] == [v.name for v in more.metrics if v.name != "paper/csim-ir50"]
    assert _value(more, "paper/csim-ir50") == pytest.approx(1.0)  # a copy of the source
    assert next(v for v in more.metrics if v.name == "paper/csim-ir50").card.compat
