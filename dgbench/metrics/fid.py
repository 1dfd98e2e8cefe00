"""FID: the Fréchet distance in the official Inception's features, and nothing else; other spaces are ``fd[...]``."""

from __future__ import annotations

from collections.abc import Sequence

from dgbench.core.card import JudgeNetwork, MetricCard
from dgbench.metrics.contract import Features, SetMetric, SetResult, cards_of
from dgbench.metrics.frechet import frechet
from dgbench.stats.spread import spread_over_parts

#: From this many images on, FID's bias is small enough for a headline (see docs/metrics.md).
HEADLINE_N = 5000
SMALL_N = "fid_smallN"
#: Disjoint parts for the spread, and the images a part has at least and at most.
PARTS = 5
SMALLEST_PART = 20
LARGEST_PART = 1000
SET_FAILURE_RULE = (
    "one row per pair on both sides: a pair without a generated image enters as an all-black image of the real "
    "image's size; the value over the generated images that exist stands beside it"
)
REAL_SIDE = "the target image of every pair, the reference image where the pair has no target"


def card(networks: Sequence[JudgeNetwork], *, name: str = "fid") -> MetricCard:
    """Return the card of FID, or of ``fd[judge]``, with the feature network's digest."""
    features = "official Inception (pool3)" if name == "fid" else "judge's"
    return MetricCard(
        name=name,
        version=1,
        title="FID" if name == "fid" else f"Fréchet distance ({name.removeprefix('fd[').removesuffix(']')})",
        definition=(
            f"Fréchet distance of the {features} features of the generated images and of the real ones ({REAL_SIDE}). "
            "Covariance over N-1; symmetric eigenvalues in float64 of exact fixed-point moments (grid 2^-26), or "
            "singular values of the centred features where a set is no larger than the feature dimension."
        ),
        direction="lower",
        level="set",
        floor=None,
        failure_rule=SET_FAILURE_RULE,
        judges=cards_of(networks, {"features"}),
        parameters={"headline_n": HEADLINE_N, "real_side": REAL_SIDE, "failed_as": "black image"},
    )


class Fid(SetMetric):
    """Fréchet distance of two sets of features, labelled where N is small."""

    valid_range = (0.0, None)
    companions = ("kid",)

    @classmethod
    def card_by(cls, name: str, networks: Sequence[JudgeNetwork]) -> MetricCard:
        """Return the card by the given judges."""
        return card(networks, name=name)

    def compute(self, real: Features, generated: Features) -> SetResult:
        """Return the distance; ``None`` below two images a set."""
        n = min(len(real), len(generated))
        if n < 2:
            return SetResult(None, f"{n} image(s): a Fréchet distance needs two")
        return SetResult(frechet(real, generated), "" if n >= HEADLINE_N else self._small_n(n))

    def spread(self, real: Features, generated: Features, identities: Sequence[str]) -> str:
        """Return, as a sentence for the note, how far the distance moves between disjoint parts of the people.

        A plain bootstrap would miss its own estimate, because resampling lowers the effective N. "" where there are
        too few people or images for parts that say anything.
        """
        if len(set(identities)) < 2 * PARTS or len(real) < PARTS * SMALLEST_PART:
            return ""
        spread = spread_over_parts(
            lambda rows: frechet(real[rows[:LARGEST_PART]], generated[rows[:LARGEST_PART]]), identities, parts=PARTS
        )
        n_each = min(spread.n_each, LARGEST_PART)
        return f"sd {spread.sd:.3g} over {PARTS} disjoint parts of the source people, N={n_each} each"

    def _small_n(self, n: int) -> str:
        label, rival = (
            (SMALL_N, "kid") if self.card.name == "fid" else ("small N", self.card.name.replace("fd", "kd", 1))
        )
        return f"{label}: N={n} < {HEADLINE_N}, biased upwards; rank by {rival}"
