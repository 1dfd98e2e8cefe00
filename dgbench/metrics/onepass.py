"""Scoring in one pass: each image is decoded once, every judge sees the same batch, every metric reads from it."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import JudgeNetwork
from dgbench.core.digests import digest
from dgbench.core.errors import UsageError
from dgbench.core.face import Failure, Image
from dgbench.core.pair import Pair
from dgbench.metrics.contract import ImageSource, Judges, Metric, PairMetric, PairView, Role, Seen, SetMetric
from dgbench.metrics.observations import Observations, Observed, image_key
from dgbench.metrics.registry import make_metric
from dgbench.metrics.sheet import PairColumn, ScoreSheet, SetValue
from dgbench.metrics.spool import FeatureSpool
from dgbench.stats.clusters import DRAWS

BATCH = 32
_REAL: tuple[Role, ...] = ("source", "reference", "target")


def score_pairs(
    pairs: Sequence[Pair],
    images: ImageSource,
    *,
    judges: Judges | None,
    metrics: Sequence[str | Metric],
    size: int | None = None,
    batch_size: int = BATCH,
    workers: int | None = None,
    cache: Path | None = None,
    draws: int = DRAWS,
    progress: Callable[[int], None] | None = None,
) -> ScoreSheet:
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
        draws: bootstrap resamples for the intervals.
        progress: called with the number of pairs done after each batch.

    Raises:
        UsageError: no pairs, a pair id that stands twice, or an unknown metric.
    """
    ordered = tuple(sorted(pairs, key=lambda pair: pair.pair_id.encode()))
    if not ordered:
        raise UsageError("no pairs to score")
    for first, second in itertools.pairwise(ordered):
        if first.pair_id == second.pair_id:
            raise UsageError(f"pair_id {first.pair_id!r} stands twice; every pair is scored once")
    if batch_size < 1:
        raise UsageError(f"batch_size {batch_size}: must be at least 1")
    chosen = [make_metric(m, judges) if isinstance(m, str) else m for m in metrics]
    work = _Pass(ordered, images, judges, chosen, size, workers or _cores(), cache)
    with tempfile.TemporaryDirectory(prefix="dgbench-") as scratch:
        try:
            return work.run(batch_size, Path(scratch), draws, progress)
        finally:
            work.close()


@dataclass
class _Loaded:
    """One pair with its images in memory. ``keys`` are content keys of the real images."""

    index: int
    pair: Pair
    generated: Image | Failure
    real: dict[Role, Image] = field(default_factory=dict)
    keys: dict[Role, str] = field(default_factory=dict)


