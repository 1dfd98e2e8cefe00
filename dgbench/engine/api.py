"""The verbs as functions: what :func:`dgbench.run`, ``score``, ``evaluate`` and ``compute`` are."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from dgbench.core.card import JUDGE_SETS, JudgeSet
from dgbench.core.errors import UsageError
from dgbench.core.record import Record
from dgbench.engine.run.data import open_data
from dgbench.engine.run.methods import default_checkpoint, method_at_work
from dgbench.engine.run.outputs import adopt_outputs
from dgbench.engine.run.runner import Progress, RunSummary, run_method
from dgbench.engine.score.scorer import score_run
from dgbench.methods.contract import Reenactor
from dgbench.protocols.registry import load_protocol
from dgbench.scoring.folders import FolderScores, score_folders

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
    metrics: Sequence[str] = (),
    weights: AnyPath | None = None,
    data: AnyPath | None = None,
    partial: bool = False,
    progress: Progress | None = None,
) -> Record:
    """Score a run folder and return its record, which also lies in ``RUN/scores/<judges>/``.

    Args:
        run: a run folder.
        judges: which set of networks measures.
        metrics: these alone in place of the protocol's, by name, ``pkg.module:Class`` or ``./file.py:Class``; only the
            networks that they need are loaded, and the record never ranks.
        weights: folder of network weights; else ``DGBENCH_WEIGHTS``.
        data: the data, if it has moved since the run.
        partial: score a run that has not come to all its pairs over those that it has; such a record never ranks.
        progress: called with (done, total) pairs.

    Raises:
        UsageError: not a run folder, no such judges or metric. MissingError: weights that are needed are not here.
        WorkFailedError: the run has not come to all its pairs.
    """
    _check_judges(judges)
    return score_run(
        Path(run),
        judges=judges,
        weights=_path(weights),
        data=_path(data),
        only=metrics,
        partial=partial,
        progress=progress,
    ).record


def evaluate(
    protocol: str,
    *,
    outputs: AnyPath | None = None,
    method: str | Reenactor | None = None,
    judges: JudgeSet = "embedded",
    metrics: Sequence[str] = (),
    label: str | None = None,
    data: AnyPath | None = None,
    out: AnyPath | None = None,
    checkpoint: AnyPath | None = None,
    weights: AnyPath | None = None,
    device: str = "cpu",
    limit: int | None = None,
    progress: Progress | None = None,
) -> Record:
    """Measure a method on a protocol, from its images or by running it, and return the record.

    Args:
        protocol: ``id@version``, or ``id`` for its newest version.
        outputs: folder, zip or tar of images named ``<pair_id>.png``; give this or ``method``.
        method: a method's name, ``./file.py:Class``, or your own :class:`dgbench.Reenactor`.
        judges: which set of networks measures.
        metrics: these alone in place of the protocol's (see :func:`score`).
        label: the name to record; by default the method's, or ``outputs``.
        data: folder of the data set or of a prepared store; else ``DGBENCH_DATA_<DATASET>``.
        out: the run folder to make and keep; by default everything but the returned record is thrown away.
        checkpoint: weights for the method.
        weights: folder of network weights; else ``DGBENCH_WEIGHTS``.
        device: ``cpu`` or ``cuda[:N]``.
        limit: only the first N pairs, for trying a method; never ranks.
        progress: called with (done, planned), of the run and then of the scoring.

    Raises:
        UsageError: both or neither of ``outputs`` and ``method``, or a wrong name, folder or image set.
        MissingError: data or weights are not here.
    """
    if (outputs is None) == (method is None):
        raise UsageError("evaluate: give either outputs or method")
    _check_judges(judges)
    with contextlib.ExitStack() as stack:
        folder = Path(out) if out is not None else Path(stack.enter_context(tempfile.TemporaryDirectory())) / "run"
        if outputs is not None:
            if limit is not None or checkpoint is not None:
                raise UsageError("evaluate: limit and checkpoint are for a method that is run")
            loaded = load_protocol(protocol)
            opened = open_data(loaded, _path(data), weights=_path(weights))
            adopt_outputs(loaded, opened, Path(outputs), method=label or "outputs", out=folder, data=_path(data))
        else:
            assert method is not None
            with _at_work(method, checkpoint=_path(checkpoint)) as chosen:
                run_method(
                    load_protocol(protocol),
                    chosen,
                    out=folder,
                    label=label,
                    data=_path(data),
                    checkpoint=_path(checkpoint) or default_checkpoint(chosen.name),
                    weights=_path(weights),
                    device=device,
                    limit=limit,
                    progress=progress,
                )
        return score(folder, judges=judges, metrics=metrics, weights=weights, data=data, progress=progress)


def compute(
    first: AnyPath,
    second: AnyPath,
    *,
    metrics: Sequence[str],
    judges: JudgeSet = "embedded",
    weights: AnyPath | None = None,
) -> FolderScores:
    """Compute metrics between two folders of images; images of one name belong together.

    The second folder's images are source, reference and target in one. See
    :func:`dgbench.scoring.folders.score_folders`.

    Raises:
        UsageError: a folder or metric that is not there, or no names match. MissingError: weights are not here.
    """
    _check_judges(judges)
    return score_folders(Path(first), Path(second), metrics=metrics, judges=judges, weights=_path(weights))


def _check_judges(judges: str) -> None:
    if judges not in JUDGE_SETS:
        raise UsageError(f"judges '{judges}': choose one of {', '.join(JUDGE_SETS)}")


def _at_work(method: str | Reenactor, *, checkpoint: Path | None) -> contextlib.AbstractContextManager[Reenactor]:
    """A method that the caller made is the caller's to end."""
    return method_at_work(method, checkpoint=checkpoint) if isinstance(method, str) else contextlib.nullcontext(method)


def _path(given: AnyPath | None) -> Path | None:
    return Path(given) if given is not None else None
