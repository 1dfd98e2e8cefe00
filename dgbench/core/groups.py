"""How tables group their rows: oracles and sanity baselines stand apart from methods and take no place."""

from __future__ import annotations

from typing import Literal

#: They are given the target; no method can be.
ORACLES = ("target", "blurred-target", "low-res-target")
#: They show what they are given, or something like it; where they stand in a table says what a metric is worth.
SANITY_BASELINES = (
    "copy-source",
    "copy-reference",
    *ORACLES,
    "blurred-source",
    "blend",
    "memory",
    "shuffled",
    "black",
)

Group = Literal["oracle", "sanity baseline", "method"]


def group_of(method: str) -> Group:
    """Return the group of a method's rows, by the method's name."""
    if method in ORACLES:
        return "oracle"
    return "sanity baseline" if method in SANITY_BASELINES else "method"
