from __future__ import annotations

import json
import shutil
from pathlib import Path

from drawn_frll import make_copy
from made_frames import rafd_frames, vox_frames
from said import Verb

from dgbench.datasets.manifest import Manifest
from dgbench.datasets.voxceleb.people import VOX2, VOX2_TEST
from dgbench.protocols.registry import load_protocol
from dgbench.protocols.verify import check_coverage, table


def test_a_whole_copy_is_covered_and_a_torn_one_says_where() -> None:
    loaded = load_protocol("rafd-cross@1")
    frames = rafd_frames()
    whole = check_coverage(loaded.protocol, loaded.pairs(), set(frames["key"]))
    assert (whole.covered, whole.expected, whole.ranked, whole.missing_keys) == (1440, 1440, True, [])
    assert whole.bins == {"0": (288, 288), "45": (576, 576), "90": (576, 576)}
    assert table(whole) == [
        ("pairs", "1440", "1440"),
        ("bin 0", "288", "288"),
        ("bin 45", "576", "576"),
        ("bin 90", "576", "576"),
    ]

    torn = frames[~frames["key"].str.startswith("rafd/02/000/")]
    found = check_coverage(loaded.protocol, loaded.pairs(), set(torn["key"]))
    assert found.people["02"] == (64, 80) and found.bins["45"] == (576, 576)
    assert not found.ranked and found.covered == 1440 - 32 + sum(
        pair.source_identity == "02" == pair.reference_identity for pair in loaded.pairs()
    )
    assert any(line.startswith("Add the missing images") for line in found.advice)
    assert any("never ranked" in line for line in found.advice)
    assert ("person 02", "64", "80") in table(found)


def test_only_a_whole_copy_can_be_ranked_and_a_nearly_whole_one_is_worth_a_run() -> None:
    """``min_coverage`` is advice; a board ranks a run over every pair alone, so nothing else may be called rankable."""
    loaded = load_protocol("rafd-cross@1")
    protocol = loaded.protocol.model_copy(update={"min_coverage": 0.9})
    pairs, keys = loaded.pairs(), set(rafd_frames()["key"])
    nearly = check_coverage(protocol, pairs, keys - {pairs[0].source})
    assert 0.9 < nearly.covered / nearly.expected < 1 and not nearly.ranked
    assert any("never ranked" in line for line in nearly.advice)
    assert not any("not worth making" in line for line in nearly.advice)
    little = check_coverage(protocol, pairs, keys - {pair.source for pair in pairs[:1000]})
    assert any("Under 90% of the pairs it is not worth making" in line for line in little.advice)
    extra = check_coverage(protocol.model_copy(update={"expected_pairs": 1439}), pairs, keys)
    assert not extra.ranked, "a rule that finds more pairs than the protocol states has made another pair set"


def test_an_empty_copy_asks_whether_it_is_the_right_folder() -> None:
    loaded = load_protocol("rafd-self")
    nothing = check_coverage(loaded.protocol, loaded.pairs(), set())
    assert nothing.covered == 0 and not nothing.ranked
    assert "is this a copy of rafd" in nothing.advice[0]
    assert table(nothing, people=3)[-1] == ("15 more people", "0", "1200")


def test_a_rule_that_finds_too_little_says_so_even_where_no_listed_image_is_missing() -> None:
    loaded = load_protocol("voxceleb1-self")
    found = check_coverage(loaded.protocol, [], set(), skipped={"clip that cannot be read: truncated": ["a", "b"]})
    assert found.expected == 1040 and not found.ranked
    assert any("The rule finds 0 of 1040" in line for line in found.advice)
    assert any("Look at the 2 files" in line for line in found.advice)


