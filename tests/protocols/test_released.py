"""Every released protocol: loads, matches its digests, keeps people apart and balanced, and never changes."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest
import yaml

from dgbench.core.digests import digest
from dgbench.core.errors import UsageError
from dgbench.core.pair import Pair
from dgbench.datasets.frll import PEOPLE
from dgbench.protocols.pairs_file import pairs_csv, read_pairs, write_pairs
from dgbench.protocols.registry import (
    LoadedProtocol,
    list_protocols,
    load_protocol,
    protocol_names,
    protocols_root,
)
from dgbench.protocols.samplers import sampler
from dgbench.protocols.whole_sets import whole_set
from dgbench.results.records.released import changed_files, read_lock


def _is_slow(loaded: LoadedProtocol) -> bool:
    return loaded.protocol.pairing.sampler == "synthface-mirror" and "rafd" not in loaded.protocol.id


FROZEN = [loaded for loaded in list_protocols() if loaded.protocol.pairs == "frozen"]

#: Digest over name and digest of all first versions. A released version never changes: release the next one instead.
FIRST_VERSIONS = "8741d97e14980dd63dc8a6246c4dab3031253c843aff29db74387c0b3b519d90"

#: Protocols whose first version came after the first release.
LATER = {"synthface-crowd-train@1"}


def test_a_released_protocol_never_changes() -> None:
    first = {loaded.protocol.name: loaded.protocol.digest for loaded in list_protocols()}
    assert (
        digest({name: value for name, value in first.items() if name.endswith("@1") and name not in LATER})
        == FIRST_VERSIONS
    )
    assert changed_files(protocols_root()) == []
    assert set(read_lock(protocols_root()) or {}) == set(protocol_names())


@pytest.mark.parametrize("loaded", list_protocols(), ids=lambda loaded: loaded.protocol.name)
def test_a_protocol_lies_where_its_name_says_and_has_a_card(loaded: LoadedProtocol) -> None:
    assert loaded.folder == protocols_root() / loaded.protocol.id / f"v{loaded.protocol.version}"
    assert (loaded.folder / "CARD.md").read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("loaded", FROZEN, ids=lambda loaded: loaded.protocol.name)
def test_frozen_pairs_match_count_digest_and_split(loaded: LoadedProtocol) -> None:
    pairs = loaded.pairs()
    protocol = loaded.protocol
    assert len(pairs) == protocol.expected_pairs
    mine, others = protocol.split.test, protocol.split.train
    if protocol.purpose == "train":
        mine, others = others, mine
    for pair in pairs:
        for person in (pair.source_identity, pair.reference_identity):
            assert mine.matches(person)
            assert not others.matches(person)
        assert (pair.relation == "self") == (pair.source_identity == pair.reference_identity)


def _follows_from_the_rule(loaded: LoadedProtocol) -> bool:
    frames = whole_set(loaded.protocol.dataset)
    assert frames is not None
    pairs = sampler(loaded.protocol.pairing.sampler)(frames, loaded.protocol)
    return pairs_csv(pairs) == gzip.decompress((loaded.folder / "pairs.csv.gz").read_bytes())


@pytest.mark.parametrize("loaded", [one for one in FROZEN if not _is_slow(one)], ids=lambda one: one.protocol.name)
@pytest.mark.slow
def test_a_frozen_list_follows_from_rule_and_seed(loaded: LoadedProtocol) -> None:
    assert _follows_from_the_rule(loaded)


@pytest.mark.slow
@pytest.mark.parametrize("loaded", [one for one in FROZEN if _is_slow(one)], ids=lambda one: one.protocol.name)
def test_a_frozen_list_of_a_mirror_follows_from_rule_and_seed(loaded: LoadedProtocol) -> None:
    """Slow: plans every frame of every test person's clips and recordings."""
    assert _follows_from_the_rule(loaded)


def test_frll_cross_is_balanced_over_people_and_its_target_is_the_source_person() -> None:
    pairs = load_protocol("frll-cross@1").pairs()
    assert set(Counter(pair.source_identity for pair in pairs).values()) == {12}
    assert set(Counter(pair.reference_identity for pair in pairs).values()) == {12}
    for pair in pairs:
        assert pair.target is not None
        assert pair.target.split("/")[1] == pair.source_identity
        assert pair.target.split("/")[2] == pair.reference.split("/")[2] != pair.source.split("/")[2]


