"""The SynthFace protocols: lists that follow from code, people apart and balanced, an exact target for every pair."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from dgbench.core.errors import UsageError
from dgbench.core.protocol import Protocol
from dgbench.protocols.registry import load_protocol
from dgbench.protocols.release import release
from dgbench.protocols.samplers import sampler
from dgbench.protocols.synthface import drafts, mini_frames
from dgbench.protocols.synthface_cards import card
from dgbench.synthface.sets.layouts import layout
from dgbench.synthface.sets.mini_cells import TEST_CELLS, mini_shot

DRAFTS = {draft.id: draft for draft in drafts()}
MINI = [name for name in DRAFTS if "-mini-" in name]
MIRRORS = [name for name in DRAFTS if name not in MINI]


def test_the_twelve_protocols_are_released():
    assert set(DRAFTS) == {
        *(f"synthface-mini-{shape}" for shape in ("self", "cross", "largepose", "train")),
        *(f"synthface-rafd-{shape}" for shape in ("self", "cross")),
        *(f"synthface-multipie-{shape}" for shape in ("self", "cross", "largepose", "train")),
        "synthface-voxceleb1-self",
        "synthface-voxceleb2-cross",
    }
    for name in DRAFTS:
        assert len(load_protocol(f"{name}@1").pairs()) == load_protocol(name).protocol.expected_pairs


@pytest.mark.parametrize("name", [*MINI, "synthface-rafd-self", "synthface-rafd-cross", "synthface-multipie-largepose"])
def test_a_released_list_follows_from_rule_and_seed(name: str, tmp_path: Path):
    loaded = load_protocol(name)
    draft = DRAFTS[name]
    assert release(draft, tmp_path, frames=mini_frames(), card=card(draft)) == loaded.protocol
    for file in ("protocol.yaml", "CARD.md"):
        assert (tmp_path / name / "v1" / file).read_text() == (loaded.folder / file).read_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in MIRRORS if "voxceleb" in name or name.endswith(("-self", "-cross"))])
def test_every_released_mirror_follows_from_rule_and_seed(name: str, tmp_path: Path):
    """Slow: plans every frame of every test person's clips and recordings."""
    release(DRAFTS[name], tmp_path, frames=mini_frames(), card=card(DRAFTS[name]))
    folder = load_protocol(name).folder
    assert (tmp_path / name / "v1/protocol.yaml").read_text() == (folder / "protocol.yaml").read_text()


@pytest.mark.parametrize("name", DRAFTS)
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
        assert max(served.values()) < 2 * min(served.values())


@pytest.mark.parametrize("name", DRAFTS)
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


@pytest.mark.parametrize("name", [name for name in MIRRORS if name.endswith(("cross", "largepose"))])
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
    for name, draft in DRAFTS.items():
        text = (load_protocol(name).folder / "CARD.md").read_text()
        assert "MIT License" in text and "Institute for" in text and draft.id in text
        assert ("Primary metric" in text) == (draft.purpose == "test")


def test_a_mirror_of_nothing_is_refused():
    draft = DRAFTS["synthface-rafd-self"]
    pairing = draft.pairing.model_copy(update={"parameters": {"mirrors": "rafd-gird"}})
    broken: Protocol = draft.model_copy(update={"pairing": pairing})
    with pytest.raises(UsageError, match="none of rafd-grid"):
        sampler("synthface-mirror")(mini_frames(), broken)


def _mini(key: str):
    _, subject, cell = key.split("/")
    return mini_shot(int(subject[1:]), cell).scene
