"""Verification: at which rate a similarity takes two for one as often as one for two."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def equal_error_rate(same: NDArray[np.floating], others: NDArray[np.floating]) -> float:
    """Return the rate at which as many same pairs fall below a threshold as different pairs reach it.

    Where no threshold gives equality exactly, the mean of the two rates where they are nearest.

    Raises:
        ValueError: one kind of pair is missing.
    """
    if not len(same) or not len(others):
        raise ValueError("an equal error rate needs pairs of both kinds")
    thresholds = np.unique(np.concatenate([same, others]))
    rejected = np.searchsorted(np.sort(same), thresholds, side="left") / len(same)
    accepted = 1 - np.searchsorted(np.sort(others), thresholds, side="left") / len(others)
    nearest = int(np.argmin(np.abs(rejected - accepted)))
    return float((rejected[nearest] + accepted[nearest]) / 2)
