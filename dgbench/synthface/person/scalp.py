"""Where hair grows: the scalp's outline and the beard's, as soft fields over the generic face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Hairline: longitude in degrees (0 front, 180 back) → latitude seen from the head's centre (0, 1, 0), degrees.
_LONGITUDE = np.array([0, 18, 34, 46, 56, 66, 76, 84, 92, 104, 118, 135, 160, 180.0])
_LATITUDE = np.array([53, 53, 48, 44, 34, 22, 14, 6, 14, 20, 0, -22, -33, -35.0])
_RECEDED = np.array([66, 76, 76, 62, 44, 26, 14, 6, 14, 20, 0, -22, -33, -35.0])
_CROWN_BALD = np.array([90, 90, 90, 90, 80, 34, 18, 8, 16, 20, 0, -22, -33, -35.0])


def angles(points: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return longitude (-180..180, 0 front, + image-right) and latitude (degrees) of generic-face points (..., 3)."""
    p = np.asarray(points, np.float64) - [0.0, 1.0, 0.0]
    longitude = np.degrees(np.arctan2(p[..., 0], p[..., 2]))
    latitude = np.degrees(np.arctan2(p[..., 1], np.hypot(p[..., 0], p[..., 2])))
    return longitude, latitude


def scalp_field(points: NDArray[np.floating], *, recede: float, shift: float) -> NDArray[np.float64]:
    """Return degrees above the hairline (negative below) of generic-face points (..., 3).

    Args:
        points: on the generic face.
        recede: 0 full hairline, 1 receded temples, 2 bare top with a wreath of hair.
        shift: moves the front hairline up, degrees.
    """
    longitude, latitude = angles(points)
    a, b = (_LATITUDE, _RECEDED) if recede <= 1 else (_RECEDED, _CROWN_BALD)
    line = a + (b - a) * (recede - (recede > 1))
    front = np.clip(1 - np.abs(longitude) / 70, 0, 1)
    edge = np.interp(np.abs(longitude), _LONGITUDE, line) + shift * front
    above = latitude - edge
    # A wreath ends below the bare top.
    if recede > 1:
        above = np.minimum(above, (58 - latitude) + (2 - recede) * 60 + np.maximum(np.abs(longitude) - 110, 0) * 0.1)
    return above


def beard_field(points: NDArray[np.floating]) -> dict[str, NDArray[np.float64]]:
    """Return how strongly the beard regions hold generic-face points (..., 3): ``moustache``, ``chin``, ``cheek``."""
    x, y, z = np.moveaxis(np.asarray(points, np.float64), -1, 0)
    ax = np.abs(x)
    front = np.clip((z - 1.5) / 1.5, 0, 1)

    def soft(value: NDArray[np.float64], width: float) -> NDArray[np.float64]:
        return 1 / (1 + np.exp(-np.clip(value / width, -30, 30)))

    lip_top = -2.62 - 0.22 * np.clip(ax, 0, 3) ** 1.2 * 0.8
    moustache = soft(-1.45 - 0.05 * ax - y, 0.12) * soft(y - lip_top, 0.1) * soft(3.2 - ax, 0.2) * soft(z - 8, 0.3)
    side = soft(ax - 2.75, 0.2) * soft(4.0 - ax, 0.3) * soft(-2.4 - y, 0.3) * soft(y + 7, 0.4)
    below = soft(-5.05 - y, 0.16) * soft(y + 8.3, 0.25)
    patch = soft(0.55 - ax, 0.15) * soft(-4.55 - y, 0.1) * soft(y + 5.4, 0.1)
    chin = np.maximum(np.maximum(side * soft(z - 7, 0.5), below * soft(3.4 - ax, 0.4)), patch)
    # The cheek's upper line runs from the sideburn to the mouth's corner.
    upper = np.interp(ax, [2.6, 4.2, 5.6, 6.6, 7.6], [-3.2, -3.1, -1.6, 0.6, 3.2])
    cheek = soft(upper - y, 0.35) * soft(ax - 2.9, 0.3) * soft(y + 8.0, 0.3) * soft(z - 2.1, 0.35)
    under = soft(-6.4 - y, 0.4) * soft(y + 8.7, 0.3) * soft(z - 4.2, 0.5)
    return {"moustache": moustache * front, "chin": chin * front, "cheek": np.maximum(cheek, under * 0.9) * front}


def beard_density(style: str, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return 0..1, how densely a beard of ``style`` grows at generic-face points (..., 3)."""
    regions = beard_field(points)
    moustache, chin, cheek = regions["moustache"], regions["chin"], regions["cheek"]
    if style == "moustache":
        return moustache
    if style == "goatee":
        return np.maximum(moustache, chin)
    if style in ("full", "stubble"):
        return np.maximum(np.maximum(moustache, chin), cheek)
    return np.zeros(moustache.shape)
