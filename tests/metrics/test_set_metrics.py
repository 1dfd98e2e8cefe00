"""Moments, Fréchet distance and KID: exact sums, both routes, other implementations, stated answers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.linalg
from fakes import FakeJudges
from hypothesis import given, settings
from hypothesis import strategies as st

from dgbench.core.errors import UsageError
from dgbench.metrics.frechet import frechet, frechet_of_features, frechet_of_moments
from dgbench.metrics.kid import kid
from dgbench.metrics.moments import Moments
from dgbench.metrics.registry import make_metric
from dgbench.stats.spread import disjoint_parts


def draw(n: int, d: int, seed: int, *, shift: float = 0.0, scale: float = 1.0) -> np.ndarray:
    return (np.random.default_rng(seed).gamma(2.0, 0.2, (n, d)) * scale + shift).astype(np.float32)


def by_sqrtm(first: np.ndarray, second: np.ndarray) -> float:
    """The textbook formula; its matrix root may come out complex, which is why the metric never takes it."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    s, t = np.cov(a.T), np.cov(b.T)
    root = np.real(scipy.linalg.sqrtm(s @ t))
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(s + t - 2 * root))


@given(
    n=st.integers(2, 60),
    d=st.integers(1, 9),
    seed=st.integers(0, 2**31),
    cuts=st.lists(st.floats(0, 1), max_size=5),
)
@settings(max_examples=60, deadline=None)
def test_moments_are_bit_equal_for_any_split_and_order(n, d, seed, cuts):
    rng = np.random.default_rng(seed)
    rows = (rng.normal(size=(n, d)) * 10 ** rng.uniform(-4, 1.5, d)).astype(np.float32)
    whole = Moments.of(rows)
    edges = [0, *sorted(int(cut * n) for cut in cuts), n]
    shuffled = rows[rng.permutation(n)]
    together = Moments(d)
    for a, b in itertools.pairwise(edges):
        together.add(shuffled[a:b])
    assert together.count == whole.count
    assert together.mean().tobytes() == whole.mean().tobytes()
    assert together.covariance().tobytes() == whole.covariance().tobytes()


def test_moments_are_numpys():
    rows = draw(300, 20, 1)
    moments = Moments.of(rows)
    assert moments.mean() == pytest.approx(rows.astype(np.float64).mean(axis=0), rel=1e-7)
    assert moments.covariance() == pytest.approx(np.cov(rows.astype(np.float64).T), rel=1e-6, abs=1e-9)
    # Rounding to the grid is all that differs: numbers on the grid are exact.
    grid = np.round(rows * 1024) / 1024
    assert Moments.of(grid).mean() == pytest.approx(grid.astype(np.float64).mean(axis=0), rel=1e-15)


def test_moments_refuse_what_they_cannot_hold():
    for value, words in ((np.nan, "not finite"), (np.inf, "not finite"), (300.0, "beyond")):
        with pytest.raises(UsageError, match=words):
            Moments.of(np.full((3, 2), value, dtype=np.float32))
    with pytest.raises(ValueError, match="needs two"):
        Moments.of(np.zeros((1, 2), np.float32)).covariance()
    with pytest.raises(ValueError, match="no images"):
        Moments(2).mean()
    with pytest.raises(ValueError, match=r"\(N, 3\)"):
        Moments(3).add(np.zeros((1, 2), np.float32))


@pytest.mark.parametrize(("n", "m"), [(200, 150), (30, 40), (30, 200)], ids=["full-rank", "singular", "mixed"])
def test_both_routes_are_the_textbook_formula(n, m):
    first, second = draw(n, 48, 1), draw(m, 48, 2, shift=0.05, scale=1.2)
    eigen = frechet_of_moments(Moments.of(first), Moments.of(second))
    singular = frechet_of_features(first, second)
    assert eigen == pytest.approx(singular, rel=2e-6)
    if min(n, m) > 48:
        assert singular == pytest.approx(by_sqrtm(first, second), rel=1e-8)


def test_gaussians_have_the_closed_form():
    """Diagonal covariances: the sum of (m1 - m2)^2 + (s1 - s2)^2 over axes."""
    rng = np.random.default_rng(0)
    basis = rng.normal(size=(400, 3))
    basis -= basis.mean(axis=0)
    basis = np.linalg.qr(basis)[0] * np.sqrt(399)  # exactly uncorrelated, unit variance
    first, second = basis * [1, 2, 3] + [0, 0, 1], basis * [2, 2, 5] + [0, 1, 0]
    assert frechet_of_features(first, second) == pytest.approx(1 + 0 + 4 + 1 + 1, rel=1e-9)


