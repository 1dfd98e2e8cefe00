"""The pass with the networks that ship: no batch size, order of pairs, worker count or cache changes a bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dgbench.core.face import Failure
from dgbench.engine.run.data import open_data
from dgbench.networks.judges import load_judges
from dgbench.protocols.registry import load_protocol
from dgbench.scoring.evaluator import evaluate

METRICS = "ssim psnr l1 paper/ssim-range2 csim csim_target pose landmark_nme akd fd[synthface] kd[synthface]".split()
PAIRS = 14


class Copies:
    """A method that copies the reference, but for one black image, one crash and one image of another size."""

    def __init__(self, opened) -> None:
        self.source_of = opened.source
        self.pairs = opened.pairs[:: len(opened.pairs) // PAIRS][:PAIRS]

    def generated(self, pair):
        image = self.reference(pair)
        odd = {self.pairs[3].pair_id: np.zeros_like(image), self.pairs[8].pair_id: image[:-1]}
        return Failure("crashed", "x") if pair == self.pairs[5] else odd.get(pair.pair_id, image)

    def source(self, pair):
        return self.source_of.image(pair.source)

    def reference(self, pair):
        return self.source_of.image(pair.reference)

    def target(self, pair):
        return self.source_of.image(pair.target)

    def landmarks(self, pair, role):
        return self.source_of.landmarks(getattr(pair, role))


@pytest.fixture(scope="module")
def copies() -> Copies:
    return Copies(open_data(load_protocol("synthface-mini-cross"), None))


def scored(copies: Copies, pairs, **options) -> list[str]:
    sheet = evaluate(
        pairs, copies, judges=load_judges("embedded"), metrics=METRICS, size=copies.source_of.size, draws=50, **options
    )
    table = sheet.frame()
    assert table["pair_id"].is_monotonic_increasing
    return [value.model_dump_json() for value in sheet.metric_values()] + [table.to_json()]


@pytest.fixture(scope="module")
def expected(copies) -> list[str]:
    return scored(copies, copies.pairs, batch_size=PAIRS, workers=1)


@given(batch=st.integers(1, PAIRS + 3), workers=st.integers(1, 4), seed=st.integers(0, 99), cached=st.booleans())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_split_changes_a_bit(copies, expected, tmp_path, batch, workers, seed, cached):
    order = [copies.pairs[i] for i in np.random.default_rng(seed).permutation(PAIRS)]
    cache = tmp_path / "cache" if cached else None
    assert scored(copies, order, batch_size=batch, workers=workers, cache=cache) == expected
