"""The two sets of landmarks that landmark metrics compare: the generated face's and the truth's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Failure
from dgbench.metrics.contract import PairView

#: Said in every landmark card: which image is the truth.
TRUTH = "the target where the pair has one, else the reference"
NO_FACE_RULE = "a pair without a generated image, or in whose generated image no face is found, scores"


def compared_points(view: PairView) -> tuple[NDArray[np.float64], NDArray[np.float64]] | Failure:
    """Return the landmarks, float64 (68, 3) each in pixels, of the generated face and of the truth, or the failure."""
    if view.seen_generated is None:
        return Failure("missing", "no generated image")
    if not view.seen_generated.detected:
        return Failure("no-face", "no face found in the generated image")
    role = "reference" if view.pair.target is None else "target"
    truth = view.seen_reference if view.pair.target is None else view.seen_target
    if truth is None:
        return Failure("missing", f"the {role} image is not here")
    if view.seen_generated.landmarks is None:
        return Failure("no-face", "no landmarks found in the generated image")
    if truth.landmarks is None:
        return Failure("no-face", f"no landmarks found in the {role} image")
    generated = view.seen_generated.landmarks.points.astype(np.float64)
    expected = truth.landmarks.points.astype(np.float64)
    if not (np.isfinite(generated).all() and np.isfinite(expected).all()):
        return Failure("not-finite", "a landmark is not finite")
    return generated, expected
