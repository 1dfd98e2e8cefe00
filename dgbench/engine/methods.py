"""From a method's name on the command line to a method ready to load: in this process, or in a worker."""

from __future__ import annotations

from pathlib import Path

from dgbench.core.errors import UsageError, did_you_mean
from dgbench.methods.baseline_card import baseline_names, load_card
from dgbench.methods.contract import Reenactor
from dgbench.methods.registry import create, method_names
from dgbench.methods.worker import IsolatedReenactor


def build_method(
    name: str, *, repo: Path | None = None, python: Path | None = None, checkpoint: Path | None = None
) -> Reenactor:
    """Return an unloaded method.

    Raises:
        UsageError: no such method, or options that do not fit it. MissingError: a third-party method's checkout or
            weights are not named.
    """
    if name in method_names():
        if repo or python:
            raise UsageError(f"method '{name}' runs in this process; --repo and --python are for third-party methods")
        return create(name)
    if name in baseline_names():
        return IsolatedReenactor(load_card(name), repo=repo, python=python, checkpoint=checkpoint)
    known = sorted({*method_names(), *baseline_names()})
    raise UsageError(f"no method '{name}'; see `dgbench methods list`.{did_you_mean(name, known)}")
