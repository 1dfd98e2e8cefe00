"""Scoring in one pass: each image is decoded once, every judge sees the same batch, every metric reads from it."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dgbench.core.errors import UsageError
from dgbench.core.face import Failure
from dgbench.core.pair import Pair
from dgbench.metrics.contract import ImageSource, Judges, Metric, OwnFeatures, PairMetric, PairView, SetMetric
from dgbench.metrics.fid import Fid
from dgbench.metrics.registry import make_metric
from dgbench.scoring.batches import Loaded, Loader, Needs, real_side
from dgbench.scoring.feature_spool import FeatureSpool, OwnRows
from dgbench.scoring.judging import JudgedPair, Judging, open_stores
from dgbench.scoring.score_table import PairColumn, ScoreTable, SetValue
from dgbench.stats.clusters import DRAWS

BATCH = 32


def evaluate(
    pairs: Sequence[Pair],
    images: ImageSource,
    *,
    judges: Judges | None,
    metrics: Sequence[str | Metric],
    size: int | None = None,
    batch_size: int = BATCH,
    workers: int | None = None,
    cache: Path | None = None,
    weights: Path | None = None,
    draws: int = DRAWS,
    inside: bool = False,
    progress: Callable[[int], None] | None = None,
) -> ScoreTable:
    """Score a run's pairs on all metrics at once.

    The result depends on the pairs, images, judges and metrics alone: pairs are taken in order of pair_id, and no
    batch size, worker count or cache state changes a value. Memory is bounded by the batch; features wait on disk.

    Args:
        pairs: every expected pair; ids are unique.
        images: where the images come from; asked from one background thread while the judges work.
        judges: what looks at the images; may be ``None`` where only pixels are compared.
        metrics: names (:func:`dgbench.metrics.registry.metric_names`) or metrics.
        size: side of the protocol's square frame in px; a generated image of another size fails as ``wrong-size``.
        batch_size: pairs taken together.
        workers: threads that observe at once; the cores of this process by default.
        cache: folder in which observations of real images are kept by content, for later runs.
        weights: folder with the networks of metrics that bring their own (lpips, paper-compatible ones).
        draws: bootstrap resamples for the intervals.
        inside: whether crops may reach outside their photographs: metrics of pixels are then measured inside alone.
        progress: called with the number of pairs done after each batch.

    Raises:
        UsageError: no pairs, a pair id or metric that is repeated, an unknown metric, or a real image that set
            metrics need is not here.
    """
    ordered = tuple(sorted(pairs, key=lambda pair: pair.pair_id.encode()))
    if not ordered:
        raise UsageError("no pairs to score")
    for first, second in itertools.pairwise(ordered):
        if first.pair_id == second.pair_id:
            raise UsageError(f"pair_id {first.pair_id!r} is repeated; every pair is scored once")
    if batch_size < 1:
        raise UsageError(f"batch_size {batch_size}: must be at least 1")
    chosen = [make_metric(m, judges, weights=weights) if isinstance(m, str) else m for m in metrics]
    if inside:
        chosen = [metric.inside() if isinstance(metric, PairMetric) else metric for metric in chosen]
    names = [metric.card.name for metric in chosen]
    if len(set(names)) != len(names):
        raise UsageError(f"a metric is asked for twice: {', '.join(names)}")
    absent = tuple(m for m in chosen if isinstance(m, PairMetric) and not any(map(m.applies, ordered)))
    columns, sets, generation, alignment = _Pass(
        ordered, images, judges, [m for m in chosen if m not in absent], size=size, workers=workers or _cores()
    ).run(batch_size, cache, progress)
    return ScoreTable(ordered, generation, alignment, columns, sets, absent, tuple(names), draws)


_Result = tuple[tuple[PairColumn, ...], tuple[SetValue, ...], tuple[Failure | None, ...], tuple[str, ...]]


class _Pass:
    """One pass over the pairs: load, look, score, collect."""

    def __init__(
        self,
        pairs: tuple[Pair, ...],
        images: ImageSource,
        judges: Judges | None,
        metrics: Sequence[Metric],
        *,
        size: int | None,
        workers: int,
    ) -> None:
        self.pairs, self.judges, self.workers = pairs, judges, workers
        self.pair_metrics = [m for m in metrics if isinstance(m, PairMetric)]
        self.set_metrics = [m for m in metrics if isinstance(m, SetMetric)]
        self.needs = Needs.of(metrics)
        if judges is None and (self.needs.judge_roles or self.needs.features):
            raise UsageError("these metrics need judges; give --judges embedded, open or standard")
        self.loader = Loader(images, self.needs, size=size)
        self.black: dict[tuple[int, ...], NDArray[np.float32]] = {}

    def run(self, batch_size: int, cache: Path | None, progress: Callable[[int], None] | None) -> _Result:
        """Take the pairs batch by batch; scratch files and threads end with the pass, however it ends."""
        with (
            tempfile.TemporaryDirectory(prefix="dgbench-") as scratch,
            ThreadPoolExecutor(self.workers, thread_name_prefix="judge") as pool,
        ):
            stores = open_stores(cache or Path(scratch), self.judges, self.needs)
            judging = Judging(
                self.judges, self.needs, stores, pool=pool, workers=self.workers, points=self.loader.points
            )
            spool = FeatureSpool(Path(scratch), len(self.pairs)) if self.needs.features else None
            own = [OwnRows(m, Path(scratch), len(self.pairs)) for m in self.set_metrics if isinstance(m, OwnFeatures)]
            generation: list[Failure | None] = []
            alignment: list[str] = []
            rows: list[list[float | Failure]] = []
            for batch in self.loader.batches(self.pairs, batch_size):
                judged = judging.judge(batch)
                rows.extend(pool.map(self._score, batch, [item.view for item in judged]))
                for loaded, item in zip(batch, judged, strict=True):
                    generation.append(loaded.generated if isinstance(loaded.generated, Failure) else None)
                    alignment.append(item.view.seen_generated.alignment if item.view.seen_generated else "")
                    if spool is not None:
                        self._spool(spool, loaded, item, judging)
                    for rows_of in own:
                        rows_of.put(loaded.index, item.view)
                if progress is not None:
                    progress(len(batch))
            columns = tuple(
                PairColumn(metric, tuple(metric.settle(self.pairs, [row[number] for row in rows])))
                for number, metric in enumerate(self.pair_metrics)
            )
            sets = (*self._set_values(spool, generation), *(rows_of.value() for rows_of in own))
            return columns, sets, tuple(generation), tuple(alignment)

    def _score(self, loaded: Loaded, view: PairView) -> list[float | Failure]:
        row: list[float | Failure] = []
        for metric in self.pair_metrics:
            name, pair_id = metric.card.name, loaded.pair.pair_id
            if not metric.applies(loaded.pair):
                row.append(Failure("missing", f"pair {pair_id} has nothing that {name} compares"))
            elif metric.of_generated and isinstance(loaded.generated, Failure):
                if metric.of_all_pairs:
                    metric.score(view)  # its real images belong to what the other pairs are compared with
                row.append(loaded.generated)
            else:
                value = metric.score(view)
                if isinstance(value, float) and not np.isfinite(value):
                    value = Failure("not-finite", f"{name} of pair {pair_id} is not finite")
                row.append(value)
        return row

    def _spool(self, spool: FeatureSpool, loaded: Loaded, judged: JudgedPair, judging: Judging) -> None:
        if judged.real_features is None:
            raise UsageError(
                f"pair {loaded.pair.pair_id}: its {real_side(loaded.pair)} image is not here; set metrics need one "
                "real image a pair"
            )
        generated = judged.generated_features
        if generated is None:
            shape = self.loader.frame_of(loaded.pair)
            if shape not in self.black:
                self.black[shape] = judging.black_features(shape)
            generated = self.black[shape]
        spool.put(loaded.index, judged.real_features, generated)

    def _set_values(self, spool: FeatureSpool | None, generation: Sequence[Failure | None]) -> tuple[SetValue, ...]:
        if spool is None:
            return ()
        failures = Counter(failure.kind for failure in generation if failure is not None)
        there = np.array([failure is None for failure in generation], dtype=np.bool_)
        real, generated = spool.real(), spool.generated()
        result = []
        for metric in (m for m in self.set_metrics if not isinstance(m, OwnFeatures)):
            headline = metric.compute(real, generated)
            if isinstance(metric, Fid):
                spread = metric.spread(real, generated, [pair.source_identity for pair in self.pairs])
                headline = replace(headline, note="; ".join(filter(None, (headline.note, spread))))
            measured = headline if there.all() else metric.compute(real, generated[there])
            result.append(SetValue(metric, headline, measured, dict(failures)))
        return tuple(result)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
