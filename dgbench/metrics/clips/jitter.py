"""Temporal landmark jitter: accelerations of the face's landmarks that the real video does not have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import JudgeNetwork, MetricCard
from dgbench.core.face import FaceObservation, Failure, Image
from dgbench.metrics.contract import Judges, cards_of

ROLES = frozenset({"detector", "landmarks"})
CAP = 1.0
_BATCH = 32


def card(networks: Sequence[JudgeNetwork]) -> MetricCard:
    """Return the card of the jitter by the given judges."""
    return MetricCard(
        name="jitter",
        version=1,
        title="Landmark jitter",
        definition=(
            "Over every three frames in a row: the mean Euclidean length, over 68 landmarks in x and y, of the second "
            "difference of the generated face's landmarks less that of the real face's, divided by the square root of "
            "the area of the real face's landmark box. Mean over the triples of a clip, then over clips. A triple's "
            "value above 1 is read as 1."
        ),
        direction="lower",
        level="set",
        floor=None,
        failure_rule=(
            "a triple in which a generated frame is missing or shows no face scores 1; a clip of fewer than three "
            "frames, or without a triple of real faces, fails and scores 1"
        ),
        judges=cards_of(networks, ROLES),
        parameters={"cap": CAP},
    )


def clip_jitter(generated: Sequence[Image | Failure], real: Sequence[Image], judges: Judges) -> float | Failure:
    """Return the jitter of one clip, in 0..1, or why it has none. Both sides have one image per frame, in order."""
    if len(real) < 3:
        return Failure("missing", f"a clip of {len(real)} frames has no three in a row")
    truth = [_points(seen) for seen in _observed(real, judges)]
    shown = iter(_observed([frame for frame in generated if not isinstance(frame, Failure)], judges))
    made = [None if isinstance(frame, Failure) else _points(next(shown)) for frame in generated]
    return jitter(made, truth)


def jitter(
    generated: Sequence[NDArray[np.float64] | None], truth: Sequence[NDArray[np.float64] | None]
) -> float | Failure:
    """Return the jitter of landmark tracks, float64 (68, 2) a frame or ``None`` where there is no face."""
    values = []
    for start in range(len(truth) - 2):
        real = _triple(truth, start)
        if real is None:
            continue
        made = _triple(generated, start)
        values.append(CAP if made is None else min(_difference(made, real), CAP))
    if not values:
        return Failure("no-face", "no three real frames in a row with a face")
    return float(np.mean(values))


def _triple(track: Sequence[NDArray[np.float64] | None], start: int) -> list[NDArray[np.float64]] | None:
    frames = [frame for frame in track[start : start + 3] if frame is not None]
    return frames if len(frames) == 3 else None


def _difference(made: list[NDArray[np.float64]], real: list[NDArray[np.float64]]) -> float:
    bends = [track[0] - 2 * track[1] + track[2] for track in (made, real)]
    sides = real[1].max(axis=0) - real[1].min(axis=0)
    size = float(np.sqrt(sides.prod()))
    return float(np.linalg.norm(bends[0] - bends[1], axis=1).mean()) / size if size > 0 else CAP


def _observed(images: Sequence[Image], judges: Judges) -> list[FaceObservation]:
    seen: list[FaceObservation] = []
    for start in range(0, len(images), _BATCH):
        seen += judges.observe(images[start : start + _BATCH], roles=sorted(ROLES))
    return seen


def _points(seen: FaceObservation) -> NDArray[np.float64] | None:
    if not seen.detected or seen.landmarks is None:
        return None
    return seen.landmarks.points[:, :2].astype(np.float64)
