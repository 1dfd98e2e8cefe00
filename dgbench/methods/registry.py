"""The methods that run in this process, by name: built in, registered by decorator, or offered by entry points."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.metadata import entry_points

from dgbench.core.errors import UsageError, did_you_mean
from dgbench.core.pair import PAIR_ID
from dgbench.methods.contract import Reenactor

ENTRY_POINT_GROUP = "dgbench.methods"

#: Name → "module:Class", imported only when asked for.
_BUILT_IN: dict[str, str] = {
    "copy-source": "dgbench.methods.canaries:CopySource",
    "copy-reference": "dgbench.methods.canaries:CopyReference",
    "target": "dgbench.methods.canaries:Target",
    "blurred-target": "dgbench.methods.canaries:BlurredTarget",
    "shuffled": "dgbench.methods.canaries:Shuffled",
    "black": "dgbench.methods.canaries:Black",
    "dg": "dgbench.models.dg.reenactor:DualGenerator",
    "dg-rfg-alone": "dgbench.models.dg.reenactor:FaceGeneratorAlone",
}
_REGISTERED: dict[str, type[Reenactor]] = {}

CANARIES = ("copy-source", "copy-reference", "target", "blurred-target", "shuffled", "black")


def register(method: type[Reenactor]) -> type[Reenactor]:
    """Class decorator that makes a method known under its ``name`` in this process.

    Raises:
        UsageError: the name is taken by another class, or the class is no method.
    """
    _check(method, method.__name__)
    taken = _REGISTERED.get(method.name)
    if method.name in _BUILT_IN or (taken is not None and taken is not method):
        raise UsageError(f"method name '{method.name}' is taken; choose another")
    _REGISTERED[method.name] = method
    return method


def method_names() -> list[str]:
    """Return every method that can be named here, sorted."""
    return sorted({*_BUILT_IN, *_REGISTERED, *(point.name for point in entry_points(group=ENTRY_POINT_GROUP))})


def method_class(name: str) -> type[Reenactor]:
    """Return a method's class.

    Raises:
        UsageError: no method of that name, or what the name points to is no method.
    """
    if name in _REGISTERED:
        return _REGISTERED[name]
    if name in _BUILT_IN:
        module, attribute = _BUILT_IN[name].split(":")
        return _check(getattr(importlib.import_module(module), attribute), name)
    for point in entry_points(group=ENTRY_POINT_GROUP):
        if point.name == name:
            return _check(point.load(), name)
    raise UsageError(f"no method '{name}'; see `dgbench methods list`.{did_you_mean(name, method_names())}")


def create(name: str, factory: Callable[[type[Reenactor]], Reenactor] | None = None) -> Reenactor:
    """Return a new, unloaded method by name."""
    found = method_class(name)
    return factory(found) if factory else found()


def _check(candidate: object, name: str) -> type[Reenactor]:
    if not (isinstance(candidate, type) and issubclass(candidate, Reenactor)):
        raise UsageError(f"method '{name}' is not a subclass of dgbench.methods.contract.Reenactor")
    if not PAIR_ID.fullmatch(candidate.name):
        raise UsageError(f"method name '{candidate.name}' must be letters, digits, '.', '_', '-', '+'")
    return candidate
