"""Audit of a scored run: its record against its table, and sampled scores computed again from the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dgbench.core.digests import seed_of
from dgbench.core.errors import MissingError, UsageError
from dgbench.core.pair import Pair
from dgbench.core.record import Record
from dgbench.metrics.contract import ImageSource, Judges, Metric, PairMetric
from dgbench.metrics.registry import make_metric
from dgbench.results.records.store import metric_columns
from dgbench.scoring.evaluator import evaluate

#: Scores are recomputed on perhaps another machine: networks differ there in the sixth digit.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Finding:
    """Something that is not as the record says: which metric, which pair ("" for the whole run), and what."""

    metric: str
    pair_id: str
    message: str


@dataclass(frozen=True)
class AuditReport:
    """What was checked and what was found; nothing found means that everything agreed.

    ``skipped`` names the metrics that could not be recomputed, with the reason.
    """

    n_pairs: int
    n_scores: int
    findings: tuple[Finding, ...]
    skipped: dict[str, str]


def sample_pairs(pairs: Sequence[Pair], table: pd.DataFrame, *, count: int, seed: int = 0) -> list[Pair]:
    """Return the pairs to recompute: a seeded sample in which failed pairs are not left out.

    Half of the sample, as far as there are such pairs, is of pairs with a score that was not measured: a failure
    that is none is as wrong as a number that is none.
    """
    failed_ids = set(table.loc[~_all_measured(table), "pair_id"])
    generator = np.random.default_rng(seed_of("audit", seed))
    ordered = sorted(pairs, key=lambda pair: pair.pair_id.encode())
    groups = ([p for p in ordered if p.pair_id in failed_ids], [p for p in ordered if p.pair_id not in failed_ids])
    take = min(len(groups[0]), count // 2)
    counts = (take, min(len(groups[1]), count - take))
    return [
        group[index]
        for group, n in zip(groups, counts, strict=True)
        for index in sorted(generator.choice(len(group), n, replace=False) if n else [])
    ]


def audit_scores(
    record: Record,
    table: pd.DataFrame,
    pairs: Sequence[Pair],
    images: ImageSource,
    *,
    judges: Judges,
    count: int = 20,
    seed: int = 0,
    size: int | None = None,
    weights: Path | None = None,
    tolerance: float = TOLERANCE,
) -> AuditReport:
    """Recompute sampled pair scores from the images and compare them with the table; check the record's means.

    Args:
        record: the run's record.
        table: its pair table.
        pairs: the protocol's pairs; those of the table must be among them.
        images: the run's images.
        judges: the judge set that the record names.
        count: pairs to recompute.
        seed: of the sample.
        size: side of the protocol's frame in px.
        weights: folder with the networks of metrics that bring their own.
        tolerance: largest difference, relative to the larger of 1 and the value.

    Raises:
        UsageError: the table holds a pair that the protocol does not.
    """
    unknown = sorted(set(table["pair_id"]) - {pair.pair_id for pair in pairs})
    if unknown:
        raise UsageError(f"the scores hold pair {unknown[0]!r}, which the protocol does not have")
    there = [pair for pair in pairs if pair.pair_id in set(table["pair_id"])]
    findings = list(_mean_findings(record, table, tolerance))
    metrics, skipped = _recomputable(record, table, judges, weights)
    chosen = sample_pairs(there, table, count=count, seed=seed)
    if not chosen or not metrics:
        return AuditReport(len(chosen), 0, tuple(findings), skipped)
    sheet = evaluate(chosen, images, judges=judges, metrics=metrics, size=size, weights=weights, draws=1)
    again = sheet.frame()
    old = table.set_index("pair_id").loc[again["pair_id"]]
    compared = 0
    for name in metric_columns(again):
        for row, pair_id in enumerate(again["pair_id"]):
            compared += 1
            message = _difference(old[name].iloc[row], old[f"{name}__measured"].iloc[row], again, name, row, tolerance)
            if message:
                findings.append(Finding(name, pair_id, message))
    return AuditReport(len(chosen), compared, tuple(findings), skipped)


def _all_measured(table: pd.DataFrame) -> pd.Series:
    return table[[f"{name}__measured" for name in metric_columns(table)]].all(axis=1)


def _recomputable(
    record: Record, table: pd.DataFrame, judges: Judges, weights: Path | None
) -> tuple[list[Metric], dict[str, str]]:
    """Return the pair metrics whose card is today's card, and the others with the reason."""
    metrics: list[Metric] = []
    skipped: dict[str, str] = {}
    for value in record.metrics:
        if value.card.level != "pair":
            skipped[value.name] = "a set metric has no score per pair"
        elif value.name in table.columns:
            try:
                metric = make_metric(value.name, judges, weights=weights)
            except (UsageError, MissingError) as error:
                skipped[value.name] = str(error)
                continue
            if isinstance(metric, PairMetric) and "pixels" in value.card.parameters:
                metric = metric.inside()
            if isinstance(metric, PairMetric) and metric.of_all_pairs:
                skipped[value.name] = "a pair's value depends on all pairs of the run"
            elif metric.card.digest != value.card_digest:
                skipped[value.name] = "its card is not the one of this version and these judges"
            else:
                metrics.append(metric)
    return metrics, skipped


def _mean_findings(record: Record, table: pd.DataFrame, tolerance: float) -> list[Finding]:
    found = []
    for value in record.metrics:
        if value.name not in table.columns or value.value is None:
            continue
        mean = float(table[value.name].mean())
        if abs(mean - value.value) > tolerance * max(1.0, abs(mean)):
            message = f"the record says {value.value:.6f}, the mean of its pairs is {mean:.6f}"
            found.append(Finding(value.name, "", message))
        floor = value.card.floor
        at_floor = table.loc[~table[f"{value.name}__measured"], value.name]
        if floor is not None and not np.allclose(at_floor, floor):
            found.append(Finding(value.name, "", f"a pair that was not measured is not at the floor {floor:g}"))
    return found


def _difference(
    old: float, old_measured: bool, again: pd.DataFrame, name: str, row: int, tolerance: float
) -> str | None:
    new, measured = float(again[name].iloc[row]), bool(again[f"{name}__measured"].iloc[row])
    if measured != bool(old_measured):
        said = "measured" if old_measured else "failed"
        return f"the table says {said} ({old:.6f}), recomputed it is {'measured' if measured else 'failed'} ({new:.6f})"
    if abs(new - old) > tolerance * max(1.0, abs(new)):
        return f"the table says {old:.6f}, recomputed {new:.6f}"
    return None
