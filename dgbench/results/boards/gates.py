"""Three gates for every method's row: it keeps the identity, follows the motion, and looks real.

Each asks for more than a trivial method gives: more identity than a stranger shows (``copy-reference``), more motion
than standing still (``copy-source``), and more of a photograph than a blur (``blurred-target``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from dgbench.core.record import MetricValue
from dgbench.results.boards.ranks import clusters_of
from dgbench.results.boards.seeds import same_pairs
from dgbench.stats.signflip import holm, sign_flip_p

Mark = Literal["passed", "failed", "not known"]
#: Of the adjusted sign-flip tests of one gate.
LEVEL = 0.05
#: Random sign patterns of a test: p is then known to a twentieth of the level.
FLIPS = 2000


@dataclass(frozen=True)
class Gate:
    """What a gate compares, and with which baseline.

    Attributes:
        name: as tables head it.
        baseline: the method to be better than.
        pair_metrics: better in every one of these that both records hold, by paired tests adjusted by Holm.
        distance: whether the set distance must be smaller, too.
    """

    name: str
    baseline: str
    pair_metrics: tuple[str, ...]
    distance: bool = False


GATES = (
    Gate("keeps identity", "copy-reference", ("csim", "id_rank1")),
    Gate("follows motion", "copy-source", ("pose", "expression")),
    Gate("looks real", "blurred-target", ("sharpness",), distance=True),
)
#: What a gate cannot do without: a row that lacks it is not known to pass.
_REQUIRED = {"keeps identity": ("csim",), "follows motion": ("pose", "expression"), "looks real": ()}


@dataclass(frozen=True)
class Measured:
    """One row as the gates see it: its values by metric, and its pair scores sorted by ``pair_id``."""

    values: Mapping[str, MetricValue]
    pairs: pd.DataFrame | None


def marks_of(row: Measured, baselines: Mapping[str, Measured]) -> tuple[Mark, ...]:
    """Return one mark a gate, in the order of :data:`GATES`.

    Args:
        row: the method's row.
        baselines: the sanity baselines of the same protocol and judges, by name.
    """
    return tuple(_mark(gate, row, baselines.get(gate.baseline)) for gate in GATES)


def is_barred(marks: Sequence[Mark]) -> bool:
    """Whether a row may not be first: it failed a gate."""
    return "failed" in marks


def _mark(gate: Gate, row: Measured, baseline: Measured | None) -> Mark:
    if baseline is None:
        return "not known"
    names = [name for name in gate.pair_metrics if _alike(name, row, baseline)]
    if any(name not in names for name in _REQUIRED[gate.name]):
        return "not known"
    outcomes = _better_by_pairs(names, row, baseline)
    if outcomes is None:
        return "not known"
    if gate.distance:
        nearer = _nearer(row, baseline)
        if nearer is None:
            return "not known"
        outcomes = [*outcomes, nearer]
    return "passed" if all(outcomes) else "failed"


def _alike(name: str, row: Measured, baseline: Measured) -> bool:
    one, other = row.values.get(name), baseline.values.get(name)
    return one is not None and other is not None and one.card_digest == other.card_digest and one.value is not None


def _better_by_pairs(names: Sequence[str], row: Measured, baseline: Measured) -> list[bool] | None:
    """Return for each metric whether the row is shown to be better, ``None`` where the pairs do not allow a test."""
    if not names:
        return []
    if row.pairs is None or baseline.pairs is None or not same_pairs([row.pairs, baseline.pairs]):
        return None
    if any(name not in table.columns for name in names for table in (row.pairs, baseline.pairs)):
        return None
    signs = np.array([1.0 if row.values[name].card.direction == "higher" else -1.0 for name in names])
    scores = [table[list(names)].to_numpy(dtype=np.float64) * signs for table in (row.pairs, baseline.pairs)]
    differences = scores[0] - scores[1]
    clusters = clusters_of(row.pairs)
    adjusted = holm([sign_flip_p(column, clusters, flips=FLIPS) for column in differences.T])
    means = differences.mean(axis=0)
    return [bool(mean > 0 and p <= LEVEL) for mean, p in zip(means, adjusted, strict=True)]


def _nearer(row: Measured, baseline: Measured) -> bool | None:
    """Whether the set distance is smaller; kernel distances before Fréchet's, which are biased where N is small."""
    shared = [name for name in row.values if name in baseline.values and _alike(name, row, baseline)]
    of_sets = [name for name in shared if row.values[name].card.level == "set" and not row.values[name].card.compat]
    known = [name for name in of_sets if name.startswith(("kid", "kd"))] or [n for n in of_sets if n.startswith("f")]
    if not known:
        return None
    one, other = row.values[known[0]].value, baseline.values[known[0]].value
    return None if one is None or other is None else one < other
