"""Targets that are handed out: those that a method is shown as the source or the reference of some pair."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dgbench.core.pair import Pair


def targets_among_inputs(pairs: Iterable[Pair]) -> tuple[int, int]:
    """Return (cross pairs whose target is an input of any pair, cross pairs with a target).

    A method that remembers what it is shown could return such a target. Self pairs do not count: their target is
    their own reference.
    """
    every = list(pairs)
    inputs = {key for pair in every for key in (pair.source, pair.reference)}
    asked = [pair.target for pair in every if pair.relation == "cross" and pair.target]
    return sum(target in inputs for target in asked), len(asked)


def share_line(pairs: Sequence[Pair]) -> str:
    """Return the share in words, "" where no cross pair has a target."""
    shown, asked = targets_among_inputs(pairs)
    if not asked:
        return ""
    if not shown:
        return f"0 of {asked} targets are an input of some pair"
    return f"{shown} of {asked} targets ({shown / asked:.0%}) are an input of some pair: a method may remember them"
