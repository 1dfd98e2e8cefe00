"""Scoring of video protocols: clips of frames in order, each loaded, measured and let go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dgbench.core.errors import UsageError
from dgbench.core.face import Failure, Image
from dgbench.core.record import MetricValue
from dgbench.metrics.clips import fvd as fvd
from dgbench.metrics.clips import jitter as jitter
from dgbench.metrics.contract import Judges
from dgbench.scoring.score_table import exact_mean
from dgbench.stats.clusters import DRAWS, Clusters, mean_interval

#: Names that :func:`score_clips` measures.
CLIP_METRICS = ("jitter", "fvd")
Frames = tuple[Sequence[Image | Failure], Sequence[Image]]


@dataclass(frozen=True)
class Clip:
    """One clip: its people and a function that loads (generated frames, real frames), equally many, in order."""

    clip_id: str
    source_identity: str
    reference_identity: str
    load: Callable[[], Frames]


def score_clips(
    clips: Sequence[Clip],
    *,
    judges: Judges | None,
    metrics: Sequence[str] = ("jitter",),
    weights: Path | None = None,
    draws: int = DRAWS,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[MetricValue, ...]:
    """Score clips on temporal metrics; memory holds one clip at a time.

    Args:
        clips: every expected clip.
        judges: what finds landmarks; may be ``None`` without ``jitter``.
        metrics: names of :data:`CLIP_METRICS`.
        weights: folder with the video network of ``fvd``.
        draws: bootstrap resamples for the interval of ``jitter``.
        progress: called with (done, total) clips.

    Raises:
        UsageError: no clips, an unknown metric, judges missing, or a clip whose two sides differ in length.
        MissingError: the video network is not here.
    """
    if not clips:
        raise UsageError("no clips to score")
    unknown = sorted(set(metrics) - set(CLIP_METRICS))
    if unknown:
        raise UsageError(f"unknown clip metric {unknown[0]!r}; known: {', '.join(CLIP_METRICS)}")
    if "jitter" in metrics and judges is None:
        raise UsageError("jitter needs judges; give --judges embedded, open or standard")
    network = fvd.load(weights) if "fvd" in metrics else None
    jitters: list[float | Failure] = []
    rows: list[tuple[fvd.Row, fvd.Row] | Failure] = []
    lost: list[str] = []
    n_frames = 0
    for number, clip in enumerate(sorted(clips, key=lambda clip: clip.clip_id.encode())):
        if progress is not None:
            progress(number, len(clips))
        generated, real = clip.load()
        if len(generated) != len(real):
            raise UsageError(f"clip {clip.clip_id}: {len(generated)} generated and {len(real)} real frames")
        lost += [frame.kind for frame in generated if isinstance(frame, Failure)]
        n_frames += len(real)
        if judges is not None and "jitter" in metrics:
            jitters.append(jitter.clip_jitter(generated, real, judges))
        if network is not None:
            rows.append(network.rows(generated, real))
    values = {}
    if "jitter" in metrics and judges is not None:
        values["jitter"] = _jitter_value(clips, jitters, judges, draws)
    if network is not None:
        values["fvd"] = network.value(rows)
    if lost:  # a clip counts as scored although frames of it are lost, so the frames are told
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(lost).items()))
        said = f"of {n_frames} frames {counts}"
        for name, value in values.items():
            note = "; ".join(part for part in (value.note, said) if part)
            values[name] = value.model_copy(update={"note": note})
    return tuple(values[name] for name in metrics)


def _jitter_value(clips: Sequence[Clip], scores: Sequence[float | Failure], judges: Judges, draws: int) -> MetricValue:
    ordered = sorted(clips, key=lambda clip: clip.clip_id.encode())
    card = jitter.card(judges.networks)
    values = np.array([jitter.CAP if isinstance(score, Failure) else score for score in scores], dtype=np.float64)
    measured = [score for score in scores if not isinstance(score, Failure)]
    failures: dict[str, int] = {}
    for score in scores:
        if isinstance(score, Failure):
            failures[score.kind] = failures.get(score.kind, 0) + 1
    clusters = Clusters.of([c.source_identity for c in ordered], [c.reference_identity for c in ordered])
    return MetricValue(
        name="jitter",
        card=card,
        card_digest=card.digest,
        value=exact_mean(values),
        interval=mean_interval(values, clusters, draws=draws),
        measured_only=exact_mean(measured) if measured else None,
        n_expected=len(scores),
        n_scored=len(measured),
        failures=dict(sorted(failures.items())),
        note="over clips",
    )
