"""Protocols, pairs and records: frozen, strict, and named by content."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from dgbench.core.card import MetricCard
from dgbench.core.pair import Pair
from dgbench.core.protocol import IdList, NumberModulo, NumberRange, Protocol, subject_number
from dgbench.core.record import Coverage, MetricValue
from dgbench.protocols.registry import load_protocol


def test_digest_changes_with_every_field() -> None:
    base = load_protocol("frll-cross@1").protocol
    changes: dict[str, object] = {
        "id": "other", "version": 2, "title": "t", "purpose": "train", "dataset": "rafd", "variant": "v",
        "split": base.split.model_copy(update={"rule": "another"}),
        "pairing": base.pairing.model_copy(update={"seed": 1}),
        "pairs": "built", "expected_pairs": 7, "pairs_sha256": "1" * 64, "landmarks_sha256": "2" * 64,
        "frame": base.frame.model_copy(update={"size": 128}), "pose_bins": (45.0,), "metrics": ("ssim",),
        "primary_metric": "csim", "min_coverage": 0.5, "licence": "l", "images_may_be_shown": False,
    }  # fmt: skip
    assert set(changes) == set(Protocol.model_fields)
    digests = {base.model_copy(update={name: value}).digest for name, value in changes.items()}
    assert len(digests | {base.digest}) == len(changes) + 1


def test_unknown_keys_and_inconsistent_values_are_refused() -> None:
    good = load_protocol("frll-cross@1").protocol.model_dump(mode="json")
    for change in (
        {"surprise": 1},
        {"primary_metric": "nothing"},
        {"pairs_sha256": None},
        {"pose_bins": [60, 45]},
        {"id": "Not Plain"},
        {"frame": {**good["frame"], "size": 8}},
    ):
        with pytest.raises(ValidationError):
            Protocol.model_validate({**good, **change})


@pytest.mark.parametrize(
    ("rule", "inside", "outside"),
    [
        (IdList(ids=("id10280",)), "id10280", "id10281"),
        (NumberRange(first=201, last=346), "201", "200"),
        (NumberModulo(modulus=3, remainders=(1, 2)), "001", "003"),
    ],
)
def test_people_rules_look_at_ids_alone(rule: IdList | NumberRange | NumberModulo, inside: str, outside: str) -> None:
    assert rule.matches(inside)
    assert not rule.matches(outside)


def test_subject_number_takes_the_last_digits() -> None:
    assert subject_number("id10270") == 10270
    assert subject_number("007") == 7
    with pytest.raises(ValueError, match="holds no number"):
        subject_number("Aaron")


@pytest.mark.parametrize("bad", ["", "../up", "a/b", ".hidden", "-x", "a b", "x" * 200, "dot.", "a\\b", "a\x00"])
def test_a_pair_id_is_always_a_safe_file_name(bad: str) -> None:
    with pytest.raises(ValidationError):
        Pair(pair_id=bad, relation="self", source="a", reference="b", source_identity="1", reference_identity="1")


def _card() -> MetricCard:
    return MetricCard(
        name="ssim", version=1, title="SSIM", definition="d", direction="higher", level="pair", floor=0.0,
        failure_rule="floor",
    )  # fmt: skip


def test_metric_value_counts_must_add_up_and_be_finite() -> None:
    card = _card()
    common = {"name": "ssim", "card": card, "card_digest": card.digest, "n_expected": 3}
    assert MetricValue(**common, value=0.5, n_scored=2, failures={"no-face": 1}).n_scored == 2
    with pytest.raises(ValidationError, match="do not add up"):
        MetricValue(**common, value=0.5, n_scored=2)
    with pytest.raises(ValidationError):
        MetricValue(**common, value=float("nan"), n_scored=3)
    with pytest.raises(ValidationError, match="digest of its card"):
        MetricValue(**{**common, "card_digest": "0"}, value=0.5, n_scored=3)


def test_a_run_is_complete_only_over_exactly_the_protocols_pairs() -> None:
    whole = Coverage(expected=2, found=2, generated=2, pair_set="a", protocol_pair_set="a")
    assert whole.complete
    assert not whole.model_copy(update={"pair_set": "b"}).complete
    assert not whole.model_copy(update={"expected": 3}).complete