@given(st.integers(2, 40), st.integers(1, 30), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_frechet_of_a_set_with_itself_is_0_and_it_is_symmetric(n, d, seed):
    first, second = draw(n, d, seed), draw(n + 3, d, seed + 1)
    assert frechet(first, first) == pytest.approx(0, abs=1e-6)
    assert frechet_of_moments(Moments.of(first), Moments.of(first)) == pytest.approx(0, abs=1e-5)
    assert frechet(first, second) == pytest.approx(frechet(second, first), rel=1e-9, abs=1e-9)
    assert frechet(first, second) >= 0


@given(st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_order_of_images_changes_no_bit(seed):
    rng = np.random.default_rng(seed)
    for n, d in ((12, 20), (40, 6)):
        first, second = draw(n, d, seed), draw(n, d, seed + 1)
        assert frechet(first, second) == frechet(first[rng.permutation(n)], second[rng.permutation(n)])


def test_kid_is_the_plain_loop():
    first, second = draw(25, 7, 1).astype(np.float64), draw(25, 7, 2).astype(np.float64)

    def kernel(x, y) -> float:
        return (float(x @ y) / 7 + 1) ** 3

    n = 25
    within = sum(kernel(s[i], s[j]) for s in (first, second) for i in range(n) for j in range(n) if i != j)
    between = sum(kernel(x, y) for x in first for y in second)
    assert kid(first, second, subset_size=n) == (
        pytest.approx(within / (n * (n - 1)) - 2 * between / n**2, rel=1e-9),
        0.0,
    )


def test_kid_by_whole_kernel_and_by_subset_are_one(monkeypatch):
    first, second = draw(60, 9, 1), draw(50, 9, 2)
    whole = kid(first, second, subsets=20, subset_size=30)
    monkeypatch.setattr("dgbench.metrics.kid._GRAM_LIMIT", 0)
    assert kid(first, second, subsets=20, subset_size=30) == pytest.approx(whole, rel=1e-10)


def test_kid_is_unbiased_where_frechet_is_not():
    """Two draws of one distribution: KID is around 0 at any N, the Fréchet distance grows as N falls."""
    kids = [kid(draw(40, 30, s), draw(40, 30, s + 500), subset_size=40)[0] for s in range(60)]
    assert abs(np.mean(kids)) < 3 * np.std(kids) / np.sqrt(60)
    assert frechet(draw(40, 30, 1), draw(40, 30, 2)) > 2 * frechet(draw(400, 30, 1), draw(400, 30, 2))


def test_spread_is_over_disjoint_people_and_no_bootstrap():
    fd = make_metric("fd[fake]", FakeJudges())
    first, second = draw(200, 6, 1), draw(200, 6, 2)
    who = [f"{n % 20:02d}" for n in range(200)]
    note = fd.spread(first, second, who)
    parts = disjoint_parts(who, parts=5)
    sd = np.std([frechet(first[p], second[p]) for p in parts], ddof=1)
    assert note == f"sd {sd:.3g} over 5 disjoint parts of the source people, N=40 each"
    assert fd.spread(first, second, ["a"] * 200) == ""
    assert fd.spread(first[:50], second[:50], who[:50]) == ""


def test_stated_answers_for_small_and_unequal_sets():
    fd, kd = make_metric("fd[fake]", FakeJudges()), make_metric("kd[fake]", FakeJudges())
    two = draw(2, 5, 1)
    for metric in (fd, kd):
        assert metric.compute(two, two[:1]).value is None
        assert "needs two" in metric.compute(two, two[:1]).note
        assert np.isfinite(metric.compute(two, draw(9, 5, 2)).value)
    constant = np.full((8, 5), 0.5, dtype=np.float32)
    assert fd.compute(constant, constant).value == pytest.approx(0, abs=1e-12)
    assert "small N: N=8 < 5000" in fd.compute(constant, constant).note
    assert fd.compute(np.zeros((5000, 1), np.float32), np.zeros((5000, 1), np.float32)).note == ""
    with pytest.raises(UsageError, match="not finite"):
        fd.compute(constant, constant * np.nan)
    with pytest.raises(ValueError, match="subsets of 9"):
        kid(two, two, subset_size=9)
