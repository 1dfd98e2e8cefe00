"""RaFD pairs from the grid of its names: every person in 5 cameras × 8 expressions × 3 gazes, each cell once."""

from __future__ import annotations

import pandas as pd

from dgbench.core.errors import UsageError
from dgbench.core.pair import Pair
from dgbench.core.protocol import Protocol
from dgbench.datasets.rafd import CAMERAS, EXPRESSIONS, GAZES, rafd_key, yaw_of_camera
from dgbench.protocols.samplers.common import (
    Shot,
    circle_of,
    cyclic_partner,
    generator,
    make_pair,
    number,
    people_of,
    word,
)
from dgbench.protocols.samplers.roles import sample_one_role

Cell = tuple[str, str, str]
#: The source photograph of the test protocols: frontal camera, neutral, looking into the camera.
SOURCE: Cell = ("090", "neutral", "frontal")


def sample_rafd_grid(frames: pd.DataFrame, protocol: Protocol) -> list[Pair]:
    """Return the test pairs: source in :data:`SOURCE`, reference in each (camera, expression) cell.

    Parameters: ``relation`` ``self`` (reference = target) or ``cross`` (reference is another person, target the
    source person in the reference's cell); ``gazes_per_cell``, drawn per person and cell. For cross pairs partners
    are shifts of one seeded circle of people, so everyone is a reference about equally often in every cell.

    Raises:
        UsageError: a parameter is missing or has no meaning.
    """
    relation, gazes = word(protocol, "relation"), number(protocol, "gazes_per_cell")
    if relation not in ("self", "cross"):
        raise UsageError(f"{protocol.name}: relation '{relation}' is neither self nor cross")
    have = set(frames["key"])
    people = people_of(frames, protocol)
    circle = circle_of(protocol, people)
    pairs = []
    for camera in CAMERAS:
        for expression in EXPRESSIONS:
            cells = generator(protocol, camera, expression)
            shifts = cells.permutation(max(len(people) - 1, 1))
            for person in people:
                own = generator(protocol, person, camera, expression)
                # Never the source's own cell: there the target is the source itself, and copying it would be right.
                usable = [g for g in GAZES if (camera, expression, g) != SOURCE]
                drawn = sorted(usable[i] for i in own.permutation(len(usable))[:gazes])
                for place, gaze in enumerate(drawn):
                    other = person
                    if relation == "cross":
                        other = cyclic_partner(circle, person, int(shifts[place % len(shifts)]))
                    pair = _pair(protocol, (person, SOURCE), (other, (camera, expression, gaze)))
                    if all(key in have for key in pair.keys):
                        pairs.append(pair)
    return pairs


def sample_rafd_one_role(frames: pd.DataFrame, protocol: Protocol) -> list[Pair]:
    """Return cross pairs in which each person is shown from one side and asked for from the other.

    Everyone is a source in :data:`SOURCE`. Beside it half of the people are shown by the cameras of negative yaw and
    asked for by those of positive yaw, the other half the other way round; in the frontal camera every other
    expression is for showing. Parameter ``gazes_per_cell``: pairs for each person and (camera, expression) cell,
    each in another gaze.
    """

    def side(cell: Cell) -> int:
        yaw = yaw_of_camera(cell[0])
        return int(yaw > 0) if yaw else EXPRESSIONS.index(cell[1]) % 2

    def pair(person: str, source: Cell, other: str, cell: Cell, turn: int) -> Pair:
        usable = [gaze for gaze in GAZES if (*cell[:2], gaze) != SOURCE]
        gazes = generator(protocol, "gazes", person, *cell[:2]).permutation(usable)
        return _pair(protocol, (person, source), (other, (*cell[:2], str(gazes[turn]))))

    return sample_one_role(
        protocol,
        people_of(frames, protocol),
        views=[(camera, expression, "") for camera in CAMERAS for expression in EXPRESSIONS],
        side=side,
        sources=lambda half: (SOURCE,),
        rounds=number(protocol, "gazes_per_cell"),
        pair=pair,
    )


def sample_rafd_training(frames: pd.DataFrame, protocol: Protocol) -> list[Pair]:
    """Return training pairs of one person: each photograph once as reference, the source any other of that person.

    The person's photographs are put on a seeded circle and each is given the next one as its source, so that each
    is a source once as well.
    """
    have = set(frames["key"])
    grid = [(camera, expression, gaze) for camera in CAMERAS for expression in EXPRESSIONS for gaze in GAZES]
    pairs = []
    for person in people_of(frames, protocol):
        cells = [grid[i] for i in generator(protocol, person).permutation(len(grid))]
        for place, cell in enumerate(cells):
            pair = _pair(protocol, (person, cells[(place + 1) % len(cells)]), (person, cell))
            if all(key in have for key in pair.keys):
                pairs.append(pair)
    return pairs


def _pair(protocol: Protocol, source: tuple[str, Cell], reference: tuple[str, Cell]) -> Pair:
    (person, source_cell), (other, cell) = source, reference
    return make_pair(
        protocol,
        Shot(rafd_key(person, *source_cell), person, yaw_of_camera(source_cell[0])),
        Shot(rafd_key(other, *cell), other, yaw_of_camera(cell[0])),
        target=rafd_key(person, *cell),
        label=f"{person}-{'-'.join(source_cell)}--{other}-{'-'.join(cell)}",
    )
