"""The crowd: many people for training, in groups that share their cells, and a few to validate on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import ClassVar

import numpy as np

from dgbench.core.digests import seed_of
from dgbench.synthface.head.expressions import expression_of
from dgbench.synthface.render.scene import Flash, Light, Scene
from dgbench.synthface.sets.cells import Shot, person_number
from dgbench.synthface.sets.layouts.base import Layout, Selection, Unit
from dgbench.synthface.sets.layouts.staging import (
    STUDIO,
    STUDIO_LIGHT,
    everyday_background,
    everyday_light,
    someone,
)

#: Training people by number, and those to validate on.
TRAIN, VALIDATION = range(1, 2001), range(2001, 2033)
#: Members of a training group; the validation people are one group.
_MEMBERS = 8
_CELLS = {"train": 10, "validation": 12}
#: The person whose way of making expressions all cells use; no subject is this number.
_PERFORMER = 0
_EXPRESSIONS = (
    "neutral", "happy", "surprised", "angry", "sad", "disgusted", "fearful", "scream", "contemptuous", "squint",
)  # fmt: skip


def group_of(number: int) -> str:
    """Return the group of a person: ``g000`` to ``g249``, or ``val``."""
    return "val" if number in VALIDATION else f"g{(number - 1) // _MEMBERS:03d}"


class CrowdLayout(Layout):
    """Portraits in the wild: every group has its own poses, expressions, lights and framings.

    All people of a group share its cells, down to the expression's weights, so that for any two of them the picture
    of one in the other's cell is in the set: an exact target for every cross pair.
    """

    name = "crowd"
    title = "Training: 2,000 people in 250 groups, 10 cells each; 32 people with 12 cells to validate on"
    default_size = 128
    fields: ClassVar[Mapping[str, str]] = {"subject": "c0001", "cell": "g000-03"}

    def subjects(self) -> tuple[str, ...]:
        """Return every person, the validation people last."""
        return tuple(f"c{number:04d}" for number in (*TRAIN, *VALIDATION))

    def units(self, subject: str, selection: Selection) -> Iterator[Unit]:
        """Yield one unit: the person."""
        if any(selection.keeps(cell=cell) for cell in cells_of(int(subject[1:]))):
            yield Unit(subject, subject)

    def shots(self, unit: Unit, selection: Selection) -> list[Shot]:
        """Return the person's cells."""
        cells = cells_of(int(unit.subject[1:]))
        return [self._shot(unit.subject, cell) for cell in cells if selection.keeps(cell=cell)]

    def shot(self, key: str) -> Shot:
        """Return the image of a key ``synthface-crowd/c0001/g000-03``."""
        world, *parts = key.split("/")
        known = world == self.world and len(parts) == 2 and parts[0] in _known()
        if not known or parts[1] not in cells_of(int(parts[0][1:])):
            raise self.unknown_key(key)
        return self._shot(parts[0], parts[1])

    def person_of(self, subject: str) -> int:
        """Return the person of an id."""
        return person_number("crowd", int(subject[1:]))

    def _shot(self, subject: str, cell: str) -> Shot:
        number = int(subject[1:])
        expression, scene = _scene(self.seed, cell)
        room = np.random.default_rng(self.draw("room", number))
        background = STUDIO if room.random() < 0.2 else everyday_background(room)
        return Shot(
            key=f"{self.world}/{subject}/{cell}",
            path=f"{subject}/{cell}.png",
            person=self.person_of(subject),
            scene=replace(scene, background=background),
            row={
                "subject": subject,
                "expression": expression,
                "expression_raw": expression,
                "camera": cell,
                "yaw_nominal": scene.yaw,
                "elevated": False,
                "container": "image",
                "split_official": "train" if number in TRAIN else "validation",
            },
        )


def cells_of(number: int) -> tuple[str, ...]:
    """Return the cells in which a person is shown, sorted."""
    count = _CELLS["validation" if number in VALIDATION else "train"]
    return tuple(f"{group_of(number)}-{cell:02d}" for cell in range(count))


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    return frozenset(CrowdLayout().subjects())


@lru_cache(maxsize=4096)
def _scene(seed: int, cell: str) -> tuple[str, Scene]:
    """Return (expression, scene without backdrop) of a cell; a group's cells cover all yaws evenly."""
    group, place = cell.split("-")
    count = _CELLS["validation" if group == "val" else "train"]
    rng = np.random.default_rng(seed_of("synthface-crowd", seed, "cell", cell))
    yaw = -90.0 + 180.0 / count * (int(place) + rng.random())
    pitch, roll = np.clip(rng.normal(0.0, (8.0, 6.0)), -22.0, 22.0)
    order = np.random.default_rng(seed_of("synthface-crowd", seed, "expressions", group)).permutation(len(_EXPRESSIONS))
    expression = _EXPRESSIONS[int(order[int(place) % len(order)])]
    weights = expression_of(someone(_PERFORMER, seed), expression, strength=float(rng.uniform(0.5, 1.0)))
    gaze = (round(float(np.clip(rng.normal(0.0, 9.0), -25, 25)), 2), round(float(rng.normal(0.0, 4.0)), 2))
    return expression, Scene(
        yaw=round(float(yaw), 2),
        pitch=round(float(pitch), 2),
        roll=round(float(roll), 2),
        expression={shape: round(weight, 4) for shape, weight in weights.items() if weight > 0},
        gaze=gaze,
        light=_light(rng),
        zoom=round(float(rng.uniform(0.96, 1.14)), 3),
    )


def _light(rng: np.random.Generator) -> Light:
    """Return the light of some room, of a studio, or of one hard lamp."""
    kind = rng.random()
    if kind < 0.6:
        return everyday_light(rng)
    if kind < 0.8:
        return STUDIO_LIGHT
    x, y, z, ambient = (round(float(value), 3) for value in rng.uniform((-1, 0, 0.5, 0.25), (1, 1, 1, 0.35)))
    return Light(ambient=ambient, flashes=(Flash((x, y, z), 0.8),))
