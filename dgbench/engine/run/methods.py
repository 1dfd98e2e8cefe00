"""From a method's name on the command line to a method ready to load: in this process, or in a worker."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from dgbench.core.errors import UsageError, did_you_mean
from dgbench.methods.baseline_card import baseline_names, load_card
from dgbench.methods.contract import Reenactor
from dgbench.methods.registry import METHODS, NEED_CHECKPOINT, create, method_names
from dgbench.methods.worker import IsolatedReenactor


@dataclass(frozen=True)
class WorkerSetup:
    """How a third-party method is run: checkout, interpreter, the method's own options, seconds a pair may take.

    ``trained_on`` says what the user's own weights were trained on.
    """

    repo: Path | None = None
    python: Path | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    any_commit: bool = False
    timeout_s: float = 120.0
    trained_on: tuple[str, ...] = ()


def parse_options(texts: Sequence[str]) -> dict[str, str]:
    """Read ``KEY=VALUE`` texts.

    Raises:
        UsageError: one is not of that form.
    """
    pairs = [text.partition("=") for text in texts]
    if wrong := [text for text, (key, sign, _) in zip(texts, pairs, strict=True) if not (key and sign)]:
        raise UsageError(f"--option '{wrong[0]}': write KEY=VALUE")
    return {key: value for key, _, value in pairs}


def default_checkpoint(name: str) -> Path | None:
    """Return the weights that a method is run with when none are named: those that ship with dgbench, if any."""
    if name not in NEED_CHECKPOINT:
        return None
    folder = Path(str(resources.files("dgbench"))) / "models" / "dg" / "shipped"
    return folder if (folder / "model.safetensors").is_file() else None


@contextlib.contextmanager
def method_at_work(
    name: str, *, checkpoint: Path | None = None, worker: WorkerSetup | None = None
) -> Iterator[Reenactor]:
    """Yield what :func:`build_method` returns for the same arguments; a worker that it starts ends with the block."""
    method = build_method(name, checkpoint=checkpoint, worker=worker)
    try:
        yield method
    finally:
        if isinstance(method, IsolatedReenactor):
            method.close()


def build_method(name: str, *, checkpoint: Path | None = None, worker: WorkerSetup | None = None) -> Reenactor:
    """Return an unloaded method.

    Args:
        name: a method of this process or a baseline.
        checkpoint: weights; a baseline's may also be named by its environment variable.
        worker: how a baseline is run; nothing of it fits a method of this process.

    Raises:
        UsageError: no such method, or options that do not fit it. MissingError: a third-party method's checkout or
            weights are not named.
    """
    if name in METHODS:
        if worker is not None and worker != WorkerSetup():
            raise UsageError(
                f"method '{name}' runs in this process; --repo, --python, --option, --any-commit, --timeout and "
                "--trained-on are for third-party methods"
            )
        return create(name)
    if name in baseline_names():
        how = worker or WorkerSetup()
        return IsolatedReenactor(
            load_card(name),
            repo=how.repo,
            python=how.python,
            checkpoint=checkpoint,
            options=how.options,
            any_commit=how.any_commit,
            timeout_s=how.timeout_s,
            trained_on=how.trained_on,
        )
    known = sorted({*method_names(), *baseline_names()})
    raise UsageError(f"no method '{name}'; see `dgbench methods list`.{did_you_mean(name, known)}")
