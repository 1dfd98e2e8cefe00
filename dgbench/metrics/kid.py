"""KID: the unbiased squared MMD with a cubic kernel, mean over seeded subsets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import JudgeNetwork, MetricCard
from dgbench.metrics.contract import Features, SetMetric, SetResult, cards_of
from dgbench.metrics.fid import REAL_SIDE, SET_FAILURE_RULE

SUBSETS = 100
SUBSET_SIZE = 1000
SEED = 2020
# Up to this many images the kernel of all with all is computed once (3 x 32 MB) and subsets are read from it.
_GRAM_LIMIT = 2000

Floats = NDArray[np.float64]


def card(networks: Sequence[JudgeNetwork], *, name: str = "kid") -> MetricCard:
    """Return the card of KID, or of ``kd[judge]``, with the feature network's digest."""
    features = "official Inception (pool3)" if name == "kid" else "judge's"
    return MetricCard(
        name=name,
        version=1,
        title="KID" if name == "kid" else f"Kernel distance ({name.removeprefix('kd[').removesuffix(']')})",
        definition=(
            "Unbiased squared maximum mean discrepancy (Bińkowski et al. 2018) with the kernel (x.y/D + 1)^3 of the "
            f"{features} features of generated and real images ({REAL_SIDE}); mean over 100 subsets "
            "of 1000 of each side, drawn without replacement from a fixed seed as torch-fidelity draws them; subsets "
            "of all N where N is smaller."
        ),
        direction="lower",
        level="set",
        floor=None,
        failure_rule=SET_FAILURE_RULE,
        judges=cards_of(networks, {"features"}),
        parameters={"subsets": SUBSETS, "subset_size": SUBSET_SIZE, "seed": SEED, "degree": 3, "coef0": 1.0},
    )


def _kernel(first: Floats, second: Floats) -> Floats:
    return (first @ second.T / first.shape[1] + 1.0) ** 3


def _mmd2(xx: Floats, yy: Floats, xy: Floats) -> float:
    """Return the unbiased estimate from the kernels within and between two sets of one size."""
    m = len(xx)
    within = xx.sum() - np.trace(xx) + yy.sum() - np.trace(yy)
    return float(within / (m * (m - 1)) - 2.0 * xy.sum() / (m * m))


def kid(
    first: Features, second: Features, *, subsets: int = SUBSETS, subset_size: int = SUBSET_SIZE, seed: int = SEED
) -> tuple[float, float]:
    """Return mean and standard deviation over subsets of the KID of float (N, D) and (M, D) features.

    Where a subset holds all of both sets, every subset gives one value: it is computed once, and the deviation
    says nothing (0).

    Raises:
        ValueError: ``subset_size`` is below 2 or above the smaller set.
    """
    if not 2 <= subset_size <= min(len(first), len(second)):
        raise ValueError(f"subsets of {subset_size} from sets of {len(first)} and {len(second)}")
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if len(x) == len(y) == subset_size:
        return _mmd2(_kernel(x, x), _kernel(y, y), _kernel(x, y)), 0.0
    # torch-fidelity draws from this generator; only the same one gives the same subsets.
    generator = np.random.RandomState(seed)
    whole = max(len(x), len(y)) <= _GRAM_LIMIT
    kernels = (_kernel(x, x), _kernel(y, y), _kernel(x, y)) if whole else None
    values = np.empty(subsets, dtype=np.float64)
    for index in range(subsets):
        i = generator.choice(len(x), subset_size, replace=False)
        j = generator.choice(len(y), subset_size, replace=False)
        if kernels is None:
            values[index] = _mmd2(_kernel(x[i], x[i]), _kernel(y[j], y[j]), _kernel(x[i], y[j]))
        else:
            xx, yy, xy = kernels
            values[index] = _mmd2(xx[np.ix_(i, i)], yy[np.ix_(j, j)], xy[np.ix_(i, j)])
    return float(values.mean()), float(values.std())


class Kid(SetMetric):
    """KID of two sets of features."""

    #: The unbiased estimate falls a little below zero for equal sets.
    valid_range = (-1.0, None)

    @classmethod
    def card_by(cls, name: str, networks: Sequence[JudgeNetwork]) -> MetricCard:
        """Return the card by the given judges."""
        return card(networks, name=name)

    def compute(self, real: Features, generated: Features) -> SetResult:
        """Return the KID; ``None`` below two images a set."""
        n = min(len(real), len(generated))
        if n < 2:
            return SetResult(None, f"{n} image(s): KID needs two")
        size = min(SUBSET_SIZE, n)
        value, sd = kid(real, generated, subset_size=size)
        one = len(real) == len(generated) == size
        note = f"one subset of all {n}" if one else f"{SUBSETS} subsets of {size}, sd {sd:.3g}"
        return SetResult(value, note)
