"""One planned image: who, in which scene, under which key; and which person numbers belong to which world."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from dgbench.synthface.render.scene import Flash, Light, Scene

#: World → the number added to a subject's own number. Worlds share no person, and the people of
#: :data:`FREE_PEOPLE` are in none of them: the embedded networks are trained and checked on those alone.
PEOPLE_BASE: dict[str, int] = {
    "mini": 0,
    "multipie": 20_000,
    "frll": 30_000,
    "voxceleb1": 1_000_000,
    "voxceleb2": 2_000_000,
    "rafd": 3_000_000,
    "crowd": 4_000_000,
}
FREE_PEOPLE = range(100_000, 1_000_000)


@dataclass(frozen=True)
class Shot:
    """One image before it is rendered.

    Attributes:
        key: manifest key, unique in its world.
        path: where a tree keeps it, relative to the root; for a frame of a video the path of the video.
        person: number for :func:`dgbench.synthface.person.person.person`.
        scene: the picture; its ``size`` is set when it is rendered.
        row: the columns of the manifest that the layout knows (subject, camera, expression, …).
    """

    key: str
    path: str
    person: int
    scene: Scene
    row: Mapping[str, object]


def person_number(world: str, number: int) -> int:
    """Return the person who is subject ``number`` of a world (``rafd``, ``multipie``, …)."""
    return PEOPLE_BASE[world] + number


def transfer(source: Scene, reference: Scene) -> Scene:
    """Return the true target of a cross pair: the reference's pose, expression, gaze, light and framing.

    Backdrop and clothes stay the source's, as they belong to the picture that gives the identity.
    """
    return replace(reference, background=source.background, outfit=source.outfit)


def seen_from(light: Light, *, yaw: float) -> Light:
    """Return a light that stands still around the head as a camera sees it that sees the head at ``yaw`` degrees.

    A scene's lamps are given in camera space; in a rig of many cameras the lamps are fixed to the room, so that
    from another camera they come from elsewhere.
    """
    cos, sin = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))
    return replace(light, flashes=tuple(_turned(lamp, cos, sin) for lamp in light.flashes))


def _turned(lamp: Flash, cos: float, sin: float) -> Flash:
    x, y, z = lamp.direction
    return replace(lamp, direction=(round(cos * x + sin * z, 6), y, round(cos * z - sin * x, 6)))
