"""The one lookup: names, references, plug-ins and entry points, and one clear line for whatever is wrong with them."""

from __future__ import annotations

import os
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from dgbench.core import registry
from dgbench.core.errors import MissingError, UsageError
from dgbench.core.registry import Registry, absolute, add_plugins, is_reference


class Thing:
    """What this registry of the tests holds: classes with a name."""

    name = "thing"


def _check(item: object, name: str) -> type[Thing]:
    if not (isinstance(item, type) and hasattr(item, "name")):
        raise UsageError(f"thing '{name}' is no thing")
    return item


@pytest.fixture
def things(monkeypatch: pytest.MonkeyPatch) -> Registry[type[Thing]]:
    monkeypatch.setattr(registry, "_loaded", set())
    monkeypatch.setattr(registry, "entry_points", lambda group: [])
    return Registry(
        "thing", built_in={"own": f"{__name__}:Thing"}, group="x", check=_check, name_of=lambda item: item.name
    )


def write(path: Path, code: str) -> Path:
    path.write_text(code)
    return path


def test_a_file_is_imported_once_and_its_class_found_by_reference_and_by_name(things, tmp_path):
    file = write(tmp_path / "mine.py", "class Mine:\n    name = 'mine'\n")
    found = things.get(f"{file}:Mine")
    assert found.name == "mine"
    assert things.get(f"{file}:Mine") is found
    assert things.get("mine") is found
    assert things.names() == ["mine", "own"]


def test_a_relative_path_and_a_module_name_are_references(things, tmp_path, monkeypatch):
    write(tmp_path / "mine_too.py", "class Mine:\n    name = 'mine-too'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert things.get("./mine_too.py:Mine").name == "mine-too"
    assert Registry("thing", built_in={}, group="x", check=_check).get("mine_too:Mine").name == "mine-too"
    assert not is_reference("mine")
    assert absolute("mine_too.py:Mine") == f"{tmp_path}/mine_too.py:Mine"
    assert absolute("pkg.mod:Mine") == "pkg.mod:Mine"


def test_plug_ins_are_loaded_before_anything_is_looked_up(things, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "the_things", things, raising=False)
    code = "from dgbench.core import registry\nclass Mine:\n    name = 'plugged'\n"
    file = write(tmp_path / "plug.py", code + "registry.the_things.register(Mine, name='plugged')\n")
    monkeypatch.setenv(registry.PLUGINS, "")
    monkeypatch.chdir(tmp_path)
    add_plugins(["./plug.py", "./plug.py"])
    assert os.environ[registry.PLUGINS] == str(file)  # whole, so that processes elsewhere find it; once
    assert "plugged" in things
    assert things.get("plugged").name == "plugged"


@pytest.mark.parametrize(
    ("code", "reference", "words"),
    [
        ("class Mine:\n    pass\n", "{file}:Mine", "is no thing"),
        ("Mine = 3\n", "{file}:Mine", "is no thing"),
        ("class Mine:\n    name = 'mine'\n", "{file}:Mind", "has no 'Mind'. Did you mean 'Mine'?"),
        ("raise ValueError('broken\\nin two lines')\n", "{file}:Mine", "(ValueError: broken in two lines)"),
        ("import not_there_at_all\n", "{file}:Mine", "No module named 'not_there_at_all'"),
        ("class Mine(\n", "{file}:Mine", "SyntaxError"),
        ("", "{file}x.py:Mine", "no such file"),
        ("", "not_there_at_all:Mine", "not_there_at_all: cannot be imported"),
        ("class Mine:\n    name = 'own'\n", "{file}:Mine", "thing name 'own' is taken by dgbench"),
        ("", "onw", "no thing 'onw' (known: own). Did you mean 'own'?"),
    ],
)
def test_what_cannot_be_is_one_line(things, tmp_path, code, reference, words):
    file = write(tmp_path / "mine.py", code)
    with pytest.raises(UsageError) as caught:
        things.get(reference.format(file=file))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_plug_ins_of_one_name_are_refused(things, tmp_path, monkeypatch):
    first = write(tmp_path / "first.py", "class Mine:\n    name = 'mine'\n")
    second = write(tmp_path / "second.py", "class Mine:\n    name = 'mine'\n")
    things.get(f"{first}:Mine")
    with pytest.raises(UsageError, match=rf"two plug-ins bring a thing 'mine' \({first} and {second}\)"):
        things.get(f"{second}:Mine")
    offers = [EntryPoint("guest", "one:Mine", "x"), EntryPoint("guest", "two:Mine", "x")]
    monkeypatch.setattr(registry, "entry_points", lambda group: offers)
    with pytest.raises(UsageError, match=r"two plug-ins bring a thing 'guest' \(one:Mine and two:Mine\)"):
        things.get("guest")
    monkeypatch.setattr(registry, "entry_points", lambda group: [EntryPoint("mine", "one:Mine", "x")])
    with pytest.raises(UsageError, match=r"two plug-ins bring a thing 'mine' \(one:Mine and .*first.py\)"):
        things.get("mine")


def test_a_package_that_offers_what_it_cannot_give_is_missing(things, monkeypatch):
    monkeypatch.setattr(registry, "entry_points", lambda group: [EntryPoint("guest", "not_there_at_all:Mine", "x")])
    with pytest.raises(MissingError, match="thing 'guest': not_there_at_all:Mine cannot be imported"):
        things.get("guest")
