from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from made_frames import multipie_frames, rafd_frames, vox_frames

from dgbench.core.errors import MissingError, UsageError
from dgbench.core.pair import Pair
from dgbench.core.protocol import Pairing, Protocol
from dgbench.datasets.multipie import EXPRESSIONS, FIRST, LAST, YAWS
from dgbench.datasets.rafd import WHO
from dgbench.datasets.voxceleb.people import VOX1, VOX1_TEST, VOX2, VOX2_TEST
from dgbench.protocols.pairs_file import pairs_csv
from dgbench.protocols.registry import list_protocols, load_protocol
from dgbench.protocols.samplers import sampler

LICENSED = [
    loaded.protocol
    for loaded in list_protocols()
    if loaded.protocol.dataset in ("rafd", "multipie", "voxceleb1", "voxceleb2")
]
EVERYONE = {
    "rafd": list(WHO),
    "multipie": [f"{number:03d}" for number in range(FIRST, LAST + 1)],
    "voxceleb1": [f"id{number}" for number in range(10001, 11252)],
    "voxceleb2": [f"id{number:05d}" for number in range(1, 10000)],
}


def _pairs(protocol: Protocol, frames: pd.DataFrame) -> list[Pair]:
    return sampler(protocol.pairing.sampler)(frames, protocol)


def _by_id(name: str) -> Protocol:
    return load_protocol(f"{name}@1").protocol


def _shuffled(frames: pd.DataFrame) -> pd.DataFrame:
    return frames.sample(frac=1, random_state=3).reset_index(drop=True)


def _vox_clips(people: tuple[str, ...], *, most: int = 12) -> dict[str, list[int]]:
    """Very uneven: the first person has by far the most clips, the last a single one."""
    counts = {person: 2 + i % most for i, person in enumerate(people)}
    counts[people[0]], counts[people[-1]] = 120, 1
    return {person: [430 + 7 * i for i in range(count)] for person, count in counts.items()}


@pytest.mark.parametrize("protocol", LICENSED, ids=lambda protocol: protocol.name)
def test_training_and_test_people_are_disjoint_over_everyone_there_is(protocol: Protocol) -> None:
    split = protocol.split
    people = EVERYONE[protocol.dataset]
    train = {person for person in people if split.train.matches(person)}
    test = {person for person in people if split.test.matches(person)}
    assert train and test and not train & test
    others = [other for other in LICENSED if other.dataset == protocol.dataset]
    for other in others:
        assert not {person for person in people if other.split.train.matches(person)} & test


def test_nobody_of_the_official_test_lists_is_trained_on() -> None:
    assert not any(_by_id("voxceleb1-train").split.train.matches(person) for person in VOX1_TEST)
    assert not any(_by_id("voxceleb2-train").split.train.matches(person) for person in VOX2_TEST)


@pytest.mark.parametrize("protocol", LICENSED, ids=lambda protocol: protocol.name)
def test_metrics_that_need_a_target_are_asked_only_where_one_exists(protocol: Protocol) -> None:
    needs_target = {"ssim", "psnr", "l1", "csim_target"}
    has = protocol.id not in ("voxceleb1-cross", "voxceleb2-cross")
    assert (needs_target & set(protocol.metrics) == set()) == (not has)


def test_cards_say_rule_counts_and_licence() -> None:
    for loaded in list_protocols():
        protocol = loaded.protocol
        if protocol not in LICENSED:
            continue
        card = (loaded.folder / "CARD.md").read_text(encoding="utf-8")
        for heading in ("**Task.**", "**Data.**", "**People.**", "**Pairs.**", "**Licence.**", "**Ours / from"):
            assert heading in card, (protocol.id, heading)
        if protocol.expected_pairs and protocol.pairs == "built":
            assert f"{protocol.expected_pairs:,}" in card


def test_rafd_pairs_are_balanced_and_the_target_is_the_source_person_in_the_reference_cell() -> None:
    for name, relation in (("rafd-self@1", "self"), ("rafd-cross@1", "cross")):
        pairs = load_protocol(name).pairs()
        assert len(pairs) == 1440
        assert set(Counter(pair.source_identity for pair in pairs).values()) == {80}
        assert set(Counter(pair.reference_identity for pair in pairs).values()) == {80}
        for pair in pairs:
            assert pair.relation == relation
            assert pair.target is not None and pair.source != pair.target
            assert pair.source == f"rafd/{pair.source_identity}/090/neutral/frontal"
            assert pair.target.split("/")[1] == pair.source_identity
            assert pair.target.split("/")[2:] == pair.reference.split("/")[2:]
            camera = pair.reference.split("/")[2]
            assert pair.yaw_reference == 90 - int(camera) and pair.bin == str(abs(90 - int(camera)))
        cells = Counter(tuple(pair.reference.split("/")[2:4]) for pair in pairs)
        assert len(cells) == 40 and set(cells.values()) == {36}


