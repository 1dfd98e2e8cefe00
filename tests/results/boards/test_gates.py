"""Gates: each trivial method fails the gate made for it, and a good one passes all three."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dgbench.core.card import MetricCard
from dgbench.core.record import MetricValue
from dgbench.results.boards.gates import GATES, Measured, is_barred, marks_of

PEOPLE, PAIRS = 20, 120
LOWER = {"pose", "expression", "kd[x]"}


def card(name: str) -> MetricCard:
    of_set = name.startswith("kd")
    return MetricCard(
        name=name, version=1, title=name, definition="d", direction="lower" if name in LOWER else "higher",
        level="set" if of_set else "pair", floor=None if of_set else 0.0, failure_rule="r",
    )  # fmt: skip


def measured(seed: int, *, distance: float = 0.1, pairs: int = PAIRS, **means: float) -> Measured:
    draw = np.random.default_rng(seed)
    index = np.arange(pairs)
    table = pd.DataFrame(
        {
            "pair_id": [f"p{i:03d}" for i in index],
            "source_identity": [f"{i % PEOPLE}" for i in index],
            "reference_identity": [f"{(i + 1 + i // PEOPLE) % PEOPLE}" for i in index],
        }
    )
    for name, mean in means.items():
        table[name] = mean + draw.normal(0, 0.05 * (1 + abs(mean)), pairs)
    values = {}
    for name, value in [*means.items(), ("kd[x]", distance)]:
        values[name] = MetricValue(
            name=name, card=card(name), card_digest=card(name).digest, value=value, n_expected=pairs, n_scored=pairs
        )
    return Measured(values, table)


GOOD = {"csim": 0.6, "id_rank1": 0.9, "pose": 4.0, "expression": 0.02, "sharpness": 0.5}
BASELINES = {
    "copy-reference": measured(1, **GOOD | {"csim": 0.1, "id_rank1": 0.0, "pose": 0.0}, distance=0.0),
    "copy-source": measured(2, **GOOD | {"csim": 1.0, "pose": 40.0, "expression": 0.6}, distance=0.0),
    "blurred-target": measured(3, **GOOD | {"sharpness": 0.2}, distance=0.3),
}


def marks(row: Measured, baselines=BASELINES) -> tuple[str, ...]:
    return marks_of(row, baselines)


def test_a_good_method_passes_all_three() -> None:
    found = marks(measured(9, **GOOD))
    assert found == ("passed",) * 3
    assert not is_barred(found)


@pytest.mark.parametrize(
    ("change", "distance", "failed"),
    [
        ({"csim": 0.1, "id_rank1": 0.0}, 0.1, 0),
        ({"id_rank1": 0.0}, 0.1, 0),
        ({"pose": 40.0}, 0.1, 1),
        ({"expression": 0.6}, 0.1, 1),
        ({"sharpness": 0.2}, 0.1, 2),
        ({}, 0.4, 2),
    ],
)
def test_each_gate_fails_alone(change, distance, failed) -> None:
    found = marks(measured(9, **GOOD | change, distance=distance))
    assert found[failed] == "failed"
    assert [mark for n, mark in enumerate(found) if n != failed] == ["passed", "passed"]
    assert is_barred(found)


@pytest.mark.parametrize(("name", "gate"), [("copy-reference", 0), ("copy-source", 1), ("blurred-target", 2)])
def test_a_trivial_method_fails_the_gate_made_for_it(name: str, gate: int) -> None:
    assert GATES[gate].baseline == name
    assert marks(BASELINES[name])[gate] == "failed"


def test_a_difference_that_chance_explains_does_not_pass() -> None:
    rows = [marks(measured(seed, **GOOD | {"csim": 0.1, "id_rank1": 0.0}))[0] for seed in range(30, 60)]
    assert rows.count("passed") <= 2


def test_what_is_not_measured_is_not_known() -> None:
    row = measured(9, **GOOD)
    assert marks(row, {}) == ("not known",) * 3
    assert marks(measured(9, **{k: v for k, v in GOOD.items() if k != "expression"}))[1] == "not known"
    assert marks(Measured(row.values, None))[:2] == ("not known", "not known")
    assert marks(measured(9, **GOOD, pairs=60))[0] == "not known"


def test_another_card_is_not_compared() -> None:
    row = measured(9, **GOOD)
    other = card("csim").model_copy(update={"version": 2})
    changed = row.values["csim"].model_copy(update={"card": other, "card_digest": other.digest})
    assert marks(Measured({**row.values, "csim": changed}, row.pairs))[0] == "not known"


def test_old_records_without_retrieval_are_judged_by_the_cosine() -> None:
    old = {k: v for k, v in GOOD.items() if k not in ("id_rank1", "sharpness")}
    assert marks(measured(9, **old)) == ("passed",) * 3
