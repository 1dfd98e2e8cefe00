"""The RaFD layout: ``Rafd{camera}_{id}_{group}_{gender}_{expression}_{gaze}.jpg``, flat, 67 people, 8,040 images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np

from dgbench.datasets.rafd import CAMERAS, EXPRESSIONS, WHO, rafd_name, yaw_of_camera
from dgbench.synthface.render.scene import Scene
from dgbench.synthface.sets.cells import Shot, seen_from
from dgbench.synthface.sets.layouts.base import Layout, Selection, Unit
from dgbench.synthface.sets.layouts.staging import STUDIO, STUDIO_LIGHT, cast, express

#: Gaze → horizontal degrees. Whose left the set means is not published; here it is the model's own.
GAZES = {"frontal": 0.0, "left": 28.0, "right": -28.0}
#: Skin pigment of the people cast for a group. SynthFace has no children: adults play the set's ten.
_MELANIN = {"Caucasian": (0.0, 0.3), "Kid": (0.0, 0.3), "Moroccan": (0.25, 0.55)}


class RafdLayout(Layout):
    """One take per (person, expression, gaze), seen by five cameras at once: the cameras differ, the face does not."""

    name = "rafd"
    title = "Radboud Faces Database names: 67 people x 8 expressions x 3 gazes x 5 cameras"
    default_size = 512
    fields: ClassVar[Mapping[str, str]] = {"subject": "01", "camera": "090", "expression": "happy", "gaze": "frontal"}
    aspect = (681 / 1024, 1.0)
    zoom = 0.67

    def subjects(self) -> tuple[str, ...]:
        """Return the 67 ids, ``01`` to ``73`` with the set's holes."""
        return tuple(sorted(WHO))

    def units(self, subject: str, selection: Selection) -> Iterator[Unit]:
        """Yield one unit: the person."""
        unit = Unit(subject, subject)
        if any(True for _ in self._cells(selection)):
            yield unit

    def shots(self, unit: Unit, selection: Selection) -> list[Shot]:
        """Return the person's images, sorted by key."""
        return [self._shot(unit.subject, *cell) for cell in self._cells(selection)]

    def shot(self, key: str) -> Shot:
        """Return the image of a key ``synthface-rafd/01/090/happy/frontal``."""
        world, *parts = key.split("/")
        if world != self.world or len(parts) != 4:
            raise self.unknown_key(key)
        subject, camera, expression, gaze = parts
        if subject not in WHO or camera not in CAMERAS or expression not in EXPRESSIONS or gaze not in GAZES:
            raise self.unknown_key(key)
        return self._shot(subject, camera, expression, gaze)

    @staticmethod
    def _cells(selection: Selection) -> Iterator[tuple[str, str, str]]:
        for camera in CAMERAS:
            for expression in EXPRESSIONS:
                for gaze in GAZES:
                    if selection.keeps(camera=camera, expression=expression, gaze=gaze):
                        yield camera, expression, gaze

    def person_of(self, subject: str) -> int:
        """Return the person cast for an id: one whose looks suit the group and gender in the file names."""
        group, sex = WHO[subject]
        return cast("rafd", int(subject), seed=self.seed, sex=sex, melanin=_MELANIN[group])

    def _shot(self, subject: str, camera: str, expression: str, gaze: str) -> Shot:
        group, sex = WHO[subject]
        take = np.random.default_rng(self.draw("take", subject, expression, gaze))
        pitch, roll = take.normal(0.0, 1.2, 2).round(3).tolist()
        yaw = yaw_of_camera(camera)
        return Shot(
            key=f"{self.world}/{subject}/{camera}/{expression}/{gaze}",
            path=rafd_name(subject, camera, expression, gaze),
            person=self.person_of(subject),
            scene=Scene(
                yaw=yaw,
                pitch=pitch,
                roll=roll,
                expression=express(
                    expression, self.person_of(subject), seed=self.seed, take=self.draw(subject, expression, gaze)
                ),
                gaze=(GAZES[gaze], 0.0),
                light=seen_from(STUDIO_LIGHT, yaw=yaw),
                background=STUDIO,
                zoom=self.zoom,
            ),
            row={
                "subject": subject,
                "subject_group": group,
                "sex": sex,
                "expression": expression,
                "expression_raw": expression,
                "gaze": gaze,
                "camera": camera,
                "yaw_nominal": yaw,
                "elevated": False,
                "container": "image",
            },
        )
