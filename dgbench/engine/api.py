"""The verbs ``run`` and ``score`` as functions: what :func:`dgbench.run` and :func:`dgbench.score` are."""

from __future__ import annotations

import contextlib
from os import PathLike
from pathlib import Path

from dgbench.core.card import JUDGE_SETS, JudgeSet
from dgbench.core.errors import UsageError
from dgbench.core.record import Record
from dgbench.engine.run.methods import default_checkpoint, method_at_work
from dgbench.engine.run.runner import Progress, RunSummary, run_method
from dgbench.engine.score.scorer import score_run
from dgbench.methods.contract import Reenactor
from dgbench.protocols.registry import load_protocol

AnyPath = str | PathLike[str]


def run(
    protocol: str,
    method: str | Reenactor,
    out: AnyPath,
    *,
    data: AnyPath | None = None,
    checkpoint: AnyPath | None = None,
    weights: AnyPath | None = None,
    device: str = "cpu",
    limit: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> RunSummary:
    """Run a method over a protocol's pairs; calling it again goes on where it was stopped.

    Args:
        protocol: ``id@version``, or ``id`` for its newest version.
        method: a method's name, or your own :class:`dgbench.Reenactor`.
        out: the run folder: new, or holding the same run unfinished.
        data: folder of the data set or of a prepared store; else ``DGBENCH_DATA_<DATASET>``.
        checkpoint: weights for the method; of ``dg`` those that ship with dgbench, where none are named.
        weights: folder of network weights; else ``DGBENCH_WEIGHTS``.
        device: ``cpu`` or ``cuda[:N]``.
        limit: only the first N pairs, for trying things.
        seed: the run seed.
        progress: called with (done, planned).

    Returns:
        Counts of what was planned, generated and failed.

    Raises:
        UsageError, MissingError, WorkFailedError: see their docstrings; each message says what to do.
    """
    weights_of = _path(checkpoint)
    if weights_of is None and isinstance(method, str):
        weights_of = default_checkpoint(method)
    with _at_work(method, checkpoint=weights_of) as chosen:
        return run_method(
            load_protocol(protocol),
            chosen,
            out=Path(out),
            data=_path(data),
            checkpoint=weights_of,
            weights=_path(weights),
            device=device,
            limit=limit,
            seed=seed,
            progress=progress,
        )


def score(
    run: AnyPath,
    *,
    judges: JudgeSet = "embedded",
    weights: AnyPath | None = None,
    data: AnyPath | None = None,
    partial: bool = False,
) -> Record:
    """Score a run folder and return its record, which also lies in ``RUN/scores/<judges>/``.

    ``partial`` scores a run that has not come to all its pairs over those that it has; such a record never ranks.

    Raises:
        UsageError: not a run folder, or no such judges. MissingError: weights that the judges need are not here.
        WorkFailedError: the run has not come to all its pairs.
    """
    if judges not in JUDGE_SETS:
        raise UsageError(f"judges '{judges}': choose one of {', '.join(JUDGE_SETS)}")
    return score_run(Path(run), judges=judges, weights=_path(weights), data=_path(data), partial=partial).record


def _at_work(method: str | Reenactor, *, checkpoint: Path | None) -> contextlib.AbstractContextManager[Reenactor]:
    """A method that the caller made is the caller's to end."""
    return method_at_work(method, checkpoint=checkpoint) if isinstance(method, str) else contextlib.nullcontext(method)


def _path(given: AnyPath | None) -> Path | None:
    return Path(given) if given is not None else None
