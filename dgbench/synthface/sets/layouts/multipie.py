"""The Multi-PIE layout: ``session0S/multiview/ID/RECORDING/CAMERA/ID_SESSION_RECORDING_CAMERA_SHOT.png``.

Attendance is ours, with the head-counts of the set: 337 people numbered 1..346 with nine holes (213 among them),
249, 203, 230 and 239 of them in sessions 1 to 4 and 129 in all four; 1 to 250 are the people of session 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import ClassVar

import numpy as np

from dgbench.datasets.multipie import ELEVATED, EXPRESSIONS, NO_FLASH, SHOTS, YAWS
from dgbench.synthface.render.scene import Scene, multipie_light
from dgbench.synthface.sets.cells import Shot, person_number, seen_from
from dgbench.synthface.sets.layouts.base import Layout, Selection, Unit
from dgbench.synthface.sets.layouts.staging import STUDIO, express

#: How the two elevated cameras stand in this world (yaw, degrees that they look down); no source gives it.
_ABOVE = {"08_1": (-45.0, 25.0), "19_1": (45.0, 25.0)}
CAMERAS = tuple(sorted((*YAWS, *ELEVATED)))
SHOT_NAMES = tuple(f"{number:02d}" for number in SHOTS)
_HOLES = frozenset({213, 257, 268, 279, 290, 301, 312, 323, 334})
_FIRST_SESSION_ENDS = 250


@cache
def attendance() -> dict[int, tuple[int, ...]]:
    """Return subject number → the sessions that this subject attended."""
    people = [number for number in range(1, 347) if number not in _HOLES]
    early = [number for number in people if number <= _FIRST_SESSION_ENDS]
    late = [number for number in people if number > _FIRST_SESSION_ENDS]
    seen: dict[int, tuple[int, ...]] = {}
    every = {number for place, number in enumerate(early) if place * 129 // 249 != (place + 1) * 129 // 249}
    for place, number in enumerate(number for number in early if number not in every):
        extra = (2,) if place < 44 else (3,) if place < 85 else (4,) if place < 107 else ()
        seen[number] = (1, *extra)
    for place, number in enumerate(late):
        seen[number] = (2, 3, 4) if place < 30 else (3, 4) if place < 60 else (4,)
    return dict(sorted({**seen, **dict.fromkeys(every, (1, 2, 3, 4))}.items()))


def _sessions(subject: str) -> tuple[int, ...]:
    return attendance().get(int(subject), ()) if len(subject) == 3 and subject.isdecimal() else ()


class MultipieLayout(Layout):
    """15 cameras × 20 flashes around one performance per (person, session, recording)."""

    name = "multipie"
    title = "CMU Multi-PIE names: 337 people, 4 sessions, 15 cameras x 20 shots a recording"
    default_size = 512
    fields: ClassVar[Mapping[str, str]] = {
        "subject": "001",
        "session": "01",
        "recording": "01",
        "camera": "05_1",
        "shot": "07",
    }
    aspect = (1.0, 480 / 640)
    zoom = 0.8

    def subjects(self) -> tuple[str, ...]:
        """Return the 337 ids, ``001`` to ``346`` with holes."""
        return tuple(f"{number:03d}" for number in attendance())

    def units(self, subject: str, selection: Selection) -> Iterator[Unit]:
        """Yield one unit per recording: ``001_01_02``."""
        for session, recording in EXPRESSIONS:
            if session in _sessions(subject) and selection.keeps(
                session=f"{session:02d}", recording=f"{recording:02d}"
            ):
                yield Unit(f"{subject}_{session:02d}_{recording:02d}", subject)

    def shots(self, unit: Unit, selection: Selection) -> list[Shot]:
        """Return the images of a recording, by camera and shot."""
        subject, session, recording = unit.name.split("_")
        return [
            self._shot(subject, int(session), int(recording), camera, shot)
            for camera in CAMERAS
            for shot in SHOT_NAMES
            if selection.keeps(camera=camera, shot=shot)
        ]

    def shot(self, key: str) -> Shot:
        """Return the image of a key ``synthface-multipie/001/s1/r02/05_1/07``."""
        world, *parts = key.split("/")
        if world != self.world or len(parts) != 5:
            raise self.unknown_key(key)
        subject, session, recording, camera, shot = parts
        performed = {(f"s{one}", f"r{two:02d}"): (one, two) for one, two in EXPRESSIONS}
        take = performed.get((session, recording))
        if take is None or take[0] not in _sessions(subject) or camera not in CAMERAS or shot not in SHOT_NAMES:
            raise self.unknown_key(key)
        return self._shot(subject, *take, camera, shot)

    def person_of(self, subject: str) -> int:
        """Return the person of an id."""
        return person_number("multipie", int(subject))

    def _shot(self, subject: str, session: int, recording: int, camera: str, shot: str) -> Shot:
        person = self.person_of(subject)
        label = camera.replace("_", "")
        yaw, above = _ABOVE.get(camera) or (YAWS[camera], 0.0)
        take = np.random.default_rng(self.draw("take", subject, session, recording))
        pitch, roll = take.normal(0.0, 1.5, 2).round(3).tolist()
        expression = EXPRESSIONS[session, recording]
        name = f"{subject}_{session:02d}_{recording:02d}_{label}_{shot}.png"
        return Shot(
            key=f"{self.world}/{subject}/s{session}/r{recording:02d}/{camera}/{shot}",
            path=f"session{session:02d}/multiview/{subject}/{recording:02d}/{camera}/{name}",
            person=person,
            scene=Scene(
                yaw=yaw,
                pitch=pitch - above,
                roll=roll,
                expression=express(
                    expression, person, seed=self.seed, take=self.draw("expression", subject, session, recording)
                ),
                light=seen_from(multipie_light(int(shot)), yaw=yaw),
                background=STUDIO,
                outfit=session,
                zoom=self.zoom,
            ),
            row={
                "subject": subject,
                "session": session,
                "recording": recording,
                "clip": f"s{session}r{recording:02d}",
                "expression": expression,
                "expression_raw": f"s{session}r{recording:02d}",
                "camera": camera,
                "yaw_nominal": yaw if camera in YAWS else None,
                "elevated": camera in ELEVATED,
                "illumination": int(shot),
                "flash": int(shot) not in NO_FLASH,
                "container": "image",
            },
        )
