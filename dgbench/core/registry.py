"""One lookup for everything that has a name: methods, metrics, data sets and pair samplers, built in or plugged in.

A name is looked for among what plug-ins registered, then among the built-in ones, then among the entry points of
installed packages. In place of a name, ``pkg.module:Name`` and ``./file.py:Name`` point at Python code directly.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from dgbench.core.errors import DgbenchError, MissingError, UsageError, did_you_mean

#: Modules or files to import before anything is looked up, separated as PATH is; ``--plugin`` adds to it.
PLUGINS = "DGBENCH_PLUGINS"

T = TypeVar("T")


class Registry(Generic[T]):
    """The things of one kind, by name.

    Args:
        kind: what one of them is called in messages.
        built_in: name → ``module:attribute``, imported only when asked for.
        group: the entry points by which installed packages offer more.
        check: takes (what was found, the name it was asked by) and returns it, or raises a UsageError.
        name_of: how a thing calls itself; two things of one name are refused. Without it a reference names itself.
        listed_by: the command that lists them, for messages; "" where there is none.
    """

    def __init__(
        self,
        kind: str,
        *,
        built_in: Mapping[str, str],
        group: str,
        check: Callable[[object, str], T],
        name_of: Callable[[T], str] | None = None,
        listed_by: str = "",
    ) -> None:
        self.kind, self.group = kind, group
        self._built_in, self._check, self._name_of, self._listed_by = built_in, check, name_of, listed_by
        self._registered: dict[str, T] = {}

    def register(self, item: object, *, name: str) -> T:
        """Make ``item`` known under ``name`` in this process.

        Raises:
            UsageError: it is not of this kind, or the name is taken by another one.
        """
        checked = self._check(item, name)
        taken = self._registered.get(name)
        if name in self._built_in and self._built_in[name] != _place(checked):
            raise UsageError(f"{_origin(checked)}: {self.kind} name '{name}' is taken by dgbench; choose another")
        if taken is not None and taken is not checked:
            raise UsageError(
                f"two plug-ins bring a {self.kind} '{name}' ({_origin(taken)} and {_origin(checked)}); rename one"
            )
        self._registered[name] = checked
        return checked

    def names(self) -> list[str]:
        """Return every name that is known here, sorted."""
        load_plugins()
        return sorted({*self._built_in, *self._registered, *self._offered()})

    def __contains__(self, name: str) -> bool:
        load_plugins()
        return is_reference(name) or name in self._built_in or name in self._registered or name in self._offered()

    def get(self, name: str) -> T:
        """Return what a name, ``pkg.module:Name`` or ``./file.py:Name`` stands for.

        Raises:
            UsageError: nothing is known by that name, two plug-ins bring it, or what it points to is of another kind
                or cannot be imported.
            MissingError: the package that offers it cannot be imported.
        """
        load_plugins()
        if name in self._built_in:
            module, _, attribute = self._built_in[name].partition(":")
            return self._check(getattr(importlib.import_module(module), attribute), name)
        if is_reference(name):
            found = self._check(resolve(name), name)
            return self.register(found, name=self._name_of(found)) if self._name_of else found
        offers = self._offered().get(name, [])
        sources = [point.value for point in offers]
        if name in self._registered and _place(self._registered[name]) not in sources:
            sources.append(_origin(self._registered[name]))
        if len(sources) > 1:
            raise UsageError(f"two plug-ins bring a {self.kind} '{name}' ({' and '.join(sources[:2])}); remove one")
        if name in self._registered:
            return self._registered[name]
        if offers:
            return self._check(self._load(offers[0]), name)
        see = f"; see `{self._listed_by}`" if self._listed_by else f" (known: {', '.join(self.names())})"
        raise UsageError(f"no {self.kind} '{name}'{see}.{did_you_mean(name, self.names())}")

    def _offered(self) -> dict[str, list[EntryPoint]]:
        found: dict[str, list[EntryPoint]] = {}
        for point in entry_points(group=self.group):
            others = found.setdefault(point.name, [])
            if all(point.value != other.value for other in others):
                others.append(point)
        return found

    def _load(self, point: EntryPoint) -> object:
        """Return what an entry point names; another author's package may raise anything when it is imported."""
        try:
            return point.load()
        except Exception as error:
            why = f"{point.value} cannot be imported ({_cause(error)})"
            raise MissingError(f"{self.kind} '{point.name}': {why}") from error


def is_reference(name: str) -> bool:
    """Whether a text points at Python code (``pkg.module:Name``, ``./file.py:Name``) and is no plain name."""
    place, sign, attribute = name.rpartition(":")
    return bool(sign and place) and attribute.isidentifier()


def resolve(reference: str) -> object:
    """Return what ``pkg.module:Name`` or ``./file.py:Name`` points at.

    Raises:
        UsageError: no such file, module or name in it, or it raises when it is imported.
    """
    place, _, attribute = reference.rpartition(":")
    module = import_place(place)
    if not hasattr(module, attribute):
        known = [name for name in vars(module) if not name.startswith("_")]
        raise UsageError(f"{reference}: {place} has no '{attribute}'.{did_you_mean(attribute, known)}")
    return getattr(module, attribute)


def absolute(reference: str, *, here: Path | None = None) -> str:
    """Return a reference, or the module of a plug-in, with a file's path made absolute; other names unchanged."""
    place, sign, attribute = reference.rpartition(":") if is_reference(reference) else (reference, "", "")
    if not place.endswith(".py"):
        return reference
    return str(((here or Path()) / Path(place).expanduser()).absolute()) + sign + attribute


def import_place(place: str) -> ModuleType:
    """Import a module by its dotted name, or a ``.py`` file by its path; a file is imported once in a process.

    Raises:
        UsageError: there is no such module or file, or it raises when it is imported.
    """
    try:
        return _import_file(Path(place).expanduser()) if place.endswith(".py") else importlib.import_module(place)
    except DgbenchError:
        raise
    except Exception as error:
        raise UsageError(f"{place}: cannot be imported ({_cause(error)})") from error


def _import_file(path: Path) -> ModuleType:
    path = path.resolve()
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    name = f"_dgbench_plugin_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def add_plugins(places: Sequence[str]) -> None:
    """Add modules or files to ``DGBENCH_PLUGINS``, so that processes that this one starts load them too."""
    named = [*_named(), *(absolute(place) for place in places)]
    os.environ[PLUGINS] = os.pathsep.join(dict.fromkeys(named))


def load_plugins() -> None:
    """Import every plug-in that ``DGBENCH_PLUGINS`` names, each once; they register what they bring.

    Raises:
        UsageError: one of them is not there or raises when it is imported.
    """
    for place in _named():
        if place not in _loaded:
            _loaded.add(place)  # before the import: a plug-in may look names up itself
            try:
                import_place(place)
            except BaseException:
                _loaded.discard(place)
                raise


_loaded: set[str] = set()


def _named() -> Iterator[str]:
    return (place for place in os.environ.get(PLUGINS, "").split(os.pathsep) if place)


def _place(item: object) -> str:
    """Return ``module:name`` of a class or function."""
    return f"{getattr(item, '__module__', '')}:{getattr(item, '__qualname__', '')}"


def _origin(item: object) -> str:
    """Return where a class or function is from, for messages."""
    module = getattr(item, "__module__", "")
    file = getattr(sys.modules.get(module), "__file__", None)
    return str(file or module or item)


def _cause(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
