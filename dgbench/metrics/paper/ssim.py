"""SSIM on [-1, 1] images, as the DG group's published script has it: for comparison with papers, never ranked."""

from __future__ import annotations

from dgbench.core.card import MetricCard
from dgbench.core.face import Failure
from dgbench.metrics.contract import PairMetric, PairView
from dgbench.metrics.pixels import compared_images
from dgbench.metrics.ssim import RADIUS, SIGMA, windowed_similarity

RANGE = 2.0

CARD = MetricCard(
    name="paper/ssim-range2",
    version=2,
    title="SSIM on [-1, 1] (paper-compatible)",
    definition=(
        "SSIM with an 11x11 Gaussian window of sigma 1.5, borders cut, on images scaled to [-1, 1] with range 2, as in "
        "metrics/eval.py of AvLab-CV/PASL. The luminance term is not invariant to the shift of the grey values, so it "
        "does not equal ssim and may lie on either side of it. That script guesses the range from each batch; "
        "here it is 2, which the guess gives wherever the generated image has dark pixels."
    ),
    direction="higher",
    level="pair",
    floor=0.0,
    failure_rule="a pair without a generated image of the target's size scores 0",
    needs_target=True,
    compat=True,
    parameters={"sigma": SIGMA, "window": 2 * RADIUS + 1, "data_range": RANGE, "canonical": "ssim"},
)


class CompatSsim(PairMetric):
    """SSIM of generated and target on [-1, 1]."""

    card = CARD
    valid_range = (-1.0, 1.0)
    smallest_side = 2 * RADIUS + 1
    images = frozenset({"target"})

    def score(self, view: PairView) -> float | Failure:
        """Return the value of the pair."""
        images = compared_images(view)
        if isinstance(images, Failure):
            return images
        if min(images[0].shape[:2]) < 2 * RADIUS + 1:
            return Failure("wrong-size", f"SSIM needs at least {2 * RADIUS + 1} px a side, got {images[0].shape[:2]}")
        c1, c2 = (0.01 * RANGE) ** 2, (0.03 * RANGE) ** 2
        return windowed_similarity(*images, c1=c1, c2=c2, scale=1 / 127.5, shift=-1.0)
