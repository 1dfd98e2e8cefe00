"""A protocol's inputs as plain files: every kind of data, going on after a stop, and what is refused."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from analytic_head import analytic_head
from drawn_frll import make_copy
from PIL import Image as Pillow
from said import Verb

from dgbench.core.errors import UsageError
from dgbench.core.pair import Pair
from dgbench.engine.run.data import open_data
from dgbench.io.images import ImageError, decode, encode_png, says_rendered
from dgbench.protocols.export import export_pairs, file_names
from dgbench.protocols.registry import load_protocol, training_part
from dgbench.synthface.sets import live
from dgbench.synthface.sets.mini import MiniStore

MINI = load_protocol("synthface-mini-cross@2")


def _rows(out: Path) -> list[dict[str, str]]:
    with (out / "pairs.csv").open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def _pixels(file: Path) -> np.ndarray:
    return decode(file.read_bytes(), where=str(file))


def test_the_packaged_set_comes_out_with_its_landmarks_and_no_target(tmp_path: Path, verb: Verb) -> None:
    out = tmp_path / "export"
    said = verb("protocols", "export", "synthface-mini-cross", "--out", out, "--json")
    told = json.loads(said.out)
    assert said.code == 0 and (told["pairs"], told["images"], told["landmarks"]) == (384, 192, 192)
    store, pairs, rows = MiniStore(), {pair.pair_id: pair for pair in MINI.pairs()}, _rows(out)
    assert [row["pair_id"] for row in rows] == list(pairs)
    assert list(rows[0]) == ["pair_id", "source", "reference", "source_landmarks", "reference_landmarks"]
    for row in rows[::37]:
        pair = pairs[row["pair_id"]]
        assert np.array_equal(_pixels(out / row["source"]), store.image(pair.source))
        assert np.array_equal(_pixels(out / row["reference"]), store.image(pair.reference))
        points = np.array(json.loads((out / row["reference_landmarks"]).read_text()))
        assert np.abs(points - store.landmarks(pair.reference).points).max() < 1e-4
    with Pillow.open(out / rows[0]["source"]) as picture:
        assert says_rendered(picture)
    listed = {row["key"] for row in csv.DictReader((out / "images.csv").open())}
    assert len(listed) == 192 and not listed & {pair.target for pair in pairs.values()}
    assert "dgbench score --protocol synthface-mini-cross@2 --outputs IMAGES" in (out / "README.md").read_text()


@pytest.mark.slow
def test_targets_and_the_training_part_come_on_request(tmp_path: Path, verb: Verb) -> None:
    out = tmp_path / "train"
    told = verb("protocols", "export", MINI.protocol.name, "--out", out, "--split", "train", "--with-targets", "--json")
    assert json.loads(told.out)["protocol"] == "synthface-mini-train@1"
    rows = _rows(out)
    assert len(rows) == 5376 and all((out / rows[0][name]).is_file() for name in ("source", "reference", "target"))
    assert {row["source"].split("/")[2] for row in rows} == {f"s{number:04d}" for number in range(1, 129)}
    readme = (out / "README.md").read_text()
    assert "--protocol synthface-mini-cross@2" in readme and "--trained-on synthface-mini-train@1" in readme


def test_a_raw_copy_comes_out_in_the_protocols_crop_and_goes_on_after_a_stop(tmp_path: Path, verb: Verb) -> None:
    data, out = make_copy(tmp_path / "frll", people=6), tmp_path / "export"
    command = ("protocols", "export", "frll-cross@1", "--data", data, "--out", out, "--json")
    told = json.loads(verb(*command).out)
    opened = open_data(load_protocol("frll-cross@1"), data)
    assert told["pairs"] == len(opened.pairs) > 0 and told["expected_pairs"] == 792 and told["missing_images"]
    first = _rows(out)[0]
    assert "source_landmarks" not in first and "target" not in first
    assert np.array_equal(_pixels(out / first["source"]), opened.source.image(opened.pairs[0].source))
    before = {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
    (out / first["source"]).write_bytes(b"\x89PNG torn")
    (out / first["reference"]).unlink()
    for name in ("pairs.csv", "README.md", "images.csv"):
        (out / name).unlink()
    assert verb(*command).code == 0
    assert {file: file.read_bytes() for file in out.rglob("*") if file.is_file()} == before
    other = verb(*command, "--with-targets")
    assert other.code == 2 and "holds another export (frll-cross@1" in other.err


def test_a_rule_built_list_comes_out_the_same_way(tmp_path: Path, verb: Verb) -> None:
    folder = tmp_path / "vox"
    picture = encode_png(np.full((256, 256, 3), 90, np.uint8))
    for person in ("id10280", "id10281"):
        for frame in range(0, 20, 5):
            file = folder / "test" / f"{person}#NXjT3732Ekg#001093#001192.mp4" / f"{frame:07d}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(picture)
    said = verb("protocols", "export", "voxceleb1-cross", "--data", folder, "--out", tmp_path / "x", "--json")
    assert said.code == 0, said.err
    rows = _rows(tmp_path / "x")
    assert len(rows) == json.loads(said.out)["pairs"] > 1
    assert all((tmp_path / "x" / row["source"]).is_file() for row in rows)
    assert f"--data {folder}" in (tmp_path / "x" / "README.md").read_text()


def test_an_image_that_cannot_be_had_costs_its_pairs_and_is_named(tmp_path: Path, verb: Verb) -> None:
    data, out = make_copy(tmp_path / "frll", people=6), tmp_path / "export"
    pair = open_data(load_protocol("frll-cross@1"), data).pairs[0]
    torn = data / "neutral_front" / f"{pair.source.split('/')[1]}_03.jpg"
    torn.write_bytes(torn.read_bytes()[:200])
    said = verb("protocols", "export", "frll-cross@1", "--data", data, "--out", out, "--json")
    told = json.loads(said.out)
    assert said.code == 1 and list(told["failed"]) == [pair.source] and "1 images could not be exported" in said.err
    assert pair.pair_id not in {row["pair_id"] for row in _rows(out)} and told["pairs"] == len(_rows(out)) > 0


def test_what_is_not_its_own_folder_is_left_alone(tmp_path: Path, verb: Verb) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("all of it")
    (tmp_path / "file").write_text("")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "export.json").write_text("{")
    for where, reason in (("mine", "holds something else (thesis.tex)"), ("file", "is no folder"), ("broken", "is no")):
        said = verb("protocols", "export", MINI.protocol.name, "--out", tmp_path / where)
        assert said.code == 2 and reason in said.err and said.err.count("\n") == 1
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["thesis.tex"]
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "export.json").write_text('{"protocol": "frll-cross@1"}')
    said = verb("protocols", "export", MINI.protocol.name, "--out", tmp_path / "old")
    assert said.code == 2 and "holds another export (frll-cross@1" in said.err


def test_wrong_use_is_one_line(tmp_path: Path, verb: Verb) -> None:
    for words, code, reason in (
        (("synthface-mini-cross", "--split", "both"), 2, "test or train"),
        (("synthface-mini-train", "--split", "test"), 2, "is a training protocol"),
        (("synthface-rafd-cross", "--split", "train"), 2, "no training protocol is on the same data"),
        (("frll-cross",), 3, "pass --data or set DGBENCH_DATA_FRLL"),
        (("frll-crss",), 2, "Did you mean"),
    ):
        said = verb("protocols", "export", *words, "--out", tmp_path / "x")
        assert said.code == code and reason in said.err and said.err.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_training_parts_are_found_by_data_and_split() -> None:
    parts = {"frll-cross": "frll-train@1", "voxceleb2-largepose": "voxceleb2-train@1", "rafd-train": "rafd-train@1"}
    for name, part in parts.items():
        assert training_part(load_protocol(name)).protocol.name == part
    with pytest.raises(UsageError, match="no training protocol"):
        training_part(load_protocol("synthface-rafd-self"))


def test_file_names_are_safe_unique_and_readable() -> None:
    keys = ["vox1/id1/aB/1", "vox1/id1/Ab/1", "a/../b", "-x/y#z/ä", "frll/001/03", "w/201@226/x"]
    names = file_names(keys)
    assert names["frll/001/03"] == "frll/001/03" and names["w/201@226/x"] == "w/201@226/x"
    assert len({name.casefold() for name in names.values()}) == len(keys)
    for name in names.values():
        assert all(part and part[0] not in ".-" and part.isascii() for part in name.split("/"))


def test_an_interrupted_export_leaves_no_readme(tmp_path: Path) -> None:
    store = MiniStore()

    class Stops:
        asked = 0

        def image(self, key: str) -> np.ndarray:
            self.asked += 1
            if self.asked > 3:
                raise KeyboardInterrupt
            return store.image(key)

        def landmarks(self, key: str) -> None:
            return None

    pairs: list[Pair] = MINI.pairs()[:6]
    with pytest.raises(KeyboardInterrupt):
        export_pairs(MINI.protocol, pairs, Stops(), tmp_path, with_targets=False, readme="")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["export.json", "images"]
    done = export_pairs(MINI.protocol, pairs, store, tmp_path, with_targets=False, readme="")
    assert (done.pairs, done.failed) == (6, {}) and (tmp_path / "README.md").is_file()
    shutil.rmtree(tmp_path / "images")

    class Broken(Stops):
        def image(self, key: str) -> np.ndarray:
            raise ImageError(f"{key}: torn", kind="unreadable")

    lost = export_pairs(MINI.protocol, pairs, Broken(), tmp_path, with_targets=False, readme="")
    assert (lost.pairs, lost.images) == (0, 0) and all("torn" in reason for reason in lost.failed.values())


@pytest.mark.slow
def test_a_rendered_world_comes_out_with_its_exact_landmarks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = analytic_head(16, 20)
    monkeypatch.setattr(live, "load_head", lambda path: head)
    loaded = load_protocol("synthface-rafd-cross")
    frame = loaded.protocol.frame.model_copy(update={"size": 64})
    small = loaded.protocol.model_copy(update={"frame": frame})
    store, pairs = live.open_synthface(small), loaded.pairs()[:2]
    done = export_pairs(small, pairs, store, tmp_path / "x", with_targets=True, readme="")
    assert (done.pairs, done.images, done.landmarks, done.failed) == (2, 5, 5, {})
    row = _rows(tmp_path / "x")[0]
    assert "@" in row["target"] and np.array_equal(
        _pixels(tmp_path / "x" / row["target"]), store.image(pairs[0].target)
    )