def test_the_other_part_what_no_pair_uses_and_strangers_are_told_apart() -> None:
    loaded = load_protocol("rafd-cross@2")
    frames = rafd_frames()
    found = check_coverage(loaded.protocol, loaded.pairs(), set(frames["key"]), frames=frames)
    used = {key for pair in loaded.pairs() for key in pair.keys}
    assert len(found.extra) == 18 * 120 - len(used) > 0 and not used & set(found.extra)
    assert len(found.other_part) == 49 and set(found.other_part.values()) == {120} and not found.neither_part
    training = load_protocol("rafd-train")
    turned = check_coverage(training.protocol, training.pairs(), set(frames["key"]), frames=frames)
    assert len(turned.other_part) == 18 and turned.extra == []


def test_nothing_here_but_the_training_part_is_said_so() -> None:
    loaded = load_protocol("rafd-cross")
    frames = rafd_frames()
    frames = frames[frames["subject"].map(loaded.protocol.split.train.matches)]
    found = check_coverage(loaded.protocol, loaded.pairs(), set(frames["key"]), frames=frames)
    assert found.covered == 0 and found.advice[0] == "Nothing of rafd-cross@2 is here."
    assert found.advice[1] == "What is here are 5880 images of its training people, who are in no pair of it."


def test_where_large_poses_are_lacking_the_yaws_that_decided_are_said() -> None:
    loaded = load_protocol("voxceleb2-largepose")
    people = sorted(VOX2_TEST)[:2]
    frames = vox_frames(VOX2, {person: [200] * 2 for person in people})
    frames["yaw"] = [20.0] * (len(frames) - 1) + [-38.25]
    assert loaded.pairs(Manifest("voxceleb2", Path(), frames)) == []
    found = check_coverage(loaded.protocol, [], set(frames["key"]), frames=frames)
    assert found.advice[1] == (
        "Of 160 images of 2 people whose yaw is known, 159 have |yaw| up to 30 (a source) and 0 have 45 or more "
        "(a reference); the largest |yaw| is 38.2, and a pair needs both of one person in one video or session"
    )
    nobody = check_coverage(loaded.protocol, [], (), frames=vox_frames(VOX2, {"id00012": [200]}))
    assert "none of the test people of voxceleb2-largepose@1 is in this copy, which holds 1 others" in (
        " ".join(nobody.advice).lower()
    )


def test_verify_prints_its_report_when_nothing_matches(tmp_path: Path, verb: Verb) -> None:
    other, training = tmp_path / "other", tmp_path / "training"
    make_copy(other, people=1)
    for file in list(other.rglob("*.jpg")):
        file.rename(file.with_name(file.name.replace("_0", "x0")))
    make_copy(training, people=2)
    for number, file in enumerate(sorted((training / "neutral_front").glob("*.jpg"))):
        file.rename(file.with_name(f"{('003', '006')[number]}_03.jpg"))
    for folder, reason in ((other, "no photograph of the London set found"), (training, "2 images of its training")):
        if folder is training:
            shutil.rmtree(folder / "smiling_front")
        said = verb("protocols", "verify", "frll-cross", "--data", folder)
        assert said.code == 1 and "pairs           0/396" in said.out and reason in said.out
        assert "images missing  132, such as frll/001/03" in said.out
        assert said.err == "dgbench: 396 of 396 pairs are not covered by this copy\n"
    run = verb(
        "run", "--protocol", "frll-cross", "--data", training, "--method", "copy-source", "--out", tmp_path / "r"
    )
    assert (
        run.code == 2 and f"`dgbench protocols verify frll-cross@2 --data {training}` reports what is there" in run.err
    )
    assert verb("protocols", "verify", "frll-cross", "--data", tmp_path / "gone").code == 3


def test_verify_reports_as_json_too(verb: Verb) -> None:
    told = json.loads(verb("protocols", "verify", "synthface-mini-largepose", "--json").out)
    assert (told["covered"], told["rankable"], len(told["extra_images"])) == (288, True, 32 * 12 - 288)
    assert len(told["other_part"]) == 128 and set(told["other_part"].values()) == {7}
