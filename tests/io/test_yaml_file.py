"""What YAML reads in another way than its writer meant is refused with its line; plain data is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from dgbench.core.errors import UsageError
from dgbench.io.yaml_file import UniqueKeyLoader, parse_yaml, read_yaml


@pytest.mark.parametrize(
    "scalar",
    "010 011 08 -017 0o17 0x1F 0b101 1:30 12:30:45 1:30.5 1_000 1_0.5 yes No ON off y N ~ .nan -.inf .INF "
    "2026-01-01 2001-12-14t21:59:43.10-05:00".split(),
)
def test_surprising_scalars_are_refused_with_their_line_and_quotes_make_them_text(scalar: str) -> None:
    for text in (f"a: 1\nb: {scalar}\n", f"a: 1\nb: [1, {scalar}]\n", f"a: 1\n{scalar}: 1\n", f"a:\n- {scalar}\n"):
        with pytest.raises(UsageError, match=r"x: not a suite \(line 2: '"):
            parse_yaml(text, where="x", what="a suite")
    assert parse_yaml(f"b: '{scalar}'\nc: \"{scalar}\"\n", where="x", what="a suite") == {"b": scalar, "c": scalar}


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: 2\na: 3\n",
        "b: {a: 1, a: 3}\n",
        "b: [{a: 1, c: [2], a: 3}]\n",
        "'a': 1\na: 2\n",
        "b:\n  - a: 1\n    a: 1\n",
    ],
)
def test_doubled_keys_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"line [0-9]: key 'a' occurs twice"):
        parse_yaml(text, where="x", what="a suite")


def test_plain_data_is_read_as_written() -> None:
    text = "﻿a: 1\nb: -2.5\nc: 1e-4\nd: 1.5E3\ne: true\nf: null\ng: text with 010 in it\nh: 0\ni: 0.5\nj: v1_2\nk: .5\n"
    data = parse_yaml(text.encode(), where="x", what="a suite")
    assert data == {
        "a": 1,
        "b": -2.5,
        "c": 1e-4,
        "d": 1500.0,
        "e": True,
        "f": None,
        "g": "text with 010 in it",
        "h": 0,
        "i": 0.5,
        "j": "v1_2",
        "k": 0.5,
    }
    assert [type(value) for value in data.values()] == [
        int,
        float,
        float,
        float,
        bool,
        type(None),
        str,
        int,
        float,
        str,
        float,
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x 1\nb: *x\n", "anchors and aliases are refused"),
        ("a: !!python/name:os.system\n", "could not determine a constructor"),
        ("a: [" * 3000, "not a suite"),
        ("- ? [a]\n  : 1\n- {[1, 2]: 3}\n", "not a suite"),
    ],
)
def test_more_than_data_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(UsageError, match=said):
        read_yaml(tmp_path / "s.yaml", what="a suite")


def test_aliases_where_they_are_allowed_are_bounded() -> None:
    import yaml

    def load(text: str) -> object:
        return yaml.load(text, Loader=UniqueKeyLoader)

    assert load("a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}
    laughs = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    laughs += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9))
    with pytest.raises(yaml.YAMLError, match="aliases stand for over"):
        load(laughs)
    with pytest.raises(yaml.YAMLError, match="an alias stands for what holds it"):
        load("a: &x [1, *x]\n")


def test_every_yaml_file_that_is_shipped_is_read_by_the_strict_reader() -> None:
    root = Path(__file__).resolve().parents[2]
    files = [path for place in ("protocols", "suites", "baselines") for path in (root / place).rglob("*.yaml")]
    assert len(files) > 20
    for path in files:
        assert read_yaml(path, what="a file"), path
