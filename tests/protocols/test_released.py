"""Every released protocol: loads, matches its digests, keeps people apart and balanced, and never changes."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest
import yaml

from dgbench.core.errors import UsageError
from dgbench.core.pair import Pair
from dgbench.datasets.frll import PEOPLE, whole_set
from dgbench.protocols.frll import frll_cross, frll_self, frll_train
from dgbench.protocols.pairs_file import pairs_csv, read_pairs, write_pairs
from dgbench.protocols.registry import LoadedProtocol, list_protocols, load_protocol, protocols_root
from dgbench.protocols.samplers import sampler

FROZEN = [loaded for loaded in list_protocols() if loaded.protocol.pairs == "frozen"]

#: Digests of released protocols. A released version never changes: to change one, release the next version.
RELEASED = {
    "frll-self@1": "57198a1288a9313a6b6eea2bcc0999f625aa85bd512b2d3b2c1588744297d2d1",
    "frll-cross@1": "8a05605f496d7827ff70c31070de2477993d97b942bfbca4d74e90eda9f5a0e7",
}


@pytest.mark.parametrize("name", RELEASED)
def test_a_released_protocol_never_changes(name: str) -> None:
    assert load_protocol(name).protocol.digest == RELEASED[name]


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


@pytest.mark.parametrize("draft", [frll_self(), frll_cross(), frll_train()], ids=lambda draft: draft.id)
def test_the_released_frll_pairs_are_what_the_rule_makes(draft: object) -> None:
    name = draft.id  # type: ignore[attr-defined]
    pairs = sampler("frll-expression")(whole_set(), draft)  # type: ignore[arg-type]
    assert pairs_csv(pairs) == gzip.decompress((protocols_root() / name / "v1" / "pairs.csv.gz").read_bytes())


def test_frll_cross_is_balanced_over_people_and_its_target_is_the_source_person() -> None:
    pairs = load_protocol("frll-cross@1").pairs()
    assert set(Counter(pair.source_identity for pair in pairs).values()) == {12}
    assert set(Counter(pair.reference_identity for pair in pairs).values()) == {12}
    for pair in pairs:
        assert pair.target is not None
        assert pair.target.split("/")[1] == pair.source_identity
        assert pair.target.split("/")[2] == pair.reference.split("/")[2] != pair.source.split("/")[2]


def test_frll_people_split_in_two() -> None:
    split = frll_cross().split
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
    with pytest.raises(ValueError, match="stands twice"):
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
