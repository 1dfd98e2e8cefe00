"""The FRLL layout: ``neutral_front/NNN_03.jpg`` and ``smiling_front/NNN_08.jpg`` of the set's 102 people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np

from dgbench.datasets.frll import PEOPLE
from dgbench.synthface.render.scene import Scene
from dgbench.synthface.sets.cells import Shot, person_number
from dgbench.synthface.sets.layouts.base import Layout, Selection, Unit
from dgbench.synthface.sets.layouts.staging import STUDIO, STUDIO_LIGHT, express

#: View → (folder, expression).
VIEWS = {"03": ("neutral_front", "neutral"), "08": ("smiling_front", "happy")}


class FrllLayout(Layout):
    """Two frontal photographs of each person, taken in one sitting."""

    name = "frll"
    title = "Face Research Lab London names: 102 people, frontal, neutral and smiling"
    default_size = 512
    fields: ClassVar[Mapping[str, str]] = {"subject": "001", "view": "03"}

    def subjects(self) -> tuple[str, ...]:
        """Return the 102 ids."""
        return PEOPLE

    def units(self, subject: str, selection: Selection) -> Iterator[Unit]:
        """Yield one unit: the person."""
        if any(selection.keeps(view=view) for view in VIEWS):
            yield Unit(subject, subject)

    def shots(self, unit: Unit, selection: Selection) -> list[Shot]:
        """Return the person's views."""
        return [self._shot(unit.subject, view) for view in VIEWS if selection.keeps(view=view)]

    def shot(self, key: str) -> Shot:
        """Return the image of a key ``synthface-frll/001/03``."""
        world, *parts = key.split("/")
        if world != self.world or len(parts) != 2 or parts[0] not in PEOPLE or parts[1] not in VIEWS:
            raise self.unknown_key(key)
        return self._shot(parts[0], parts[1])

    def person_of(self, subject: str) -> int:
        """Return the person of an id."""
        return person_number("frll", int(subject))

    def _shot(self, subject: str, view: str) -> Shot:
        folder, expression = VIEWS[view]
        person = self.person_of(subject)
        take = np.random.default_rng(self.draw("head", subject, view))
        yaw, pitch, roll = take.normal(0.0, (2.0, 1.5, 1.0)).round(3).tolist()
        return Shot(
            key=f"{self.world}/{subject}/{view}",
            path=f"{folder}/{subject}_{view}.jpg",
            person=person,
            scene=Scene(
                yaw=yaw,
                pitch=pitch,
                roll=roll,
                expression=express(expression, person, seed=self.seed, take=self.draw("expression", subject, view)),
                light=STUDIO_LIGHT,
                background=STUDIO,
            ),
            row={
                "subject": subject,
                "expression": expression,
                "expression_raw": folder,
                "camera": view,
                "yaw_nominal": 0.0,
                "elevated": False,
                "container": "image",
            },
        )
