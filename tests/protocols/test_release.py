"""From a draft to a released protocol: what is filled in, what is refused, and where it is found again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from said import Verb

from dgbench.core.errors import UsageError
from dgbench.protocols.registry import load_protocol, protocols_root

COUNTS = ("expected_pairs", "pairs_sha256", "landmarks_sha256")


def _draft(folder: Path, name: str = "synthface-mini-cross", **changes: object) -> Path:
    """Write the newest version of a protocol as a draft without counts, under another id."""
    values = yaml.safe_load((load_protocol(name).folder / "protocol.yaml").read_text(encoding="utf-8"))
    values = {key: value for key, value in values.items() if key not in COUNTS}
    file = folder / "draft.yaml"
    folder.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump({**values, "id": "mine", "version": 1, **changes}), encoding="utf-8")
    return file


def test_a_released_protocol_comes_out_of_its_own_yaml_again(tmp_path: Path, verb: Verb) -> None:
    loaded = load_protocol("frll-cross@2")
    draft = tmp_path / "draft"
    shutil.copytree(loaded.folder, draft)
    said = verb("protocols", "release", draft / "protocol.yaml", "--to", tmp_path / "p", "--json")
    assert said.code == 0 and json.loads(said.out)["digest"] == loaded.protocol.digest
    for file in ("protocol.yaml", "CARD.md"):
        made = tmp_path / "p" / "frll-cross" / "v2" / file
        assert made.read_bytes() == (loaded.folder / file).read_bytes()


def test_release_fills_freezes_locks_and_can_be_found(
    tmp_path: Path, verb: Verb, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = verb("protocols", "release", _draft(tmp_path / "d"), "--to", tmp_path / "p", "--json")
    told = json.loads(said.out)
    assert (said.code, told["protocol"], told["pairs"], told["source_people"]) == (0, "mine@1", 384, 32)
    folder = tmp_path / "p" / "mine" / "v1"
    assert "**Pairs.** 384 pairs. The test people" in (folder / "CARD.md").read_text()
    assert len(load_protocol(str(folder)).pairs()) == 384
    with pytest.raises(UsageError, match="no protocol 'mine@1'"):
        load_protocol("mine@1")
    monkeypatch.setenv("DGBENCH_PROTOCOLS", str(tmp_path / "p"))
    assert load_protocol("mine").folder == folder and load_protocol("frll-cross").protocol.version == 2
    again = verb("protocols", "release", tmp_path / "d" / "draft.yaml", "--to", tmp_path / "p", "--json")
    assert again.code == 0 and json.loads(again.out)["written"] is False
    monkeypatch.setenv("DGBENCH_PROTOCOLS", str(tmp_path / "gone"))
    with pytest.raises(UsageError, match="DGBENCH_PROTOCOLS names it"):
        load_protocol("mine")


def test_a_released_version_is_not_changed_and_an_unused_one_only_by_redo(tmp_path: Path, verb: Verb) -> None:
    root = tmp_path / "p"
    assert verb("protocols", "release", _draft(tmp_path / "d"), "--to", root).code == 0
    other = _draft(tmp_path / "d", metrics=["ssim", "csim"])
    refused = verb("protocols", "release", other, "--to", root)
    assert refused.code == 2 and "mine@1 is released and differs; raise the version" in refused.err
    assert verb("protocols", "release", other, "--to", root, "--redo").code == 0
    assert load_protocol(str(root / "mine" / "v1")).protocol.metrics == ("ssim", "csim")
    record = tmp_path / "results" / "mine" / "v1" / "m" / "0-a" / "record.json"
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    used = verb("protocols", "release", _draft(tmp_path / "d"), "--to", root, "--redo")
    assert used.code == 2 and "is a record of mine@1" in used.err


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda folder: (folder / "CARD.md").write_text("# other prose"), ""),
        (lambda folder: (folder / "extra.csv").write_text(""), "extra.csv is not the released one"),
        (lambda folder: (folder / "pairs.csv.gz").unlink(), "pairs.csv.gz is not the released one"),
        (
            lambda folder: (folder / "protocol.yaml").write_text(
                (folder / "protocol.yaml").read_text().replace("size: 128", "size: 64")
            ),
            "protocol.yaml is not the released one",
        ),
        (lambda folder: (folder.parents[1] / "RELEASED.json").unlink(), "is not released: `dgbench protocols release"),
        (lambda folder: (folder.parents[1] / "RELEASED.json").write_text("[]"), "is not of the form"),
    ],
)
def test_an_edited_or_unlocked_protocol_is_refused_before_any_work(
    tmp_path: Path, verb: Verb, edit: Callable[[Path], object], reason: str
) -> None:
    verb("protocols", "release", _draft(tmp_path / "d"), "--to", tmp_path / "p")
    folder = tmp_path / "p" / "mine" / "v1"
    edit(folder)
    shown = verb("protocols", "show", folder)
    checked = verb("protocols", "check", folder)
    run = verb("run", "--protocol", folder, "--method", "copy-source", "--out", tmp_path / "run", "--limit", 1)
    if not reason:
        assert shown.code == checked.code == run.code == 0
        return
    assert shown.code == run.code == 2 and reason in shown.err and reason in run.err
    assert checked.code == 1 and "REFUSED" in checked.out and reason in checked.out
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"metrics": ["ssim", "ssimm"]}, "unknown metric 'ssimm'"),
        ({"dataset": "nobodys"}, "no data set 'nobodys'"),
        ({"pairing": {"rule": "r", "sampler": "best", "seed": 0}}, "no pair sampler 'best'"),
        ({"frame": {"size": 128, "crop": "tight"}}, "frame.crop: Input should be"),
        ({"frame": {"size": 128, "crop": "eye-mouth", "landmarks": ["guess"]}}, "cannot come from 'guess'"),
        ({"pairing": {"rule": "r", "sampler": "published-list", "seed": 0}}, "give it to `dgbench protocols release`"),
        ({"split": {"rule": "r", "train": {"kind": "ids", "ids": ["s0129"]}, "test": {"kind": "number_range",
          "first": 129, "last": 160}}}, "s0129 is not one of its test people"),
        ({"frame": {"size": 128, "crop": "as-stored", "landmarks": ["frozen"]}}, "put landmarks.csv.gz beside"),
        ({"surprise": 1}, "surprise"),
    ],
)  # fmt: skip
def test_a_wrong_draft_is_one_line(tmp_path: Path, verb: Verb, changes: dict[str, object], reason: str) -> None:
    said = verb("protocols", "release", _draft(tmp_path / "d", **changes), "--to", tmp_path / "p")
    assert said.code == 2 and reason in said.err and said.err.count("\n") == 1
    assert not (tmp_path / "p").exists()


def test_a_published_list_becomes_a_protocol(tmp_path: Path, verb: Verb) -> None:
    listed = tmp_path / "theirs.csv"
    listed.write_text("source,driving\n/x/s0129/c00.webp,/y/s0130/c07.webp\n/x/s0131/c01.webp,/y/s0131/c09.webp\n")
    draft = _draft(tmp_path / "d", pairing={"rule": "theirs", "sampler": "published-list", "seed": 0})
    command = ("protocols", "release", draft, "--pairs", listed, "--to", tmp_path / "p")
    assert verb(*command).code == 0
    cross, own = load_protocol(str(tmp_path / "p" / "mine" / "v1")).pairs()
    assert (cross.source, cross.reference, cross.target) == (
        "synthface-mini/s0129/c00", "synthface-mini/s0130/c07", None
    )  # fmt: skip
    assert (cross.yaw_reference, cross.bin, own.target) == (45.0, "45", "synthface-mini/s0131/c09")
    listed.write_text(listed.read_text() + "/x/s0129/c00.webp,/y/nobody/c99.webp\n")
    refused = verb(*command)
    assert refused.code == 2 and "1 rows cannot be used, the first is line 4" in refused.err
    assert "--allow-missing" in refused.err
    assert verb(*command, "--allow-missing").code == 0


def test_our_own_pair_list_is_taken_as_it_is(tmp_path: Path, verb: Verb) -> None:
    folder = protocols_root() / "synthface-mini-cross" / "v2"
    draft = _draft(tmp_path / "d")
    said = verb("protocols", "release", draft, "--pairs", folder / "pairs.csv.gz", "--to", tmp_path / "p", "--json")
    assert said.code == 0 and json.loads(said.out)["pairs"] == 384
    first = yaml.safe_load((folder / "protocol.yaml").read_text())["pairs_sha256"]
    assert yaml.safe_load((tmp_path / "p" / "mine" / "v1" / "protocol.yaml").read_text())["pairs_sha256"] == first


def test_a_set_without_grammar_needs_a_copy(tmp_path: Path, verb: Verb) -> None:
    draft = _draft(tmp_path / "d", "voxceleb1-self", pairs="frozen")
    said = verb("protocols", "release", draft, "--to", tmp_path / "p")
    assert said.code == 2 and "pass --data" in said.err


def test_two_protocols_of_one_name_are_refused(tmp_path: Path, verb: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = _draft(tmp_path / "d", id="frll-self", version=1)
    assert verb("protocols", "release", draft, "--to", tmp_path / "p").code == 0
    monkeypatch.setenv("DGBENCH_PROTOCOLS", str(tmp_path / "p"))
    with pytest.raises(UsageError, match=r"frll-self@1 is both in .* keep one of them"):
        load_protocol("frll-self")
