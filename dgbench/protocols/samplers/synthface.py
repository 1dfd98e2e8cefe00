"""SynthFace pairs: the mini set's grid, and mirrors of the real sets' protocols in which every pair has its truth."""

from __future__ import annotations

import pandas as pd

from dgbench.core.errors import UsageError
from dgbench.core.pair import Pair
from dgbench.core.protocol import Protocol
from dgbench.datasets.manifest import make_frames
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
from dgbench.protocols.samplers.multipie import sample_multipie, sample_multipie_training
from dgbench.protocols.samplers.rafd import sample_rafd_grid
from dgbench.protocols.samplers.roles import sample_one_role
from dgbench.protocols.samplers.voxceleb import sample_voxceleb_cross, sample_voxceleb_self
from dgbench.synthface.sets.layouts import Layout, Selection, layout
from dgbench.synthface.sets.layouts.crowd import CrowdLayout, group_of
from dgbench.synthface.sets.layouts.crowd import cells_of as crowd_cells
from dgbench.synthface.sets.layouts.voxceleb import VoxcelebLayout
from dgbench.synthface.sets.mini_cells import GROUPS, TEST_CELLS, cells_of, key_of, mini_shot

#: Shape of a mirror → (sampler of the real set, prefix of the keys that it works on).
_MIRRORED = {
    "rafd-grid": (sample_rafd_grid, "rafd"),
    "multipie-cameras": (sample_multipie, "mpie"),
    "multipie-training": (sample_multipie_training, "mpie"),
    "voxceleb-self": (sample_voxceleb_self, "vox1"),
    "voxceleb-cross": (sample_voxceleb_cross, "vox2"),
}


def sample_mirror(frames: pd.DataFrame, protocol: Protocol) -> list[Pair]:
    """Return the pairs that a real set's sampler draws from the layout named by the protocol's variant.

    ``frames`` is not used: what images the world has follows from its grammar. The target of a cross pair is the
    source person in the reference's own pose, expression, gaze and light (a key with ``source@``): more exact than
    any real set, whose people each make an expression in their own way.

    Raises:
        UsageError: parameter ``mirrors`` names no known sampler.
    """
    shape = word(protocol, "mirrors")
    if shape not in _MIRRORED:
        raise UsageError(f"{protocol.name}: mirrors '{shape}', which is none of {', '.join(_MIRRORED)}")
    sample, prefix = _MIRRORED[shape]
    world = layout(protocol.variant, seed=protocol.pairing.seed)
    pairs = sample(_grammar_frames(world, protocol, prefix), protocol)
    return [_mirrored(world, pair) for pair in pairs]


def _grammar_frames(world: Layout, protocol: Protocol, prefix: str) -> pd.DataFrame:
    """Return the frames of the protocol's people, with keys as in the real set."""
    shot = protocol.pairing.parameters.get("shot")
    selection = Selection(only={"shot": frozenset({f"{int(shot):02d}"})} if shot is not None else {})
    rows: list[dict[str, object]] = []
    everyone = pd.DataFrame({"subject": list(world.subjects())})
    for person in people_of(everyone, protocol):
        for unit in world.units(person, selection):
            for planned in world.shots(unit, selection):
                row = {**planned.row, "key": prefix + planned.key.removeprefix(world.world), "path": planned.path}
                rows.append({**row, "yaw": planned.scene.yaw})
    return make_frames(rows)


def _mirrored(world: Layout, pair: Pair) -> Pair:
    source, reference = (f"{world.world}/{key.partition('/')[2]}" for key in (pair.source, pair.reference))
    target = reference
    if pair.relation == "cross":
        who = pair.source_identity
        if isinstance(world, VoxcelebLayout):
            who = f"{who}+{source.split('/')[2]}"
        target = world.performed(who, world.shot(reference)).key
    return pair.model_copy(update={"source": source, "reference": reference, "target": target})


