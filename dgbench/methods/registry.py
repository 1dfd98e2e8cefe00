"""The methods that run in this process, by name."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from dgbench.core.errors import UsageError
from dgbench.core.groups import SANITY_BASELINES
from dgbench.core.pair import PAIR_ID
from dgbench.core.registry import Registry
from dgbench.methods.contract import Need, Reenactor

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
    "dg-detected": "dgbench.models.dg.detected:DetectedDualGenerator",
}
#: Methods without learning; they take no checkpoint either.
WARPS = ("landmark-warp", "landmark-warp-3d", "face-swap-warp")
NEED_CHECKPOINT = ("dg", "dg-rfg-alone", "dg-detected")


def register(method: type[Reenactor]) -> type[Reenactor]:
    """Class decorator that makes a method known under its ``name`` in this process.

    Raises:
        UsageError: the name is taken by another class, or the class is no method.
    """
    _check(method, getattr(method, "__name__", str(method)))
    return METHODS.register(method, name=method.name)


def method_names() -> list[str]:
    """Return every method that can be named here, sorted."""
    return METHODS.names()


def method_class(name: str) -> type[Reenactor]:
    """Return a method's class, by name, ``pkg.module:Class`` or ``./file.py:Class``.

    Raises:
        UsageError: no method of that name, or what the name points to is no method.
        MissingError: the package that offers it cannot be imported.
    """
    return METHODS.get(name)


def check_checkpoint(name: str, checkpoint: Path | None) -> None:
    """Refuse a checkpoint for a method that takes none, whose record would name it nevertheless.

    Raises:
        UsageError: a sanity baseline or a warp was given one.
    """
    if checkpoint is not None and name in (*SANITY_BASELINES, *WARPS):
        raise UsageError(f"method '{name}' takes no --checkpoint")


def create(name: str) -> Reenactor:
    """Return a new, unloaded method by name.

    Raises:
        UsageError: as :func:`method_class`, or the class cannot be made without arguments.
    """
    kind = method_class(name)
    try:
        return kind()
    except TypeError as error:
        raise UsageError(f"method '{name}': {kind.__qualname__}() cannot be made ({error})") from error


def _check(candidate: object, name: str) -> type[Reenactor]:
    if not (isinstance(candidate, type) and issubclass(candidate, Reenactor)):
        raise UsageError(f"method '{name}' is not a subclass of dgbench.Reenactor")
    if lacks := [attribute for attribute in ("name", "needs") if not hasattr(candidate, attribute)]:
        raise UsageError(f"method class {candidate.__qualname__} lacks {' and '.join(lacks)}; set them in its body")
    if not isinstance(candidate.name, str) or not PAIR_ID.fullmatch(candidate.name):
        raise UsageError(f"method name '{candidate.name}' must be letters, digits, '.', '_', '-', '+'")
    if unknown := set(candidate.needs) - set(get_args(Need)):
        raise UsageError(f"method '{candidate.name}' needs '{unknown.pop()}'; known are {', '.join(get_args(Need))}")
    return candidate


METHODS: Registry[type[Reenactor]] = Registry(
    "method",
    built_in=_BUILT_IN,
    group="dgbench.methods",
    check=_check,
    name_of=lambda method: method.name,
    listed_by="dgbench methods list",
)
