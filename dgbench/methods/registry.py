"""The methods that run in this process, by name: built in, registered by decorator, or offered by entry points."""

from __future__ import annotations

import importlib
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import get_args

from dgbench.core.errors import MissingError, UsageError, did_you_mean
from dgbench.core.groups import SANITY_BASELINES
from dgbench.core.pair import PAIR_ID
from dgbench.methods.contract import Need, Reenactor

ENTRY_POINT_GROUP = "dgbench.methods"

#: Name → "module:Class", imported only when asked for.
_BUILT_IN: dict[str, str] = {
    "copy-source": "dgbench.methods.sanity.copies:CopySource",
    "copy-reference": "dgbench.methods.sanity.copies:CopyReference",
    "target": "dgbench.methods.sanity.copies:Target",
    "blurred-target": "dgbench.methods.sanity.copies:BlurredTarget",
    "low-res-target": "dgbench.methods.sanity.copies:LowResTarget",
    "blurred-source": "dgbench.methods.sanity.copies:BlurredSource",
    "blend": "dgbench.methods.sanity.copies:Blend",
    "shuffled": "dgbench.methods.sanity.copies:Shuffled",
    "black": "dgbench.methods.sanity.copies:Black",
    "memory": "dgbench.methods.sanity.memory:Memory",
    "landmark-warp": "dgbench.methods.warps.landmark_warps:LandmarkWarp",
    "landmark-warp-3d": "dgbench.methods.warps.landmark_warps:LandmarkWarp3d",
    "face-swap-warp": "dgbench.methods.warps.landmark_warps:FaceSwapWarp",
    "dg": "dgbench.models.dg.reenactor:DualGenerator",
    "dg-rfg-alone": "dgbench.models.dg.reenactor:FaceGeneratorAlone",
}
_REGISTERED: dict[str, type[Reenactor]] = {}

#: Methods without learning; they take no checkpoint either.
WARPS = ("landmark-warp", "landmark-warp-3d", "face-swap-warp")
NEED_CHECKPOINT = ("dg", "dg-rfg-alone")


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
        MissingError: the package that offers it cannot be imported.
    """
    if name in _REGISTERED:
        return _REGISTERED[name]
    if name in _BUILT_IN:
        module, attribute = _BUILT_IN[name].split(":")
        return _check(getattr(importlib.import_module(module), attribute), name)
    for point in entry_points(group=ENTRY_POINT_GROUP):
        if point.name == name:
            return _check(_load(point), name)
    raise UsageError(f"no method '{name}'; see `dgbench methods list`.{did_you_mean(name, method_names())}")


def check_checkpoint(name: str, checkpoint: Path | None) -> None:
    """Refuse a checkpoint for a method that takes none, whose record would name it nevertheless.

    Raises:
        UsageError: a sanity baseline or a warp was given one.
    """
    if checkpoint is not None and name in (*SANITY_BASELINES, *WARPS):
        raise UsageError(f"method '{name}' takes no --checkpoint")


def create(name: str) -> Reenactor:
    """Return a new, unloaded method by name."""
    return method_class(name)()


def _load(point: EntryPoint) -> object:
    """Return what an entry point names; a package of somebody else's may raise anything when it is imported."""
    try:
        return point.load()
    except Exception as error:
        cause = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise MissingError(f"method '{point.name}': {point.value} cannot be imported ({cause})") from error


def _check(candidate: object, name: str) -> type[Reenactor]:
    if not (isinstance(candidate, type) and issubclass(candidate, Reenactor)):
        raise UsageError(f"method '{name}' is not a subclass of dgbench.methods.contract.Reenactor")
    if lacks := [attribute for attribute in ("name", "needs") if not hasattr(candidate, attribute)]:
        raise UsageError(f"method class {candidate.__qualname__} lacks {' and '.join(lacks)}; set them in its body")
    if not isinstance(candidate.name, str) or not PAIR_ID.fullmatch(candidate.name):
        raise UsageError(f"method name '{candidate.name}' must be letters, digits, '.', '_', '-', '+'")
    if unknown := set(candidate.needs) - set(get_args(Need)):
        raise UsageError(f"method '{candidate.name}' needs '{unknown.pop()}'; known are {', '.join(get_args(Need))}")
    return candidate
