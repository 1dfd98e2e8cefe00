"""What every metric of pixels asks first: are there two images of one size to compare."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Failure, Image
from dgbench.metrics.contract import PairMetric, PairView


class Compared(NamedTuple):
    """Two uint8 (H, W, 3) images of one size, and where they are compared: bool (H, W), ``None`` for everywhere."""

    generated: Image
    target: Image
    valid: NDArray[np.bool_] | None

    def pixels(self) -> tuple[Image, Image]:
        """Return the pixels that are compared, uint8 (N, 3) each; the images themselves where all are."""
        if self.valid is None:
            return self.generated, self.target
        return self.generated[self.valid], self.target[self.valid]


def compared_images(view: PairView) -> tuple[Image, Image] | Failure:
    """Return (generated, target), or why they cannot be compared; nothing is ever resized here."""
    if view.generated is None:
        return Failure("missing", "no generated image")
    if view.target is None:
        return Failure("missing", f"the target image {view.pair.target} is not here")
    if view.generated.shape != view.target.shape:
        return Failure("wrong-size", f"generated is {view.generated.shape[:2]}, target is {view.target.shape[:2]}")
    return view.generated, view.target


def compared_pixels(metric: PairMetric, view: PairView) -> Compared | Failure:
    """Return what a metric of pixels compares, by its card: everything, or what lies inside the photograph."""
    images = compared_images(view)
    if isinstance(images, Failure):
        return images
    valid = view.valid if metric.is_inside else None
    if valid is not None and not valid.any():
        return Failure("missing", "no pixel of the target lies inside its photograph")
    return Compared(*images, valid)
