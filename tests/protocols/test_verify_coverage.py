from __future__ import annotations

from made_frames import rafd_frames

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