def test_rafd_training_uses_each_photograph_once_as_reference_and_once_as_source() -> None:
    pairs = load_protocol("rafd-train").pairs()
    assert len(pairs) == 49 * 120
    assert set(Counter(pair.reference for pair in pairs).values()) == {1}
    assert set(Counter(pair.source for pair in pairs).values()) == {1}


def test_multipie_pairs_keep_session_shot_and_head_height() -> None:
    # Numbers are of a made set in which everyone from 201 to 346 exists; the real one has 137 of them.
    frames = multipie_frames(range(190, 347))
    for name, cameras in (("multipie-self", 13), ("multipie-cross", 13), ("multipie-largepose", 8)):
        draft = _by_id(name)
        pairs = _pairs(draft, frames)
        assert len(pairs) == (346 - 200) * cameras
        assert draft.expected_pairs == 137 * cameras
        assert set(Counter(pair.source_identity for pair in pairs).values()) == {cameras}
        assert min(Counter(pair.reference_identity for pair in pairs).values()) == cameras
        for pair in pairs:
            _, who, session, recording, camera, shot = pair.source.split("/")
            _, other, session2, recording2, camera2, shot2 = pair.reference.split("/")
            assert int(who) > 200 and int(other) > 200
            assert (who == other) == (name == "multipie-self")
            assert session == session2 and shot == shot2 == "07"
            assert recording == "r01" and EXPRESSIONS[int(session[1]), 1] == "neutral"
            assert pair.target == f"mpie/{who}/{session}/{recording2}/{camera2}/{shot2}" != pair.source
            assert pair.yaw_reference == YAWS[camera2]
            if name == "multipie-largepose":
                assert abs(YAWS[camera]) <= 15 and abs(YAWS[camera2]) >= 45
                assert pair.bin == f"{abs(YAWS[camera2]):g}"
            else:
                assert camera == "05_1"


def test_multipie_uses_every_expression_that_its_sessions_have() -> None:
    pairs = _pairs(_by_id("multipie-cross"), multipie_frames(range(201, 347)))
    used = {EXPRESSIONS[int(pair.reference.split("/")[2][1]), int(pair.reference.split("/")[3][1:])] for pair in pairs}
    assert used == set(EXPRESSIONS.values())


def test_multipie_training_stays_within_one_session_and_light() -> None:
    draft = _by_id("multipie-train")
    pairs = _pairs(draft, multipie_frames(range(1, 30)))
    assert set(Counter(pair.source_identity for pair in pairs)) == {f"{number:03d}" for number in range(1, 30)}
    assert 50 < min(Counter(pair.source_identity for pair in pairs).values()) <= 60
    for pair in pairs:
        source, reference = pair.source.split("/"), pair.reference.split("/")
        assert source[1:3] == reference[1:3] and source[5] == reference[5] != "19"
        assert pair.source != pair.reference == pair.target
        assert not {"08_1", "19_1"} & {source[4], reference[4]}


def test_voxceleb_pairs_are_even_over_people_however_uneven_the_clips() -> None:
    frames = vox_frames(VOX1, _vox_clips(_by_id("voxceleb1-self").split.test.ids))
    for name in ("voxceleb1-self", "voxceleb1-cross"):
        draft = _by_id(name)
        pairs = _pairs(draft, frames)
        assert len(pairs) == draft.expected_pairs == 1040
        assert set(Counter(pair.source_identity for pair in pairs).values()) == {80}
        assert set(Counter(pair.reference_identity for pair in pairs).values()) == {80}
        for pair in pairs:
            assert pair.source.endswith("/0000000"), "the source is the first frame of its clip"
            clip = pair.source.rpartition("/")[0]
            if name == "voxceleb1-self":
                assert pair.reference.rpartition("/")[0] == clip and pair.target == pair.reference != pair.source
            else:
                assert pair.target is None and pair.source_identity != pair.reference_identity


def test_voxceleb_people_outside_the_split_are_never_drawn() -> None:
    clips = {person: [400] * 3 for person in ("id10280", "id10281", "id10270", "id10001", "id10500")}
    for name, allowed in (("voxceleb1-self", {"id10280", "id10281"}), ("voxceleb1-train", {"id10001", "id10500"})):
        pairs = _pairs(_by_id(name), vox_frames(VOX1, clips))
        assert {pair.source_identity for pair in pairs} == allowed


