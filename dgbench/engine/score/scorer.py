"""Scoring a run: its images against the protocol's, by one set of judges, into a record written last."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dgbench.core.card import JudgeSet
from dgbench.core.digests import digest, root_digest, sha256_bytes
from dgbench.core.errors import UsageError
from dgbench.core.pair import Pair
from dgbench.core.record import SUBSET_NOTE, Digests, MethodRef, ProtocolRef, Record
from dgbench.engine.run.data import OpenData, open_data
from dgbench.engine.run.outputs import delivery_notes
from dgbench.engine.run.plan import RunFolder, RunPlan, read_plan
from dgbench.engine.run.state import require_complete, untried
from dgbench.engine.score.run_images import RunImages
from dgbench.io.cache import writable_cache_folder
from dgbench.io.locks import folder_lock
from dgbench.io.provenance import code_version, environment
from dgbench.metrics.registry import with_companions
from dgbench.networks.judges import Judges, load_judges
from dgbench.protocols.pairs_file import pair_set_digest
from dgbench.protocols.registry import LoadedProtocol, load_protocol
from dgbench.results.records.store import parquet_bytes, write_record
from dgbench.scoring.evaluator import evaluate
from dgbench.scoring.judging import judges_digest
from dgbench.scoring.panel import panel_for


@dataclass(frozen=True)
class Scored:
    """A finished scoring: the record and its folder."""

    record: Record
    folder: Path


def score_run(
    run: Path,
    *,
    judges: JudgeSet,
    weights: Path | None = None,
    data: Path | None = None,
    also: Sequence[str] = (),
    only: Sequence[str] = (),
    partial: bool = False,
    workers: int | None = None,
    wait_s: float = 0.0,
    progress: Callable[[int, int], None] | None = None,
) -> Scored:
    """Score a run folder and write ``RUN/scores/<judges>/``.

    Args:
        run: a run folder.
        judges: which set of networks measures.
        weights: folder with their files (else ``DGBENCH_WEIGHTS``).
        data: the data, if it has moved since the run.
        also: metrics beside the protocol's, such as those that bring a network of their own.
        only: these metrics in place of the protocol's, by the judges that they need alone. The record never ranks, and
            lies in a folder of its own, ``RUN/scores/<judges>-only-<metrics>/``.
        partial: score a run that has not come to all its pairs over those that it has; it never ranks.
        workers: threads that look at images; all cores by default. No value depends on it.
        wait_s: how long to wait for another process that scores this run with the same judges.
        progress: called with (done, total) pairs.

    Raises:
        UsageError: not a run folder, or the protocol, or the pairs that the copy of the data covers, have changed
            since the run.
        MissingError: a judge's weights are not here (nothing was scored).
        WorkFailedError: the run has not come to all its pairs, and ``partial`` is not set.
    """
    folder = RunFolder(run)
    plan = read_plan(folder)
    loaded = load_protocol(plan.protocol)
    if loaded.protocol.digest != plan.protocol_digest:
        raise UsageError(f"{run}: was made with another version of {plan.protocol}'s files; run it again")
    delivered = delivery_notes(folder)
    if only and also:
        raise UsageError("metrics are asked for alone or beside the protocol's, not both")
    if only:
        chosen = panel_for(only, judges=judges, weights=weights)
        panel, names = chosen.judges, chosen.metrics
    else:
        panel = load_judges(judges, weights=weights)
        names = with_companions([*metric_names_for(loaded, panel.features_name), *also])
    opened = open_data(loaded, data or (Path(plan.data) if plan.data else None), weights=weights)
    pairs = _planned(folder, plan, opened)
    if partial:
        waiting = {pair.pair_id for pair in untried(folder, pairs)}
        pairs = [pair for pair in pairs if pair.pair_id not in waiting]
        if not pairs:
            raise UsageError(f"{run}: not one pair has a result yet; there is nothing to score")
    else:
        require_complete(folder, pairs)
    scores = folder.scores(f"{judges}-only-{_folder_name(names)}" if only else judges)
    with folder_lock(scores, purpose=f"score with {judges}", timeout_s=wait_s):
        record, table = _score(
            folder, plan, loaded, opened, pairs, panel, weights, progress, names=names, workers=workers, notes=delivered
        )
        if only:
            said = ", ".join(value.name for value in record.metrics)
            record = record.model_copy(update={"notes": (*record.notes, f"{SUBSET_NOTE}: {said}")})
        write_record(scores, record, table, environment())
    return Scored(record=record, folder=scores)


def _folder_name(names: Sequence[str]) -> str:
    """Return a name of a folder that tells the metrics; a digest ends what would be too long."""
    plain = "+".join(re.sub(r"[^A-Za-z0-9_.-]+", "-", name.rpartition(":")[2]).strip("-") for name in names)
    return plain if len(plain) <= 60 else f"{plain[:50]}-{digest(list(names))[:8]}"


def metric_names_for(loaded: LoadedProtocol, features_name: str) -> list[str]:
    """Return the protocol's metrics as they are named with these judges.

    ``fid`` and ``kid`` are for the official Inception alone and ``fd`` for every other feature space, so which of
    them a record holds depends on who judges.
    """
    official = not features_name.startswith("fd[")
    names = []
    for name in loaded.protocol.metrics:
        if name in ("fid", "kid") and not official:
            continue
        if name == "fd":
            if official:
                continue
            name = features_name
        names.append(name)
    return names


def _score(
    folder: RunFolder,
    plan: RunPlan,
    loaded: LoadedProtocol,
    opened: OpenData,
    pairs: list[Pair],
    panel: Judges,
    weights: Path | None,
    progress: Callable[[int, int], None] | None,
    *,
    names: Sequence[str],
    workers: int | None,
    notes: list[str],
) -> tuple[Record, Any]:
    planned = len(pairs)
    pairs, unreadable = _readable(pairs, opened)
    images = RunImages(folder, opened)
    sheet = evaluate(
        pairs,
        images,
        judges=panel,
        metrics=names,
        weights=weights,
        cache=writable_cache_folder("observations"),
        size=opened.source.size,
        inside=loaded.protocol.frame.crop != "as-stored",
        workers=workers,
        progress=_counting(progress, len(pairs)),
    )
    generated, failed = images.counts(pairs)
    values, table = sheet.metric_values(), sheet.frame()
    notes = [
        *notes,
        *(f"images cropped by {name} points: {count}" for name, count in opened.source.provenance().items()),
    ]
    notes += [f"inputs {opened.inputs}"] if opened.inputs else []
    notes += opened.prepared_by
    notes += [f"pairs left out, their data cannot be read: {problem}" for problem in unreadable]
    if plan.edited:
        notes.append("the method's code was edited during the run (--accept-edited)")
    if plan.limit:
        notes.append(f"only the first {plan.limit} pairs (--limit)")
    record = Record(
        run_id=_run_id(plan, panel.name, [value.card_digest for value in values], parquet_bytes(table)),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        protocol=ProtocolRef(id=loaded.protocol.id, version=loaded.protocol.version, digest=loaded.protocol.digest),
        method=MethodRef(
            name=plan.method,
            digest=plan.method_digest,
            motion=plan.motion,
            checkpoint_sha256=plan.checkpoint_sha256,
            training_data=plan.training_data,
            parameters=plan.parameters,
        ),
        judges=panel.name,
        seed=plan.seed,
        coverage=opened.coverage(
            [pair.pair_id for pair in pairs], generated=generated, failed=failed, lost=planned - len(pairs)
        ),
        metrics=values,
        primary_metric=loaded.protocol.primary_metric,
        code=code_version(),
        digests=Digests(
            outputs=root_digest(images.outputs(pairs)),
            inputs=root_digest(images.inputs(pairs)),
            method_code=None if plan.edited else plan.method_code,
            judges=judges_digest(panel),
        ),
        notes=tuple(notes),
    )
    images.keep_inputs(panel.name)
    return record, table


def _planned(folder: RunFolder, plan: RunPlan, opened: OpenData) -> list[Pair]:
    """Return the pairs that the run was asked for.

    Raises:
        UsageError: this copy covers other pairs. Those that the method was never asked for would count as its failures.
    """
    pairs = opened.pairs[: plan.limit]
    if pair_set_digest([pair.pair_id for pair in pairs]) != plan.pair_set:
        raise UsageError(
            f"{folder.root}: was made for other pairs than the {len(opened.pairs)} that this copy of the data covers "
            "now; give the copy that it was made with as --data, or run the method again into another folder"
        )
    return pairs


def _readable(pairs: list[Pair], opened: OpenData) -> tuple[list[Pair], list[str]]:
    """Split off the pairs whose real images this copy cannot give: they are not covered, which is no method's fault.

    Raises:
        UsageError: no pair is left.
    """
    # Each key once: a source may have to read the image to tell.
    problems = {key: opened.source.problem(key) for key in dict.fromkeys(key for pair in pairs for key in pair.keys)}
    kept = [pair for pair in pairs if not any(problems[key] for key in pair.keys)]
    unreadable = sorted({problem for problem in problems.values() if problem})
    if not kept:
        raise UsageError(f"not one pair's images can be read ({unreadable[0]})")
    return kept, unreadable


def _counting(progress: Callable[[int, int], None] | None, total: int) -> Callable[[int], None] | None:
    """Turn steps into (done, total)."""
    if progress is None:
        return None
    done = 0

    def step(count: int) -> None:
        nonlocal done
        done += count
        progress(done, total)

    return step


def _run_id(plan: RunPlan, judges: str, cards: list[str], table: bytes) -> str:
    """Name a record by what it measured and found: the same run scored again has the same id, a changed one never."""
    content = digest(
        [plan.model_dump(mode="json", exclude={"data", "method_code", "edited"}), judges, cards, sha256_bytes(table)]
    )
    return f"{plan.seed}-{content[:16]}"
