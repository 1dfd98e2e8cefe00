"""Which pairs the report shows as images: the worst, the median, the best, the failed, and a sample all share."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from dgbench.core.digests import seed_of
from dgbench.report.images import Pictures
from dgbench.report.views import SectionView, slug
from dgbench.results.boards.board import Row
from dgbench.results.records.store import metric_columns

Why = Literal["worst", "median", "best", "failed", "sample"]


@dataclass(frozen=True)
class Shown:
    """One pair as shown: its images' names below the site (``None`` = none), why it was chosen, its scores."""

    pair_id: str
    why: tuple[Why, ...]
    identity: str
    reference_identity: str
    bin: str
    status: str
    failure: str
    images: dict[str, str | None]
    scores: tuple[tuple[str, float, bool], ...]


@dataclass(frozen=True)
class Gallery:
    """The images of one record."""

    href: str
    protocol: str
    judges: str
    method: str
    row: Row
    primary: str
    shown: tuple[Shown, ...]

    @property
    def pairs(self) -> int:
        """How many pairs are shown."""
        return len(self.shown)


@dataclass(frozen=True)
class StripRow:
    """One pair by several methods: images' names by role, and by method with the primary score."""

    pair_id: str
    bin: str
    inputs: dict[str, str | None]
    generated: tuple[tuple[str | None, float | None], ...]


def shared_sample(table: pd.DataFrame, count: int, *, name: str) -> list[str]:
    """Choose ``count`` pairs for all methods alike: bins in turn, then people not yet shown, then by seed."""
    order = np.random.default_rng(seed_of("report sample", name)).permutation(len(table))
    rows = table.iloc[order]
    chosen: list[str] = []
    people: set[str] = set()
    by_bin = {bin_: list(group.index) for bin_, group in rows.groupby("bin", sort=True)}
    while len(chosen) < count and any(by_bin.values()):
        for waiting in by_bin.values():
            if not waiting or len(chosen) >= count:
                continue
            fresh = next((i for i in waiting if str(rows.at[i, "source_identity"]) not in people), waiting[0])
            waiting.remove(fresh)
            people.add(str(rows.at[fresh, "source_identity"]))
            chosen.append(str(rows.at[fresh, "pair_id"]))
    return chosen


def choose(
    table: pd.DataFrame, metric: str, *, higher: bool, count: int, sample: Sequence[str]
) -> dict[str, tuple[Why, ...]]:
    """Choose the pairs of one record, ``count`` of each kind.

    Worst, median and best are among the measured pairs: a failed pair has no score of its own.
    """
    measured = table[table[f"{metric}__measured"].astype(bool)] if f"{metric}__measured" in table else table
    ranked = measured.sort_values([metric, "pair_id"], ascending=[higher, True], kind="stable")["pair_id"].tolist()
    failed = table[table["status"] != "ok"]["pair_id"].tolist()[:count]
    middle = max(0, (len(ranked) - count) // 2)
    kinds: tuple[tuple[Why, list[str]], ...] = (
        ("worst", ranked[:count]),
        ("median", ranked[middle : middle + count]),
        ("best", ranked[max(0, len(ranked) - count) :][::-1]),
        ("failed", failed),
        ("sample", [pair for pair in sample if pair in set(table["pair_id"])]),
    )
    # kinds in turn: where the images run out, each kind has some
    turns = itertools.zip_longest(*(pairs for _, pairs in kinds))
    order = dict.fromkeys(pair for turn in turns for pair in turn if pair is not None)
    return {pair: tuple(kind for kind, pairs in kinds if pair in pairs) for pair in order}


def make_gallery(
    view: SectionView,
    row: Row,
    table: pd.DataFrame,
    *,
    protocol: str,
    pictures: Pictures,
    count: int,
    sample: Sequence[str],
) -> Gallery | None:
    """Make the gallery of one record; ``None`` where none of its images is here."""
    if not pictures.runs.has(row.stored):
        return None
    metrics = [name for name in metric_columns(table) if name in {c.name for c in view.columns}]
    if not metrics:
        return None
    primary = view.section.primary if view.section.primary in metrics else metrics[0]
    higher = next(column.card.direction == "higher" for column in view.columns if column.name == primary)
    chosen = choose(table, primary, higher=higher, count=count, sample=sample)
    entries = {str(entry["pair_id"]): entry for entry in table[table["pair_id"].isin(chosen)].to_dict("records")}
    shown: list[Shown] = []
    for pair_id, why in chosen.items():
        entry = entries[pair_id]
        images = {**pictures.inputs_of(pair_id), "generated": pictures.generated(row.stored, pair_id)}
        if not any(images.values()):
            continue
        shown.append(
            Shown(
                pair_id=pair_id,
                why=why,
                identity=str(entry["source_identity"]),
                reference_identity=str(entry["reference_identity"]),
                bin=_text(entry["bin"]),
                status=str(entry["status"]),
                failure=_text(entry["failure_kind"]),
                images=images,
                scores=tuple((m, float(entry[m]), bool(entry[f"{m}__measured"])) for m in metrics),
            )
        )
    if not shown:
        return None
    name = f"{view.slug}--{slug(row.name)}-{row.stored.record.run_id[-8:]}"
    return Gallery(
        href=f"gallery/{slug(name)}.html",
        protocol=protocol,
        judges=view.section.judges,
        method=row.label,
        row=row,
        primary=primary,
        shown=tuple(shown),
    )


def _text(value: object) -> str:
    """A cell of a text column; parquet's null becomes ""."""
    return value if isinstance(value, str) else ""


def make_strip(
    view: SectionView,
    rows: Sequence[Row],
    tables: dict[str, pd.DataFrame],
    *,
    pictures: Pictures,
    sample: Sequence[str],
) -> list[StripRow]:
    """The sampled pairs by every method of ``rows``; a pair of which no method has an image is left out."""
    metric = view.section.primary
    scores = {
        row.stored.path: dict(zip(table["pair_id"], table[metric].astype(float).tolist(), strict=True))
        for row in rows
        if metric in (table := tables[row.stored.path]).columns
    }
    first = tables[rows[0].stored.path]
    bins = dict(zip(first["pair_id"], first["bin"].fillna("").astype(str), strict=True))
    strip: list[StripRow] = []
    for pair_id in sample:
        generated = tuple(
            (
                pictures.generated(row.stored, pair_id),
                scores[row.stored.path].get(pair_id) if row.stored.path in scores else None,
            )
            for row in rows
        )
        if any(image for image, _ in generated):
            where = bins.get(pair_id, "")
            strip.append(StripRow(pair_id, where, pictures.inputs_of(pair_id), generated))
    return strip
