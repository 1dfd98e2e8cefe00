"""Colour from pigments: skin from melanin and haemoglobin, hair from melanins and age, irises; all linear RGB."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Reflectance of skin without pigment, and how strongly full pigments absorb red, green and blue (Beer-Lambert; the
# coefficients are fitted by eye to published skin colour charts, from palest to darkest).
_BARE = np.array([0.80, 0.625, 0.53])
_EUMELANIN = np.array([1.75, 2.35, 2.85])
_PHEOMELANIN = np.array([1.15, 2.2, 3.4])
_HAEMOGLOBIN = np.array([0.08, 0.50, 0.46])

_HAIR_EUMELANIN = np.array([3.3, 3.9, 4.5])
_HAIR_PHEOMELANIN = np.array([0.55, 1.9, 3.5])
_HAIR_BARE = np.array([0.80, 0.70, 0.52])
_GREY = np.array([0.52, 0.52, 0.54])

_IRIS = np.array(
    [[0.10, 0.20, 0.34], [0.13, 0.22, 0.16], [0.20, 0.14, 0.06], [0.055, 0.025, 0.012]],
)


def skin_color(
    melanin: NDArray[np.floating] | float, haemoglobin: NDArray[np.floating] | float, red_share: float
) -> NDArray[np.float64]:
    """Return linear RGB (..., 3) of skin with pigments 0..1; ``red_share`` of the melanin is pheomelanin."""
    m = np.asarray(melanin, np.float64)[..., None]
    h = np.asarray(haemoglobin, np.float64)[..., None]
    absorb = (1 - red_share) * _EUMELANIN + red_share * _PHEOMELANIN
    return _BARE * np.exp(-m * absorb - h * _HAEMOGLOBIN)


def hair_color(melanin: float, red: float, grey: float) -> NDArray[np.float64]:
    """Return linear RGB (3,) of hair: melanin 0..1 from blond to black, ``red`` pheomelanin, ``grey`` unpigmented."""
    # Even black hair reflects two to three percent.
    pigmented = _HAIR_BARE * np.exp(-melanin * _HAIR_EUMELANIN * 0.9 - red * _HAIR_PHEOMELANIN * 0.6) + 0.006
    return (1 - grey) * pigmented + grey * _GREY


def iris_color(eye_color: float) -> NDArray[np.float64]:
    """Return linear RGB (3,) of an iris: 0 blue, 1/3 grey-green, 2/3 hazel, 1 dark brown."""
    place = float(np.clip(eye_color, 0, 1)) * 3
    first = min(int(place), 2)
    blend: NDArray[np.float64] = _IRIS[first] + (place - first) * (_IRIS[first + 1] - _IRIS[first])
    return blend
