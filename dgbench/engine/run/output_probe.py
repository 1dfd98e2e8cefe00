"""Are outputs what their names say? Swapped channels, a wrong range, mirrored or shuffled images show before scoring.

Each output is compared with the images of its own pair: source, reference and, where there is one, target. What is
right as delivered is nearer to one of them than its mirror image, or the output with red and blue exchanged, or the
images of other pairs; a method that is merely bad is about as near either way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Image
from dgbench.core.pair import Pair

#: Pairs looked at, and targets that they are compared with.
SAMPLE, TARGETS = 48, 400
#: Fewer outputs than this say nothing.
_FEWEST = 8
_SIDE = 32
#: How much nearer the changed output has to be, in what share of the pairs: to be told, and to be refused.
_TOLD, _CLEAR = (0.85, 0.8), (0.6, 0.95)
#: The same for the targets of other pairs, one of which is always somewhat near.
_TOLD_OTHERS, _CLEAR_OTHERS = (0.6, 0.8), (0.4, 0.9)
_DISTINCT = 0.8

_CHANGES: dict[str, Callable[[NDArray], NDArray]] = {
    "red and blue are exchanged": lambda image: image[..., ::-1],
    "they are mirrored": lambda image: image[:, ::-1],
    "they are upside down": lambda image: image[::-1],
    "rows and columns are exchanged": lambda image: image.transpose(1, 0, 2),
}


@dataclass(frozen=True)
class Finding:
    """What is wrong with outputs, with the evidence; ``clear`` where nothing else explains it."""

    text: str
    clear: bool


def probe_outputs(
    pairs: Sequence[Pair], outputs: Mapping[str, Image], real: Callable[[str], Image | None]
) -> list[Finding]:
    """Look at outputs before they are scored.

    Args:
        pairs: the protocol's pairs.
        outputs: pair id → uint8 HWC RGB of some of them (:data:`SAMPLE` are enough).
        real: key → a real image, ``None`` where it cannot be read.
    """
    looked = [pair for pair in pairs if pair.pair_id in outputs]
    if len(looked) < _FEWEST:
        return []
    wrong_range = _range([outputs[pair.pair_id] for pair in looked])
    if wrong_range:
        return [wrong_range]
    thumbs: dict[str, NDArray | None] = {}

    def thumb(key: str) -> NDArray | None:
        if key not in thumbs:
            image = real(key)
            thumbs[key] = None if image is None else _small(image)
        return thumbs[key]

    made = {pair.pair_id: _small(outputs[pair.pair_id]) for pair in looked}
    own = {pair.pair_id: [t for key in pair.keys if (t := thumb(key)) is not None] for pair in looked}
    looked = [pair for pair in looked if own[pair.pair_id] and made[pair.pair_id].std() > 2]
    if len(looked) < _FEWEST:
        return []
    near = np.array([_nearest(made[p.pair_id], own[p.pair_id]) for p in looked])
    found = []
    for what, change in _CHANGES.items():
        changed = np.array([_nearest(change(made[p.pair_id]), own[p.pair_id]) for p in looked])
        found.append(_finding(f"{what}: so changed they are nearer to their pairs' images", near, changed))
    targets = [t for key in _target_keys(pairs, looked) if (t := thumb(key)) is not None]
    found.append(_shuffled(near, np.array([_distances(made[p.pair_id], targets) for p in looked])))
    return [finding for finding in found if finding is not None]


def _shuffled(near: NDArray, to_targets: NDArray) -> Finding | None:
    """Tell outputs of other pairs from a method that draws one face for everybody: each has a target of its own."""
    distinct = len(set(to_targets.argmin(axis=1).tolist())) / len(to_targets)
    if distinct < _DISTINCT:
        return None
    what = "they belong to other pairs: another pair's target is nearer than any image of their own"
    return _finding(what, near, to_targets.min(axis=1), told=_TOLD_OTHERS, clear=_CLEAR_OTHERS)


def _finding(
    what: str,
    near: NDArray,
    changed: NDArray,
    *,
    told: tuple[float, float] = _TOLD,
    clear: tuple[float, float] = _CLEAR,
) -> Finding | None:
    for (factor, share), sure in ((clear, True), (told, False)):
        hits = changed < factor * near
        if hits.mean() >= share:
            mean, than = float(changed.mean()), float(near.mean())
            return Finding(f"{what} in {int(hits.sum())} of {len(hits)} (mean {mean:.1f} for {than:.1f} of 255)", sure)
    return None


def _range(images: Sequence[Image]) -> Finding | None:
    values = np.unique(np.concatenate([np.unique(image) for image in images]))
    if values.size > 1 and values.max() <= 1:
        return Finding("every value is 0 or 1: they were in 0..1 and not multiplied by 255", clear=True)
    if values.size > 1 and set(values.tolist()) <= {0, 1, 254, 255} and {1, 255} <= set(values.tolist()):
        return Finding("every value is 0, 1 or 255: they were in -1..1 and not brought to 0..255", clear=True)
    return None


def _target_keys(pairs: Sequence[Pair], looked: Sequence[Pair]) -> list[str]:
    """Return what outputs may have been taken from: the targets of all pairs, near the sample where they are many."""
    keys = list(dict.fromkeys(pair.target or pair.reference for pair in pairs))
    if len(keys) <= TARGETS:
        return keys
    first = keys.index(looked[0].target or looked[0].reference)
    return keys[max(0, min(first, len(keys) - TARGETS)) :][:TARGETS]


def _small(image: Image) -> NDArray[np.float32]:
    return cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)


def _nearest(image: NDArray, others: Sequence[NDArray]) -> float:
    """Return the least mean absolute difference, in grey levels."""
    return float(_distances(image, others).min())


def _distances(image: NDArray, others: Sequence[NDArray]) -> NDArray[np.float64]:
    return np.array([np.abs(image - other).mean() for other in others], dtype=np.float64)