def test_voxceleb2_counts_and_ids() -> None:
    frames = vox_frames(VOX2, {person: [200] * 5 for person in VOX2_TEST})
    for name in ("voxceleb2-self", "voxceleb2-cross"):
        pairs = _pairs(_by_id(name), frames)
        assert len(pairs) == _by_id(name).expected_pairs == 1180
        assert len({pair.pair_id.casefold() for pair in pairs}) == 1180, "safe on disks that fold case"


def test_largepose_needs_poses_and_obeys_them() -> None:
    draft = _by_id("voxceleb2-largepose")
    frames = vox_frames(VOX2, {person: [200] * 5 for person in VOX2_TEST[:6]})
    with pytest.raises(MissingError, match="dgbench data prepare voxceleb2-largepose"):
        _pairs(draft, frames)
    frames["yaw"] = np.random.default_rng(0).uniform(-80, 80, len(frames))
    frames.loc[frames["key"].str.endswith("0000000"), "yaw"] = np.nan
    yaw = dict(zip(frames["key"], frames["yaw"], strict=True))
    pairs = _pairs(draft, frames)
    assert set(Counter(pair.source_identity for pair in pairs).values()) == {10}
    for pair in pairs:
        assert abs(yaw[pair.source]) <= 30 and abs(yaw[pair.reference]) >= 45
        assert pair.source.split("/")[:3] == pair.reference.split("/")[:3], "one video"
        assert pair.target == pair.reference and pair.yaw_reference == yaw[pair.reference]
        assert pair.bin in ("45", "60", "75")


def test_a_missing_clip_changes_only_the_pairs_that_touch_its_person() -> None:
    clips = _vox_clips(_by_id("voxceleb1-self").split.test.ids)
    whole = {pair.pair_id: pair for pair in _pairs(_by_id("voxceleb1-self"), vox_frames(VOX1, clips))}
    person = _by_id("voxceleb1-self").split.test.ids[3]
    clips[person] = clips[person][:-1]
    less = {pair.pair_id: pair for pair in _pairs(_by_id("voxceleb1-self"), vox_frames(VOX1, clips))}
    assert {whole[name].source_identity for name in whole.keys() - less.keys()} == {person}


@pytest.mark.parametrize(
    "name", ["rafd-cross", "multipie-cross", "multipie-train", "voxceleb1-self", "voxceleb1-cross"]
)
def test_the_order_of_the_files_changes_nothing(name: str) -> None:
    draft = _by_id(name)
    frames = {
        "rafd": rafd_frames,
        "multipie": lambda: multipie_frames(range(195, 215)),
        "voxceleb1": lambda: vox_frames(VOX1, _vox_clips(_by_id("voxceleb1-self").split.test.ids, most=3)),
    }[draft.dataset]()
    first = pairs_csv(_pairs(draft, frames))
    assert first == pairs_csv(_pairs(draft, _shuffled(frames))) and first.count(b"\n") > 20


def test_lossless_and_lossy_copies_have_the_same_frames_but_never_the_same_pairs() -> None:
    frames = vox_frames(VOX1, {person: [400] * 3 for person in _by_id("voxceleb1-self").split.test.ids})
    for name in ("voxceleb1-self", "voxceleb1-cross"):
        lossy = {pair.pair_id: pair for pair in _pairs(_by_id(name), frames.assign(variant="vp-mp4"))}
        lossless = {pair.pair_id: pair for pair in _pairs(_by_id(name), frames.assign(variant="vp-png"))}
        assert not lossy.keys() & lossless.keys()
        assert {pair.keys for pair in lossy.values()} == {pair.keys for pair in lossless.values()}


def test_the_seed_changes_the_pairs() -> None:
    draft = _by_id("voxceleb1-cross")
    frames = vox_frames(VOX1, {person: [400] * 3 for person in _by_id("voxceleb1-self").split.test.ids})
    other = draft.model_copy(update={"pairing": Pairing(**{**draft.pairing.model_dump(), "seed": 1})})
    assert {pair.pair_id for pair in _pairs(draft, frames)} != {pair.pair_id for pair in _pairs(other, frames)}


def test_a_missing_parameter_is_named() -> None:
    draft = _by_id("rafd-self")
    broken = draft.model_copy(
        update={"pairing": Pairing(rule="x", sampler="rafd-grid", seed=0, parameters={"relation": "self"})}
    )
    with pytest.raises(UsageError, match="needs the parameter 'gazes_per_cell'"):
        _pairs(broken, rafd_frames())