def sample_mini_test(frames: pd.DataFrame, protocol: Protocol) -> list[Pair]:
    """Return test pairs of the mini set: every person with every reference cell, ``rounds`` times.

    Parameters: ``relation`` (``self``: reference = target; ``cross``: another person in that cell, target the
    source person in it), ``min_reference_yaw`` and ``max_source_yaw`` in degrees, ``rounds``. The source cell is
    drawn so that each serves about equally often; partners are shifts of one seeded circle, another in each cell.
    """
    near, far = number(protocol, "max_source_yaw"), number(protocol, "min_reference_yaw")
    cross, rounds = word(protocol, "relation") == "cross", number(protocol, "rounds")
    people = people_of(frames, protocol)
    circle = circle_of(protocol, people)
    yaws = {cell: settings[0] for cell, settings in TEST_CELLS.items()}
    references = [cell for cell, yaw in yaws.items() if abs(yaw) >= far]
    pairs = []
    for person in people:
        order = generator(protocol, "sources", person).permutation([cell for cell in yaws if abs(yaws[cell]) <= near])
        for place, cell in enumerate(references * rounds):
            shifts = generator(protocol, "partners", cell).permutation(len(people) - 1)
            other = cyclic_partner(circle, person, int(shifts[place // len(references)])) if cross else person
            usable = [str(one) for one in order if one != cell]
            start = usable[place % len(usable)]
            pairs.append(_pair(protocol, person, start, other, cell))
    return pairs


def sample_mini_one_role(frames: pd.DataFrame, protocol: Protocol) -> list[Pair]:
    """Return cross pairs of the mini set in which each person is shown on one side and asked for on the other.

    Half of the people are shown in the six cells with yaw up to 0 and asked for in the six that turn to image-right,
    the other half the other way round. Parameters: ``max_source_yaw`` and ``min_reference_yaw`` in degrees, and
    ``rounds``, the pairs for each person and cell.
    """
    yaws = {cell: settings[0] for cell, settings in TEST_CELLS.items()}
    near, far = number(protocol, "max_source_yaw"), number(protocol, "min_reference_yaw")

    def side(cell: str) -> int:
        return int(yaws[cell] > 0)

    return sample_one_role(
        protocol,
        people_of(frames, protocol),
        views=[cell for cell, yaw in yaws.items() if abs(yaw) >= far],
        side=side,
        sources=lambda half: [cell for cell, yaw in yaws.items() if abs(yaw) <= near and side(cell) == half],
        rounds=number(protocol, "rounds"),
        pair=lambda person, source, other, cell, _turn: _pair(protocol, person, source, other, cell),
    )


def sample_mini_training(frames: pd.DataFrame, protocol: Protocol) -> list[Pair]:
    """Return training pairs of the mini set: each image ``rounds`` times as self and as cross reference.

    Partners of cross pairs come from the same group of people, whose cells are the same, so that the target exists.
    """
    rounds = number(protocol, "rounds")
    people = people_of(frames, protocol)
    pairs = []
    for group in range(GROUPS):
        members = [person for person in people if (int(person[1:]) - 1) % GROUPS == group]
        circle = circle_of(protocol, members)
        for person in members:
            cells = cells_of(int(person[1:]))
            for cell in cells:
                draw = generator(protocol, person, cell)
                others = [one for one in cells if one != cell]
                shifts = draw.permutation(len(members) - 1)
                for turn, (own, start) in enumerate(
                    zip(draw.permutation(others)[:rounds], draw.permutation(others)[:rounds], strict=True)
                ):
                    pairs.append(_pair(protocol, person, str(own), person, cell))
                    partner = cyclic_partner(circle, person, int(shifts[turn]))
                    pairs.append(_pair(protocol, person, str(start), partner, cell))
    return pairs


def sample_crowd_training(frames: pd.DataFrame, protocol: Protocol) -> list[Pair]:
    """Return training pairs of the crowd: each image once as self and once as cross reference.

    As in the mini set, partners come from the same group of people, whose cells are the same.
    """
    world = CrowdLayout(protocol.pairing.seed)
    everyone = pd.DataFrame({"subject": list(world.subjects())})
    groups: dict[str, list[str]] = {}
    for person in people_of(everyone, protocol):
        groups.setdefault(group_of(int(person[1:])), []).append(person)
    pairs = []
    for members in groups.values():
        circle = circle_of(protocol, members)
        for person in members:
            cells = crowd_cells(int(person[1:]))
            for place, cell in enumerate(cells):
                draw = generator(protocol, person, cell)
                start = cells[(place + 1 + int(draw.integers(len(cells) - 1))) % len(cells)]
                partner = cyclic_partner(circle, person, int(draw.integers(len(members) - 1)))
                source = world.shot(f"{world.world}/{person}/{start}")
                for other in (person, partner):
                    reference = world.shot(f"{world.world}/{other}/{cell}")
                    pairs.append(
                        make_pair(
                            protocol,
                            Shot(source.key, person, source.scene.yaw),
                            Shot(reference.key, other, reference.scene.yaw),
                            target=f"{world.world}/{person}/{cell}",
                            label=f"{person}-{start}--{other}-{cell}",
                        )
                    )
    return pairs


def _pair(protocol: Protocol, person: str, source_cell: str, other: str, cell: str) -> Pair:
    source, reference = _shot(person, source_cell), _shot(other, cell)
    label = f"{person}-{source_cell}--{other}-{cell}"
    return make_pair(protocol, source, reference, target=key_of(int(person[1:]), cell), label=label)


def _shot(person: str, cell: str) -> Shot:
    planned = mini_shot(int(person[1:]), cell)
    return Shot(planned.key, person, planned.scene.yaw)
