"""The registry: a class that is no whole method, or a package that cannot be imported, is one line for the user."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import ClassVar

import pytest

from dgbench.core import registry
from dgbench.core.errors import MissingError, UsageError
from dgbench.methods.contract import Reenactor
from dgbench.methods.registry import METHODS, method_class, register


class _Anything(Reenactor):
    def reenact(self, tasks):
        return []


def test_a_class_that_lacks_what_a_method_says_of_itself_is_told_so():
    with pytest.raises(UsageError, match="Nameless lacks name and needs"):
        register(type("Nameless", (_Anything,), {}))
    with pytest.raises(UsageError, match="Needless lacks needs;"):
        register(type("Needless", (_Anything,), {"name": "needless"}))
    with pytest.raises(UsageError, match="method name '7'"):
        register(type("Number", (_Anything,), {"name": 7, "needs": frozenset()}))
    with pytest.raises(UsageError, match="needs 'sauce'; known are source,"):
        register(type("Odd", (_Anything,), {"name": "odd", "needs": frozenset({"sauce"})}))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import not_installed_at_all", "No module named 'not_installed_at_all'"),
        ("raise RuntimeError('needs\\na GPU')", "RuntimeError: needs a GPU"),
        ("", "has no attribute 'Method'"),
    ],
)
def test_an_entry_point_that_cannot_be_imported_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, words: str
):
    module = f"offered_{abs(hash(code))}"
    (tmp_path / f"{module}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("offered", f"{module}:Method", "dgbench.methods")
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    with pytest.raises(MissingError, match=r"method 'offered': .* cannot be imported") as caught:
        method_class("offered")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_whole_class_is_registered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(METHODS, "_registered", {})

    class Whole(_Anything):
        name: ClassVar[str] = "whole"
        needs: ClassVar[frozenset] = frozenset({"source"})

    assert register(Whole) is Whole
    assert method_class("whole") is Whole