class _Pass:
    """The state of one pass over the pairs."""

    def __init__(
        self,
        pairs: tuple[Pair, ...],
        images: ImageSource,
        judges: Judges | None,
        metrics: Sequence[Metric],
        size: int | None,
        workers: int,
        cache: Path | None,
    ) -> None:
        self.pairs, self.images, self.judges, self.size, self.workers = pairs, images, judges, size, workers
        self.pair_metrics = [m for m in metrics if isinstance(m, PairMetric)]
        self.set_metrics = [m for m in metrics if isinstance(m, SetMetric)]
        self.absent = tuple(m for m in self.pair_metrics if not any(map(m.applies, pairs)))
        self.pair_metrics = [m for m in self.pair_metrics if m not in self.absent]
        self.order = tuple(m.card.name for m in metrics)
        if len(set(self.order)) != len(self.order):
            raise UsageError(f"a metric is asked for twice: {', '.join(self.order)}")
        self.roles = frozenset().union(*(m.roles for m in self.pair_metrics)) if self.pair_metrics else frozenset()
        self.seen_roles = frozenset().union(*(m.seen for m in self.pair_metrics)) if self.pair_metrics else frozenset()
        self.pixel_roles = (
            frozenset().union(*(m.images for m in self.pair_metrics)) if self.pair_metrics else frozenset()
        )
        if judges is None and (self.roles or self.set_metrics):
            raise UsageError("these metrics need judges")
        self.observations = Observations(cache, judged_by=_judged_by(judges, self.roles, bool(self.set_metrics)))
        self._key_of: dict[tuple[str, str], str] = {}
        self._black: dict[tuple[int, ...], NDArray[np.float32]] = {}
        self._pool = ThreadPoolExecutor(max(1, workers), thread_name_prefix="observe")
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="decode")

    def close(self) -> None:
        """Stop the threads and drop a temporary cache."""
        self._loader.shutdown(cancel_futures=True)
        self._pool.shutdown(cancel_futures=True)
        self.observations.close()

    def run(self, batch_size: int, scratch: Path, draws: int, progress: Callable[[int], None] | None) -> ScoreSheet:
        """Take the pairs batch by batch and return the sheet."""
        n = len(self.pairs)
        unscored = Failure("missing", "not scored")
        scores: list[list[float | Failure]] = [[unscored] * n for _ in self.pair_metrics]
        generation: list[Failure | None] = [None] * n
        alignment = [""] * n
        spool = FeatureSpool(scratch, n) if self.set_metrics else None
        for batch in self._batches(batch_size):
            seen = self._look(batch, spool)
            views = [self._view(loaded, generated) for loaded, generated in zip(batch, seen, strict=True)]
            for loaded, view in zip(batch, views, strict=True):
                if isinstance(loaded.generated, Failure):
                    generation[loaded.index] = loaded.generated
                if view.seen_generated is not None:
                    alignment[loaded.index] = view.seen_generated.alignment
            rows = self._pool.map(lambda item: self._scores(*item), zip(batch, views, strict=True))
            for loaded, row in zip(batch, rows, strict=True):
                for column, score in zip(scores, row, strict=True):
                    column[loaded.index] = score
            if progress is not None:
                progress(len(batch))
        columns = tuple(
            PairColumn(metric, tuple(column)) for metric, column in zip(self.pair_metrics, scores, strict=True)
        )
        sets = self._set_values(spool, generation) if spool is not None else ()
        return ScoreSheet(
            self.pairs, tuple(generation), tuple(alignment), columns, sets, self.absent, self.order, draws
        )

    def _batches(self, batch_size: int) -> Iterator[list[_Loaded]]:
        """Yield loaded batches; the next one is decoded while the judges look at this one."""
        starts = range(0, len(self.pairs), batch_size)
        waiting: Future[list[_Loaded]] | None = None
        for start in starts:
            current = waiting or self._loader.submit(self._load, start, batch_size)
            following = start + batch_size
            batch = current.result()
            waiting = self._loader.submit(self._load, following, batch_size) if following in starts else None
            yield batch

    def _load(self, start: int, batch_size: int) -> list[_Loaded]:
        return [
            self._load_pair(index, self.pairs[index])
            for index in range(start, min(start + batch_size, len(self.pairs)))
        ]

    def _load_pair(self, index: int, pair: Pair) -> _Loaded:
        generated = self.images.generated(pair)
        if isinstance(generated, np.ndarray):
            generated = self._checked(generated)
        loaded = _Loaded(index, pair, generated)
        real_side = _real_side(pair)
        for role in _REAL:
            if role == "target" and pair.target is None:
                continue
            observed = role in self.seen_roles or (bool(self.set_metrics) and role == real_side)
            key = self._key_of.get((role, getattr(pair, role)))
            if role in self.pixel_roles or (observed and key is None):
                image = getattr(self.images, role)(pair)
                if image is None:
                    continue
                loaded.real[role] = image
                if key is None and observed:
                    key = image_key(image, self._points(pair, role))
                    self._key_of[role, getattr(pair, role)] = key
            if key is not None:
                loaded.keys[role] = key
        return loaded

    def _checked(self, image: Image) -> Image | Failure:
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            return Failure("unreadable", f"a generated image is uint8 HWC RGB, got {image.dtype} {image.shape}")
        if self.size is not None and image.shape[:2] != (self.size, self.size):
            return Failure("wrong-size", f"generated is {image.shape[:2]}, the protocol's frame is {self.size} px")
        return image

    def _points(self, pair: Pair, role: Role) -> NDArray | None:
        finder = getattr(self.images, "landmarks", None)
        landmarks = finder(pair, role) if finder is not None else None
        return None if landmarks is None else landmarks.points

    def _look(self, batch: Sequence[_Loaded], spool: FeatureSpool | None) -> list[Seen | None]:
        """Let the judges see the batch: generated images and real ones not seen before, together."""
        made = [(b, b.generated) for b in batch if not isinstance(b.generated, Failure)]
        new: dict[str, tuple[_Loaded, Role, Image]] = {}
        for loaded in batch:
            for role, key in loaded.keys.items():
                if key not in self.observations and role in loaded.real:
                    new.setdefault(key, (loaded, role, loaded.real[role]))
        stack = [image for _, image in made] + [image for _, _, image in new.values()]
        # A generated face that is not found is aligned by the points of the reference: the pose it should have.
        points = [self._points(b.pair, "reference") for b, _ in made]
        points += [self._points(loaded.pair, role) for loaded, role, _ in new.values()]
        seen: list[Seen | None] = list(self._observe(stack, points)) if self.roles else [None] * len(stack)
        features = self.judges.features(stack) if spool is not None and self.judges is not None and stack else None
        first_new = len(made)
        self.observations.put(
            {
                key: Observed(seen[first_new + i], None if features is None else features[first_new + i])
                for i, key in enumerate(new)
            }
        )
        if spool is not None:
            self._spool(batch, [b.index for b, _ in made], features, spool)
        by_index = {loaded.index: seen[i] for i, (loaded, _) in enumerate(made)}
        return [by_index.get(loaded.index) for loaded in batch]

    def _observe(self, images: Sequence[Image], points: Sequence[NDArray | None]) -> list[Seen]:
        """Observe in as many threads as there are workers; networks are per image, so no split changes a value."""
        judges = self.judges
        assert judges is not None
        cuts = np.linspace(0, len(images), self.workers + 1).astype(int)
        parts = [(int(a), int(b)) for a, b in itertools.pairwise(cuts) if b > a]
        observed = self._pool.map(
            lambda part: judges.observe(
                images[part[0] : part[1]], fallback=points[part[0] : part[1]], roles=sorted(self.roles)
            ),
            parts,
        )
        return [seen for group in observed for seen in group]

    def _spool(
        self,
        batch: Sequence[_Loaded],
        made: Sequence[int],
        features: NDArray[np.float32] | None,
        spool: FeatureSpool,
    ) -> None:
        rows = {} if features is None else {index: features[i] for i, index in enumerate(made)}
        for loaded in batch:
            role = _real_side(loaded.pair)
            key = loaded.keys.get(role)
            if key is None:
                raise UsageError(
                    f"pair {loaded.pair.pair_id}: its {role} image is not here; set metrics need a real image a pair"
                )
            real = self.observations.get(key).features
            assert real is not None
            generated = rows.get(loaded.index)
            spool.put(loaded.index, real, self._black_features(loaded) if generated is None else generated)

    def _black_features(self, loaded: _Loaded) -> NDArray[np.float32]:
        """Return the features of a black image of the frame's size: what a failed pair puts into the set."""
        shape = (
            (self.size, self.size, 3) if self.size else getattr(self.images, _real_side(loaded.pair))(loaded.pair).shape
        )
        if shape not in self._black:
            assert self.judges is not None
            self._black[shape] = self.judges.features([np.zeros(shape, dtype=np.uint8)])[0]
        return self._black[shape]

    def _view(self, loaded: _Loaded, generated: Seen | None) -> PairView:
        def seen(role: Role) -> Seen | None:
            key = loaded.keys.get(role)
            if key is None or role not in self.seen_roles:
                return None
            return self.observations.get(key).seen

        return PairView(
            pair=loaded.pair,
            generated=None if isinstance(loaded.generated, Failure) else loaded.generated,
            target=loaded.real.get("target"),
            source_image=loaded.real.get("source"),
            seen_generated=generated,
            seen_source=seen("source"),
            seen_reference=seen("reference"),
            seen_target=seen("target"),
        )

    def _scores(self, loaded: _Loaded, view: PairView) -> list[float | Failure]:
        row: list[float | Failure] = []
        for metric in self.pair_metrics:
            if not metric.applies(loaded.pair):
                row.append(Failure("missing", f"pair {loaded.pair.pair_id} has nothing that the metric compares"))
            elif metric.of_generated and isinstance(loaded.generated, Failure):
                row.append(loaded.generated)
            else:
                value = metric.score(view)
                if isinstance(value, float) and not np.isfinite(value):
                    value = Failure("not-finite", f"{metric.card.name} of {loaded.pair.pair_id} is not finite")
                row.append(value)
        return row

    def _set_values(self, spool: FeatureSpool, generation: Sequence[Failure | None]) -> tuple[SetValue, ...]:
        failures = Counter(failure.kind for failure in generation if failure is not None)
        there = np.array([failure is None for failure in generation], dtype=np.bool_)
        real, generated = spool.real(), spool.generated()
        result = []
        for metric in self.set_metrics:
            headline = metric.compute(real, generated)
            measured = headline if there.all() else metric.compute(real, generated[there])
            result.append(SetValue(metric, headline, measured, dict(failures)))
        return tuple(result)


def _real_side(pair: Pair) -> Role:
    """Return which real image stands opposite the generated one in set metrics."""
    return "reference" if pair.target is None else "target"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _judged_by(judges: Judges | None, roles: frozenset[str], features: bool) -> str:
    networks: tuple[JudgeNetwork, ...] = judges.networks if judges is not None else ()
    used = sorted(f"{n.role}:{n.name}:{n.sha256}" for n in networks)
    return digest({"layout": 1, "networks": used, "roles": sorted(roles), "features": features})
