"""The fast forms that tables and checks use give what the plain ones give."""

from __future__ import annotations

import numpy as np
import pytest

from dgbench.stats.clusters import Clusters, DifferenceErrors, mean_intervals, standard_error
from dgbench.stats.shared_draws import SharedDraws


def _pairs(kind: str) -> tuple[np.ndarray, Clusters]:
    rng = np.random.default_rng(3)
    first = rng.integers(0, 9, 120)
    second = first if kind == "self" else (first + rng.integers(1, 9, 120)) % 9
    clusters = Clusters.of([f"{i}" for i in first], [f"{i}" for i in second])
    return rng.normal(size=(120, 4)) + first[:, None] * 0.1, clusters


@pytest.mark.parametrize("kind", ["self", "cross"])
def test_shared_draws_give_the_same_intervals(kind: str) -> None:
    columns, clusters = _pairs(kind)
    plain = mean_intervals(columns, clusters, seed=5)
    shared = SharedDraws(clusters, seed=5).intervals(columns)
    assert [i.kind for i in shared if i] == [i.kind for i in plain if i] and len(shared) == 4
    ends = [[(i.low, i.high) for i in held if i] for held in (shared, plain)]
    assert np.allclose(ends[0], ends[1], rtol=0, atol=1e-12)
    assert SharedDraws(clusters, seed=6).intervals(columns) != shared


@pytest.mark.parametrize("kind", ["self", "cross"])
def test_errors_of_all_differences_are_those_of_each(kind: str) -> None:
    columns, clusters = _pairs(kind)
    errors = DifferenceErrors(columns, clusters)
    for i in range(3):
        each = [standard_error(columns[:, i] - columns[:, j], clusters) for j in range(i + 1, 4)]
        assert np.allclose(errors.between(i), each, rtol=1e-12, atol=0)
    assert DifferenceErrors(columns[:, [0, 0]], clusters).between(0).tolist() == [0.0]