def test_frll_people_split_in_two() -> None:
    split = load_protocol("frll-cross").protocol.split
    train = {person for person in PEOPLE if split.train.matches(person)}
    test = {person for person in PEOPLE if split.test.matches(person)}
    assert (len(train), len(test), train & test, train | test) == (36, 66, set(), set(PEOPLE))


def _pair(pair_id: str) -> Pair:
    return Pair(
        pair_id=pair_id, relation="self", source="a", reference="b", source_identity="1", reference_identity="1",
        yaw_source=-0.1, bin="45",
    )  # fmt: skip


def test_the_pair_file_is_the_same_bytes_in_any_order_and_round_trips(tmp_path: Path) -> None:
    pairs = [_pair("b"), _pair("a"), _pair("Z")]
    first = write_pairs(tmp_path / "1.gz", pairs)
    second = write_pairs(tmp_path / "2.gz", pairs[::-1])
    assert first == second
    assert (tmp_path / "1.gz").read_bytes() == (tmp_path / "2.gz").read_bytes()
    assert read_pairs(tmp_path / "1.gz", sha256=first) == sorted(pairs, key=lambda pair: pair.pair_id.encode())
    with pytest.raises(ValueError, match="is repeated"):
        pairs_csv([_pair("a"), _pair("a")])


@pytest.mark.parametrize(
    "content",
    [
        b"", b"a,b\n1,2\n",
        pairs_csv([_pair("a")]).replace(b"a,self", b"../a,self"),
        pairs_csv([_pair("a")]).replace(b"-0.1", b"=1+1"),
        pairs_csv([_pair("a")]) + b"short,row\n",
        b"\xff\xfe" + pairs_csv([_pair("a")]),
    ],
)  # fmt: skip
def test_a_damaged_pair_file_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "p.gz"
    path.write_bytes(gzip.compress(content))
    with pytest.raises(UsageError, match=r"p\.gz: not a pair list") as caught:
        read_pairs(path)
    assert "\n" not in str(caught.value)
    path.write_bytes(gzip.compress(content)[:-4])
    with pytest.raises(UsageError, match="cannot be read"):
        read_pairs(path)


def test_another_pair_list_than_the_released_one_is_refused(tmp_path: Path) -> None:
    write_pairs(tmp_path / "p.gz", [_pair("a")])
    with pytest.raises(UsageError, match="not the released one"):
        read_pairs(tmp_path / "p.gz", sha256="0" * 64)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text + "surprise: 1\n", "surprise"),
        (lambda text: "!!python/object/apply:os.system ['true']", "not a protocol|constructor"),
        (lambda text: "a: [", "not a protocol"),
        (lambda text: text.replace("version: 1", "version: one"), "version"),
        (lambda text: "", "protocol"),
    ],
)
def test_a_damaged_protocol_file_is_one_line(tmp_path: Path, change: object, reason: str) -> None:
    text = (protocols_root() / "frll-self" / "v1" / "protocol.yaml").read_text()
    (tmp_path / "protocol.yaml").write_text(change(text))  # type: ignore[operator]
    with pytest.raises(UsageError, match=reason) as caught:
        load_protocol(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_names_are_found_by_version_newest_and_folder(tmp_path: Path) -> None:
    assert load_protocol("frll-self").protocol.name == "frll-self@1"
    assert load_protocol(str(protocols_root() / "frll-self" / "v1")).protocol.name == "frll-self@1"
    for bad in ("frll-self@2", "frll-self@x", "frll-slef@1", str(tmp_path)):
        with pytest.raises(UsageError):
            load_protocol(bad)
    with pytest.raises(UsageError, match="Did you mean 'frll-self@1'"):
        load_protocol("frll-slef@1")


def test_yaml_on_disk_is_plain_data() -> None:
    for loaded in list_protocols():
        text = (loaded.folder / "protocol.yaml").read_text(encoding="utf-8")
        assert yaml.safe_load(text)["id"] == loaded.protocol.id
        assert "!!" not in text
