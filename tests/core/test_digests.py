"""Digests: the same for equal things, whatever their order; never for what JSON cannot say."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dgbench.core.digests import canonical_json, digest, root_digest, seed_of, sha256_file


def test_order_of_keys_does_not_matter_and_values_do() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert canonical_json({"b": 1, "a": "é"}) == '{"a":"é","b":1}'.encode()


def test_nan_has_no_digest() -> None:
    with pytest.raises(ValueError, match="JSON"):
        digest({"a": float("nan")})


def test_file_digest_is_sha256(tmp_path: Path) -> None:
    data = bytes(range(256)) * 9000
    (tmp_path / "f").write_bytes(data)
    assert sha256_file(tmp_path / "f") == hashlib.sha256(data).hexdigest()


def test_the_root_of_a_set_is_the_sha256_of_its_sorted_lines() -> None:
    one, two = "0a" * 32, "1b" * 32
    expected = hashlib.sha256(f"a {one}\nb {two}\n".encode()).hexdigest()
    assert root_digest({"b": two, "a": one}) == root_digest({"a": one, "b": two}) == expected
    assert root_digest({"é": one, "z": two}) == hashlib.sha256(f"z {two}\né {one}\n".encode()).hexdigest()
    assert root_digest({}) == hashlib.sha256(b"").hexdigest()
    assert root_digest({"a": two, "b": one}) != expected


@pytest.mark.parametrize(("name", "value"), [("", "0a" * 32), ("a\nb", "0a" * 32), ("a", "0A" * 32), ("a", "0a")])
def test_an_id_or_a_digest_that_would_be_ambiguous_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"id|sha256"):
        root_digest({name: value})


def test_seeds_are_fixed_for_ever() -> None:
    """Released pair lists and runs depend on this value: it may never change."""
    assert seed_of("frll-cross@1", "001_03--008_08", 0) == 5652963286504231947
    assert seed_of("ab", "c") != seed_of("a", "bc")
