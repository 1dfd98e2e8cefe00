"""``protocols check``: what it finds in released protocols, and on the user's own copy of a built one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from made_frames import multipie_frames
from said import Verb

from dgbench.core.protocol import Protocol
from dgbench.datasets.manifest import Manifest
from dgbench.protocols.check import check_folder
from dgbench.protocols.registry import load_protocol, protocol_folders
from dgbench.results.records.released import lock_version


def test_every_released_protocol_is_in_order_and_its_share_is_said(verb: Verb) -> None:
    said = verb("protocols", "check", "--json")
    told = {one["name"]: one for one in json.loads(said.out)["protocols"]}
    assert said.code == 0 and all(one["ok"] for one in told.values())
    assert set(told) == set(protocol_folders())
    shares = {name: (one["targets_among_inputs"], one["targets"]) for name, one in told.items() if one["targets"]}
    assert shares["frll-cross@1"] == (792, 792) and shares["frll-cross@2"] == (0, 396)
    assert shares["rafd-cross@1"] == (912, 1440) and shares["synthface-multipie-cross@1"] == (0, 1781)
    text = verb("protocols", "check", "synthface-mini-cross").out.splitlines()
    assert "384 of 384 targets (100%)" in text[0] and "0 of 384 targets" in text[1]


def test_a_built_protocol_is_counted_on_the_copy() -> None:
    def copy(protocol: Protocol) -> Manifest:
        return Manifest("multipie", Path(), multipie_frames(range(201, 240)))

    def check(name: str):  # type: ignore[no-untyped-def]
        return check_folder(load_protocol(name).folder, unknown_names=lambda protocol: [], manifest=copy)

    first, second = check("multipie-cross@1"), check("multipie-cross@2")
    assert first.targets[1] == 39 * 13 and 0.3 < first.targets[0] / first.targets[1] < 0.5
    assert "a method may remember them" in first.notes[0] and not first.problems
    assert second.targets == (0, 39 * 6 * 2) and not second.problems
    none = check_folder(
        load_protocol("multipie-cross@2").folder, unknown_names=lambda protocol: [], manifest=lambda protocol: None
    )
    assert none.targets is None and "pass --data" in none.notes[0]


def test_an_unknown_name_is_one_line(verb: Verb) -> None:
    said = verb("protocols", "check", "frll-crss@2")
    assert said.code == 2 and "Did you mean 'frll-cross@2'?" in said.err


def test_a_leaderboard_check_refuses_what_is_not_locked_and_names_nobody_knows(tmp_path: Path, verb: Verb) -> None:
    own = load_protocol("frll-self").folder
    for name, old, new in (("mine", "id: frll-self", "id: mine"), ("other", "- ssim", "- ssimm")):
        folder = tmp_path / "protocols" / name / "v1"
        shutil.copytree(own, folder)
        text = (own / "protocol.yaml").read_text(encoding="utf-8").replace(old, new)
        (folder / "protocol.yaml").write_text(text.replace("primary_metric: ssim", "primary_metric: csim"))
    lock_version(tmp_path / "protocols", "other@1")
    (tmp_path / "results").mkdir()
    said = verb("leaderboard", "check", tmp_path / "results")
    assert said.code == 1
    assert "protocols/mine/v1: mine@1 is not released; `dgbench protocols release` locks it [protocol]" in said.out
    assert "protocols/other/v1/protocol.yaml: unknown metric 'ssimm'" in said.out
