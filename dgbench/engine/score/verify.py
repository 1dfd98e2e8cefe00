"""Measuring a published record again from its images, all pairs or a sample, for a statement beside it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pandas as pd

from dgbench.core.card import JudgeSet
from dgbench.core.digests import root_digest, sha256_file
from dgbench.core.errors import UsageError
from dgbench.core.pair import Pair
from dgbench.core.record import Record
from dgbench.engine.run.data import OpenData, open_data
from dgbench.engine.run.outputs import adopt_outputs
from dgbench.engine.run.plan import RunFolder
from dgbench.engine.score.run_images import RunImages
from dgbench.engine.score.scorer import score_run
from dgbench.io.provenance import code_version
from dgbench.networks.judges import load_judges
from dgbench.protocols.registry import load_protocol
from dgbench.results.records.statement import Artifact, Builder, Outcome, Sample, Statement, Verification, subject_of
from dgbench.results.records.store import PAIR_SCORES, metric_columns, read_pair_scores, read_record
from dgbench.scoring.recompute import TOLERANCE, audit_scores

_SHOWN = 20


def verify_record(
    folder: Path,
    outputs: Path,
    *,
    data: Path | None = None,
    weights: Path | None = None,
    sample: int | None = None,
    seed: int = 0,
    builder: str = "",
    tolerance: float = TOLERANCE,
    progress: Callable[[int, int], None] | None = None,
) -> Statement:
    """Measure a record again from its images.

    Args:
        folder: the record's folder.
        outputs: a folder, zip or tar of its images, named by pair id.
        data: the data set, where the protocol needs one.
        weights: folder with the judges' files.
        sample: how many pairs to measure, drawn with ``seed``; all by default, and then set metrics too. 0: only the
            digest of the images is looked at.
        seed: of the sample; drawn after the record was submitted, or the images can be chosen to fit it.
        builder: who measures, such as the address of a run of a workflow.
        tolerance: largest difference of a score, relative to the larger of 1 and the score.
        progress: called with (done, total) pairs.

    Raises:
        UsageError: no record, one that was not measured by judges, or of another text of its protocol; outputs that
            are none. MissingError: data or weights are not here.
    """
    record, table = read_record(folder), read_pair_scores(folder / PAIR_SCORES)
    if record.origin != "measured" or record.judges is None:
        raise UsageError(f"{folder}: its numbers were not measured by judges; there is nothing to measure again")
    loaded = load_protocol(f"{record.protocol.id}@{record.protocol.version}")
    if loaded.protocol.digest != record.protocol.digest:
        raise UsageError(f"{folder}: is of another text of {loaded.protocol.name} than the one here")
    opened = open_data(loaded, data, weights=weights)
    with tempfile.TemporaryDirectory(prefix="dgbench-verify-") as scratch:
        run = Path(scratch) / "run"
        adopt_outputs(loaded, opened, outputs, method=record.method.name, out=run, data=data, as_delivered=True)
        images = RunImages(RunFolder(run), opened)
        same, root = _same_outputs(record, outputs, images, opened.pairs)
        if sample is None:
            result = _whole(run, record, table, data, weights, tolerance, progress)
        else:
            result = _sampled(record, table, opened, images, weights, sample, seed, tolerance)
        inputs = root_digest(images.inputs(opened.pairs))
    agrees = not result[1] and same != "differ"
    materials = [("outputs", root), ("inputs", inputs), (loaded.protocol.name, loaded.protocol.digest)]
    return Statement(
        subject=subject_of(folder),
        predicate=Verification(
            builder=Builder(id=builder or "by hand", code=code_version()),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            materials=tuple(Artifact(name=name, digest={"sha256": value}) for name, value in materials),
            sample=Sample(
                pairs=len(table) if sample is None else min(sample, len(table)),
                of=len(table),
                seed=None if sample is None else seed,
            ),
            tolerance=tolerance,
            result=Outcome(
                agrees=agrees, outputs=same, scores=result[0], differences=tuple(result[1][:_SHOWN]), skipped=result[2]
            ),
        ),
    )


_Result = tuple[int, list[str], dict[str, str]]


def _same_outputs(
    record: Record, outputs: Path, images: RunImages, pairs: list[Pair]
) -> tuple[Literal["match", "differ", "unknown"], str]:
    """Whether the images are those of the record, as files or as dgbench stores them; and the root of the latter."""
    held = images.outputs(pairs)
    root = root_digest(held)
    if record.digests.outputs is None:
        return "unknown", root
    roots = {root}
    if outputs.is_dir():
        files = {pair: outputs / f"{pair}.png" for pair in held}
        roots.add(root_digest({pair: sha256_file(file) for pair, file in files.items() if file.is_file()}))
    return ("match" if record.digests.outputs in roots else "differ"), root


def _whole(
    run: Path,
    record: Record,
    table: pd.DataFrame,
    data: Path | None,
    weights: Path | None,
    tolerance: float,
    progress: Callable[[int, int], None] | None,
) -> _Result:
    judges: JudgeSet | None = record.judges
    assert judges is not None
    scored = score_run(run, judges=judges, weights=weights, data=data, progress=progress)
    again, found = read_pair_scores(scored.folder / PAIR_SCORES), list[str]()
    again = again[again["pair_id"].isin(table["pair_id"])]
    new = {metric.name: metric for metric in scored.record.metrics}
    skipped = {m.name: "it was not measured here" for m in record.metrics if m.name not in new}
    compared = 0
    for metric in record.metrics:
        if metric.name in skipped:
            continue
        if new[metric.name].card_digest != metric.card_digest:
            skipped[metric.name] = "its card is not the one of this version and these judges"
        elif metric.card.level == "set" and not record.coverage.complete:
            skipped[metric.name] = "the record is over a part of the pairs"
        elif metric.card.level == "set":
            compared += 1
            found += _differs(metric.name, metric.value, new[metric.name].value, tolerance)
        elif metric.name in metric_columns(table):
            compared += len(table)
            found += _differing_pairs(metric.name, table, again, tolerance)
    if record.primary_metric in skipped:
        found.append(f"{record.primary_metric}, which ranks the record, could not be measured again")
    return compared, found, skipped


def _differing_pairs(name: str, table: pd.DataFrame, again: pd.DataFrame, tolerance: float) -> list[str]:
    both = table.merge(again, on="pair_id", how="outer", suffixes=("", "__again"))
    old, new = both[name].astype(float), both[f"{name}__again"].astype(float)
    close = (old - new).abs() <= tolerance * new.abs().clip(lower=1.0)
    alike = both[f"{name}__measured"].fillna(False).astype(bool) == both[f"{name}__measured__again"].fillna(
        False
    ).astype(bool)
    bad = both[~(close & alike)]
    return [
        f"{name} of {row.pair_id}: the table says {before:.6f}, measured again {after:.6f}"
        for row, before, after in zip(bad.itertuples(), old[bad.index], new[bad.index], strict=True)
    ]


def _differs(name: str, before: float | None, after: float | None, tolerance: float) -> list[str]:
    if before is None or after is None:
        return [] if before is after else [f"{name}: the record says {before}, measured again {after}"]
    apart = abs(before - after) > tolerance * max(1.0, abs(after))
    return [f"{name}: the record says {before:.6f}, measured again {after:.6f}"] if apart else []


def _sampled(
    record: Record,
    table: pd.DataFrame,
    opened: OpenData,
    images: RunImages,
    weights: Path | None,
    sample: int,
    seed: int,
    tolerance: float,
) -> _Result:
    if sample == 0:
        return 0, [], {}
    assert record.judges is not None
    report = audit_scores(
        record,
        table,
        opened.pairs,
        images,
        judges=load_judges(record.judges, weights=weights),
        count=sample,
        seed=seed,
        size=opened.source.size,
        weights=weights,
        tolerance=tolerance,
    )
    found = [f"{f.metric}{f' of {f.pair_id}' if f.pair_id else ''}: {f.message}" for f in report.findings]
    if record.primary_metric in report.skipped:
        found.append(f"{record.primary_metric}, which ranks the record, could not be measured again")
    return report.n_scores, found, report.skipped
