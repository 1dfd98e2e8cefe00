"""What every metric of pixels asks first: are there two images of one size to compare."""

from __future__ import annotations

from dgbench.core.face import Failure, Image
from dgbench.metrics.contract import PairView


def compared_images(view: PairView) -> tuple[Image, Image] | Failure:
    """Return (generated, target), or why they cannot be compared; nothing is ever resized here."""
    if view.generated is None:
        return Failure("missing", "no generated image")
    if view.target is None:
        return Failure("missing", f"the target image {view.pair.target} is not here")
    if view.generated.shape != view.target.shape:
        return Failure("wrong-size", f"generated is {view.generated.shape[:2]}, target is {view.target.shape[:2]}")
    return view.generated, view.target
