"""Cross pairs whose targets are no input of any pair: people and views take one role each.

The people stand on a seeded circle; every other one is of the first half. The views fall into two sides. A person of
the first half is *shown* in views of side 0 alone, as source and as reference, and *asked for* in views of side 1
alone; a person of the second half the other way round. So everyone is a source (the statistics keep every person as
a cluster), and what a method has been shown of a person is never what it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from dgbench.core.pair import Pair
from dgbench.core.protocol import Protocol
from dgbench.protocols.samplers.common import circle_of, generator

View = TypeVar("View")


def sample_one_role(
    protocol: Protocol,
    people: Sequence[str],
    *,
    views: Sequence[View],
    side: Callable[[View], int],
    sources: Callable[[int], Sequence[View]],
    rounds: int,
    pair: Callable[[str, View, str, View, int], Pair],
    where: tuple[object, ...] = (),
) -> list[Pair]:
    """Return ``rounds`` pairs for every person and every view of the side in which that person is asked for.

    Partners are shifts of the other half of the circle, another shift for each view and round, so that in every view
    everyone of that half is a reference equally often. Sources go in turn through the person's source views, in an
    order drawn per person.

    Args:
        protocol: gives id, version and seed.
        people: who takes part.
        views: the views asked for.
        side: 0 or 1 for each view.
        sources: the views that a person of half 0 or 1 may be a source in; none of them may be asked for.
        rounds: pairs per person and view.
        pair: called with (person, source view, other person, view asked for, round).
        where: parts of the seed for one of several groups of people, such as a session.
    """
    circle = circle_of(protocol, people, *where)
    halves = circle[0::2], circle[1::2]
    pairs = []
    for half, (mine, others) in enumerate((halves, halves[::-1])):
        asked = [view for view in views if side(view) != half]
        own = list(sources(half))
        for place, person in enumerate(mine if others else ()):
            order = generator(protocol, "sources", person).permutation(len(own))
            for column, view in enumerate(asked):
                shifts = generator(protocol, "partners", *where, view).permutation(len(others))
                for turn in range(rounds):
                    other = others[(place + int(shifts[turn % len(shifts)])) % len(others)]
                    source = own[int(order[(column + turn) % len(own)])]
                    pairs.append(pair(person, source, other, view, turn))
    return pairs
