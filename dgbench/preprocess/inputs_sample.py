"""A sample of a copy's images, looked at: are faces where shipped points say, are there bars, are colours in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Image

#: Points are looked for in images of at most this many pixels a side; points are shares, so that nothing else changes.
_SIDE = 640
#: Limits in units of the distance from eyes to mouth. Measured on the London set: published photographs from 448 to
#: 1350 px and JPEG quality down to 10 stay within half of them; a crop or a border of 3 % of each side exceeds them.
_SCALE = 0.035
#: Detector → (offset of its points from the shipped ones, limit of the mean shift, limit of one image).
_DETECTORS = {"open": ((0.0, 0.0), 0.03, 0.15), "embedded": ((0.0, 0.045), 0.06, 0.25)}
_MIRRORED = 0.5
#: A border is a bar where it is a share of the side and its rows or columns hold one value within a few levels.
_BAR, _FLAT = 0.02, 4
_COLOURLESS, _EXCHANGED = 2, -12.0

Observe = Callable[[Sequence[Image]], "tuple[list[NDArray | None], str]"]


@dataclass
class SampleFinding:
    """What a sample shows.

    Attributes:
        faults: what some images have → how many.
        common: what all have a little of, found by averaging over the sample.
        detector: what found the faces, or "".
    """

    faults: dict[str, int] = field(default_factory=dict)
    common: tuple[str, ...] = ()
    detector: str = ""


def look_at_sample(
    images: Mapping[str, Image], frozen: Mapping[str, NDArray], observe: Observe | None
) -> SampleFinding:
    """Look at images by key, and compare the faces in them with shipped points, where there are any."""
    finding = SampleFinding(
        {
            "have bars at their borders": sum(has_bars(image) for image in images.values()),
            "hold no colour": sum(_is_colourless(image) for image in images.values()),
        }
    )
    reds = [_red_over_blue(image) for image in images.values() if not _is_colourless(image)]
    if reds and float(np.median(reds)) < _EXCHANGED:
        finding.common = ("red and blue are exchanged",)
    keys = [key for key in images if key in frozen]
    if keys and observe is not None:
        points, finding.detector = observe([_small(images[key]) for key in keys])
        found = {key: one / _size(images[key]) for key, one in zip(keys, points, strict=True) if one is not None}
        finding.faults["show no face"] = len(keys) - len(found)
        if found:
            shapes = {key: images[key].shape for key in found}
            _compare(found, frozen, shapes, finding)
    return finding


def _compare(
    found: Mapping[str, NDArray], frozen: Mapping[str, NDArray], shapes: Mapping[str, tuple], finding: SampleFinding
) -> None:
    """Compare points found and shipped, both as shares of the sides."""
    offset, most, single = _DETECTORS[finding.detector]
    shipped = np.stack([np.asarray(frozen[key], dtype=np.float64) for key in found])
    sides = np.array([[shapes[key][1], shapes[key][0]] for key in found], dtype=np.float64)[:, None]
    pixels, seen = shipped * sides, np.stack(list(found.values())) * sides
    unit = np.linalg.norm(pixels[:, 3:].mean(axis=1) - pixels[:, :2].mean(axis=1), axis=1)
    apart = (seen - pixels) / unit[:, None, None] - np.array(offset)
    lengths = np.linalg.norm(apart, axis=2).mean(axis=1)
    finding.faults["hold a face in another place than their points"] = int((lengths > single).sum())
    # Noise of single images averages out: what is left is how the copy as a whole lies to the published pictures.
    wide = float(np.median((apart[:, 4, 0] + apart[:, 1, 0] - apart[:, 0, 0] - apart[:, 3, 0]) / 2))
    high = float(np.median(apart[:, 3:, 1].mean(axis=1) - apart[:, :2, 1].mean(axis=1)))
    shift = np.median(apart.mean(axis=1), axis=0)
    common = list(finding.common)
    if max(abs(wide), abs(high)) > _SCALE:
        # Across, the unit is a bit longer than the face is wide: both are told as they were measured.
        word = "larger" if wide + high > 0 else "smaller"
        common.append(
            f"faces are {word} than in the published pictures (by {100 * wide:+.0f} % across and {100 * high:+.0f} % "
            "upright: cropped or padded)"
        )
    elif np.abs(shift).max() > most:
        common.append(f"faces are shifted ({shift[0]:+.2f}, {shift[1]:+.2f} of the distance from eyes to mouth)")
    elif _is_mirrored(np.stack(list(found.values())), shipped):
        common.append("the pictures are mirrored")
    finding.common = tuple(common)


def _is_mirrored(found: NDArray, shipped: NDArray) -> bool:
    """Whether faces lie where the mirrored points do: each face is off the middle to the other side."""
    off = 1 - 2 * shipped[:, :, 0].mean(axis=1)
    moved = found[:, :, 0].mean(axis=1) - shipped[:, :, 0].mean(axis=1)
    return float(off @ off) > 0 and float(off @ moved) / float(off @ off) > _MIRRORED


def has_bars(image: Image) -> bool:
    """Whether a picture has flat bars at two opposite borders, as letterboxing makes them, and is no flat picture."""
    for axis in (0, 1):
        lines = image if axis == 0 else image.transpose(1, 0, 2)
        count = max(2, int(np.ceil(_BAR * len(lines))))
        borders = (lines[:count], lines[-count:])
        flat = all(int(np.ptp(border.astype(np.int16), axis=(0, 1)).max()) <= _FLAT for border in borders)
        if flat and int(lines.max()) - int(lines.min()) > 64:
            return True
    return False


def _is_colourless(image: Image) -> bool:
    values = image.astype(np.int16)
    return bool((values.max(axis=2) - values.min(axis=2)).max() <= _COLOURLESS)


def _red_over_blue(image: Image) -> float:
    """Return by how many levels red passes blue in the middle of a picture, where the face is: skin is never bluish."""
    height, width = image.shape[:2]
    middle = image[int(0.35 * height) : int(0.7 * height), int(0.35 * width) : int(0.65 * width)].astype(np.float64)
    return float(np.median(middle[:, :, 0]) - np.median(middle[:, :, 2]))


def _small(image: Image) -> Image:
    scale = _SIDE / max(image.shape[:2])
    if scale >= 1:
        return image
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _size(image: Image) -> NDArray[np.float64]:
    small = _small(image).shape
    return np.array([small[1], small[0]], dtype=np.float64)
