"""The SynthFace protocols: lists that follow from code, people apart and balanced, an exact target for every pair."""

from __future__ import annotations

from collections import Counter

import pytest

from dgbench.core.errors import UsageError
from dgbench.core.protocol import Protocol
from dgbench.datasets.manifest import make_frames
from dgbench.protocols.registry import list_protocols, load_protocol
from dgbench.protocols.samplers import sampler
from dgbench.synthface.sets.layouts import layout
from dgbench.synthface.sets.mini_cells import TEST_CELLS, mini_shot

SYNTHFACE = [loaded.protocol.name for loaded in list_protocols() if loaded.protocol.id.startswith("synthface-")]
MINI = [name for name in SYNTHFACE if "-mini-" in name]
MIRRORS = [name for name in SYNTHFACE if name not in MINI]


@pytest.mark.parametrize("name", SYNTHFACE)
def test_people_are_apart_balanced_and_of_the_right_half(name: str):
    loaded = load_protocol(name)
    protocol, pairs = loaded.protocol, loaded.pairs()
    mine, others = protocol.split.test, protocol.split.train
    if protocol.purpose == "train":
        mine, others = others, mine
    people = {person for pair in pairs for person in (pair.source_identity, pair.reference_identity)}
    assert all(mine.matches(person) and not others.matches(person) for person in people)
    assert len(set(Counter(pair.source_identity for pair in pairs).values())) == 1
    served = Counter(pair.reference_identity for pair in pairs)
    if protocol.purpose == "test":
        assert len(set(served.values())) == 1
    else:
        assert max(served.values()) < 3 * min(served.values())  # partners are drawn


@pytest.mark.parametrize("name", SYNTHFACE)
def test_every_pair_has_its_target_and_is_no_copy_of_its_source(name: str):
    for pair in load_protocol(name).pairs():
        assert pair.target is not None and pair.target != pair.source
        assert pair.source != pair.reference
        assert (pair.relation == "self") == (pair.source_identity == pair.reference_identity)
        assert (pair.target == pair.reference) == (pair.relation == "self")


@pytest.mark.parametrize("name", MINI)
def test_targets_of_the_mini_set_differ_from_the_reference_in_person_and_room_alone(name: str):
    for pair in load_protocol(name).pairs()[::7]:
        target, reference = (_mini(key) for key in (pair.target or "", pair.reference))
        assert pair.target and pair.target.split("/")[1] == pair.source_identity
        for moved in ("yaw", "pitch", "roll", "expression", "gaze", "light", "zoom", "shift"):
            assert getattr(target, moved) == getattr(reference, moved)
        assert pair.yaw_reference == reference.yaw


@pytest.mark.parametrize("name", [name for name in MIRRORS if "cross" in name or "largepose" in name])
def test_targets_of_mirrors_are_the_source_person_in_the_references_performance(name: str):
    protocol = load_protocol(name).protocol
    world = layout(protocol.variant)
    for pair in load_protocol(name).pairs()[::97]:
        source, reference, target = (world.resolve(key or "") for key in (pair.source, pair.reference, pair.target))
        assert target.person == source.person != reference.person
        for moved in ("yaw", "pitch", "roll", "expression", "gaze", "light"):
            assert getattr(target.scene, moved) == getattr(reference.scene, moved)
        assert (target.scene.background, target.scene.outfit) == (source.scene.background, source.scene.outfit)


@pytest.mark.parametrize("name", ["synthface-mini-largepose", "synthface-multipie-largepose"])
def test_large_pose_means_a_near_frontal_source_and_a_far_turned_reference(name: str):
    pairs = load_protocol(name).pairs()
    assert all(
        abs(pair.yaw_reference or 0) >= 45 and abs(pair.yaw_source or 99) <= 30 for pair in pairs if pair.yaw_source
    )
    counts = Counter(pair.bin for pair in pairs)
    assert set(counts) == {f"{edge:g}" for edge in load_protocol(name).protocol.pose_bins}
    assert len(set(counts.values())) == 1


def test_sources_of_the_mini_tests_use_all_near_cells_alike():
    for name in ("synthface-mini-self", "synthface-mini-cross", "synthface-mini-largepose"):
        used = Counter(pair.source.split("/")[2] for pair in load_protocol(name).pairs())
        assert set(used) == {cell for cell, settings in TEST_CELLS.items() if abs(settings[0]) <= 30}
        assert max(used.values()) - min(used.values()) <= 40


def test_cards_say_licence_counts_and_choice_of_metric():
    for name in SYNTHFACE:
        loaded = load_protocol(name)
        text = (loaded.folder / "CARD.md").read_text()
        assert "MIT License" in text and "Institute for" in text and loaded.protocol.id in text
        assert ("Primary metric" in text) == (loaded.protocol.purpose == "test")


def test_a_mirror_of_nothing_is_refused():
    protocol = load_protocol("synthface-rafd-self").protocol
    pairing = protocol.pairing.model_copy(update={"parameters": {"mirrors": "rafd-gird"}})
    broken: Protocol = protocol.model_copy(update={"pairing": pairing})
    with pytest.raises(UsageError, match="none of rafd-grid"):
        sampler("synthface-mirror")(make_frames([]), broken)


def _mini(key: str):
    _, subject, cell = key.split("/")
    return mini_shot(int(subject[1:]), cell).scene
