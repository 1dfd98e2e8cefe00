"""What every verb has beyond its own options: plug-ins, and help that names things instead of Python types."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import typer

#: Verbs that know third-party workers.
_WITH_BASELINES = ("run", "suite", "methods list", "methods check", "train baseline")

_Plugin = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        metavar="MODULE",
        help="A module or ./file.py that brings methods, metrics, data sets; may be repeated [DGBENCH_PLUGINS].",
    ),
]
_Baselines = Annotated[
    list[Path] | None,
    typer.Option("--baselines", metavar="DIR", help="More third-party workers; may be repeated [DGBENCH_BASELINES]."),
]
_ADDED = {"plugin": _Plugin, "baselines": _Baselines}

#: Parameter → what its value is; others are shown by their names.
_SHOWN = {
    "protocol": "ID",
    "data": "DIR",
    "root": "DIR",
    "weights": "DIR",
    "repo": "DIR",
    "results": "DIR",
    "store": "DIR",
    "python": "FILE",
    "config": "FILE",
    "shard": "I/N",
    "option": "KEY=VALUE",
    "judges": "SET",
    "metrics": "NAME",
    "name": "NAME",
    "label": "NAME",
    "trained_on": "NAME",
    "max_failures": "N|N%",
    "device": "cpu|cuda[:N]",
}


def with_plugins(function: Callable[..., Any], verb: str) -> Callable[..., Any]:
    """Return the verb's function with ``--plugin``, and ``--baselines`` where it knows workers."""
    added = {name: kind for name, kind in _ADDED.items() if name == "plugin" or verb in _WITH_BASELINES}

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = {name: kwargs.pop(name, None) for name in added}
        _load(given["plugin"] or (), given.get("baselines") or ())
        return function(*args, **kwargs)

    hints = {**get_type_hints(function, include_extras=True), **added}
    signature = inspect.signature(function)
    more = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in added]
    every = [one.replace(annotation=hints[one.name]) for one in (*signature.parameters.values(), *more)]
    call.__signature__ = signature.replace(parameters=every)  # type: ignore[attr-defined]
    call.__annotations__ = hints
    return call


def _load(plugins: list[str] | tuple[str, ...], baselines: list[Path] | tuple[Path, ...]) -> None:
    if baselines:
        from dgbench.methods.baseline_card import add_baselines

        add_baselines(baselines)
    if plugins:
        from dgbench.core.registry import add_plugins, load_plugins

        add_plugins(plugins)
        load_plugins()


def name_values(command: Any, function: Callable[..., Any]) -> None:
    """Set what help shows as the value of each parameter: ID, DIR, FILE, N, or the parameter's own name."""
    hints = get_type_hints(function)
    for parameter in command.params:
        if parameter.metavar is None and parameter.name in hints:
            parameter.metavar = _shown(parameter.name, hints[parameter.name])
        if parameter.param_type_name == "argument":
            parameter.get_help_record = functools.partial(_without_type, parameter.get_help_record)


def _without_type(record: Callable[[Any], tuple[str, str] | None], context: Any) -> tuple[str, str] | None:
    """Return an argument's line of help; some versions of Typer put the Python type behind the name."""
    line = record(context)
    return None if line is None else (line[0].split(" <")[0], line[1])


def _shown(name: str, hint: Any) -> str | None:
    kinds = {hint, *get_args(hint), *(inner for kind in get_args(hint) for inner in get_args(kind))}
    if bool in kinds:
        return None
    if name in _SHOWN:
        return _SHOWN[name]
    if kinds & {int, float}:
        return "N"
    return "PATH" if Path in kinds else name.upper().rstrip("_")
