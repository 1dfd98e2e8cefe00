"""No target of a cross pair is an input of any pair, and still everyone is a source, equally often."""

from __future__ import annotations

from collections import Counter

import pytest
from made_frames import multipie_frames

from dgbench.core.pair import Pair
from dgbench.datasets.multipie import YAWS
from dgbench.protocols.leaks import share_line, targets_among_inputs
from dgbench.protocols.registry import LoadedProtocol, list_protocols, load_protocol
from dgbench.protocols.samplers import sampler
from dgbench.protocols.whole_sets import whole_set

NEWEST = {loaded.protocol.id: loaded for loaded in list_protocols()}
FROZEN = [one for one in NEWEST.values() if one.protocol.pairs == "frozen" and one.protocol.purpose == "test"]
ROLES = [one for one in FROZEN if one.protocol.pairing.sampler.endswith("-one-role")]
_name = lambda one: one.protocol.name  # noqa: E731


def test_the_known_leaks_have_a_second_version() -> None:
    assert {one.protocol.name for one in NEWEST.values() if one.protocol.version == 2} == {
        *("frll-cross@2", "rafd-cross@2", "synthface-mini-cross@2", "synthface-mini-largepose@2"),
        *("multipie-cross@2", "multipie-largepose@2"),
    }
    first = {name: targets_among_inputs(load_protocol(f"{name}@1").pairs()) for name in ("frll-cross", "rafd-cross")}
    assert first == {"frll-cross": (792, 792), "rafd-cross": (912, 1440)}


@pytest.mark.parametrize("loaded", FROZEN, ids=_name)
def test_no_target_of_a_cross_pair_is_an_input(loaded: LoadedProtocol) -> None:
    pairs = loaded.pairs()
    shown, asked = targets_among_inputs(pairs)
    assert shown == 0
    assert asked == sum(pair.relation == "cross" for pair in pairs) or "voxceleb" in loaded.protocol.id


def test_a_single_leaked_target_is_counted() -> None:
    pairs = load_protocol("synthface-mini-cross@2").pairs()
    leaking = [*pairs[:-1], pairs[-1].model_copy(update={"source": pairs[0].target})]
    assert targets_among_inputs(leaking)[0] == sum(pair.target == pairs[0].target for pair in leaking) > 0
    assert share_line(leaking).startswith("2 of 384 targets (1%)")


@pytest.mark.parametrize("loaded", ROLES, ids=_name)
def test_everyone_stays_a_source_and_nobody_dominates(loaded: LoadedProtocol) -> None:
    protocol, pairs = loaded.protocol, loaded.pairs()
    frames = whole_set(protocol.dataset)
    assert frames is not None
    everyone = {person for person in frames["subject"] if protocol.split.test.matches(person)}
    sources, references = (
        Counter(getattr(pair, f"{role}_identity") for pair in pairs) for role in ("source", "reference")
    )
    assert set(sources) == set(references) == everyone
    assert len(set(sources.values())) == len(set(references.values())) == 1
    targets = Counter(pair.target for pair in pairs)
    assert len(set(targets.values())) == 1, "each target is asked for equally often"


def test_counts_and_people_of_the_second_versions() -> None:
    counts = {one.protocol.id: (len(one.pairs()), len({p.source_identity for p in one.pairs()})) for one in ROLES}
    assert counts == {
        "frll-cross": (396, 66),
        "rafd-cross": (720, 18),
        "synthface-mini-cross": (384, 32),
        "synthface-mini-largepose": (288, 32),
    }


def _check_cells(pairs: list[Pair]) -> None:
    """The target is the source person in the reference's cell, and never the source itself."""
    for pair in pairs:
        who, cell = pair.reference.split("/")[1], pair.reference.split("/")[2:]
        assert pair.target is not None and pair.target != pair.source
        assert who == pair.reference_identity != pair.source_identity == pair.target.split("/")[1]
        assert pair.target.split("/")[2:] == cell


@pytest.mark.parametrize("loaded", ROLES, ids=_name)
def test_the_target_is_the_source_person_in_the_references_cell(loaded: LoadedProtocol) -> None:
    _check_cells(loaded.pairs())


def test_mini_sources_are_near_frontal_and_each_pose_bin_is_asked_equally() -> None:
    for name in ("synthface-mini-cross@2", "synthface-mini-largepose@2"):
        pairs = load_protocol(name).pairs()
        assert set(Counter(pair.source.split("/")[2] for pair in pairs)) == {f"c{n:02d}" for n in range(6)}
        assert all(abs(pair.yaw_source or 0) <= 30 for pair in pairs)
        assert len(set(Counter(pair.reference.split("/")[2] for pair in pairs).values())) == 1
        # Shown on one side, asked for on the other.
        assert all(((pair.yaw_source or 0) > 0) != ((pair.yaw_reference or 0) > 0) for pair in pairs)


def test_rafd_covers_every_cell_and_never_asks_for_the_source_photograph() -> None:
    pairs = load_protocol("rafd-cross@2").pairs()
    cells = Counter(tuple(pair.reference.split("/")[2:4]) for pair in pairs)
    assert len(cells) == 40 and set(cells.values()) == {18}
    assert {pair.source.split("/", 2)[2] for pair in pairs} == {"090/neutral/frontal"}
    assert not any(pair.reference.endswith("/090/neutral/frontal") for pair in pairs)


@pytest.mark.parametrize(("name", "cameras"), [("multipie-cross", 6), ("multipie-largepose", 4)])
def test_the_rule_of_multipie_leaks_nothing_and_is_even(name: str, cameras: int) -> None:
    frames = multipie_frames(range(190, 347))
    protocol = load_protocol(f"{name}@2").protocol
    pairs = sampler(protocol.pairing.sampler)(frames, protocol)
    assert targets_among_inputs(pairs) == (0, 146 * cameras * 2)
    assert protocol.expected_pairs == 137 * cameras * 2
    assert set(Counter(pair.source_identity for pair in pairs).values()) == {cameras * 2}
    references = Counter(pair.reference_identity for pair in pairs)
    assert len(references) == 146 and max(references.values()) <= min(references.values()) + cameras
    _check_cells(pairs)
    for pair in pairs:
        source, reference = pair.source.split("/"), pair.reference.split("/")
        assert source[2] == reference[2] and source[3] == "r01" and source[5] == reference[5] == "07"
        assert abs(YAWS[source[4]]) <= (15 if name == "multipie-largepose" else 0) < abs(YAWS[reference[4]])
    first = load_protocol(f"{name}@1").protocol
    leaked, asked = targets_among_inputs(sampler(first.pairing.sampler)(frames, first))
    assert 0.3 < leaked / asked < 0.5
