"""A scene: everything about one picture that is not the person — pose, expression, gaze, light, lens, backdrop."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from dgbench.core.errors import UsageError

Vector = tuple[float, float, float]
_NO_EXPRESSION: Mapping[str, float] = MappingProxyType({})

#: Smallest and largest side of a render, pixels.
SIZES = (64, 512)
#: Largest |yaw|, |pitch|, |roll| in degrees.
YAW_LIMIT, PITCH_LIMIT, ROLL_LIMIT = 90.0, 40.0, 30.0
#: Shots of Multi-PIE: 0 and 19 without a flash, 1 to 18 with one.
MULTIPIE_SHOTS = range(20)


@dataclass(frozen=True)
class Flash:
    """One lamp.

    Attributes:
        direction: from the head towards the lamp, in camera space (x image-right, y up, z towards the viewer);
            any length.
        strength: light arriving at the head's centre; 1 lights white paper to full white.
        color: linear RGB, about 1 each.
        distance: of a point lamp, in centimetres from the head's centre; None: infinitely far.
    """

    direction: Vector
    strength: float = 1.0
    color: Vector = (1.0, 1.0, 1.0)
    distance: float | None = None


@dataclass(frozen=True)
class Light:
    """Ambient light and any number of lamps; the first lamp casts the shadows.

    Attributes:
        ambient: strength of the light from everywhere (a little more from above).
        color: of the ambient light, linear RGB.
        flashes: the lamps, strongest first.
    """

    ambient: float = 0.45
    color: Vector = (1.0, 1.0, 1.0)
    flashes: tuple[Flash, ...] = (
        Flash((-0.5, 0.6, 1.0), 0.66, (1.0, 0.97, 0.93)),
        Flash((0.9, 0.1, 0.7), 0.22, (0.93, 0.97, 1.0)),
    )


@dataclass(frozen=True)
class Background:
    """What is behind the head.

    Attributes:
        kind: ``plain``, ``gradient``, ``studio`` (plain with a soft pool of light) or ``room`` (out-of-focus shapes).
        color: main colour, sRGB 0..1.
        seed: chooses the shapes of ``room`` and the fine grain.
    """

    kind: str = "studio"
    color: Vector = (0.72, 0.74, 0.77)
    seed: int = 0


@dataclass(frozen=True)
class Scene:
    """One picture.

    Attributes:
        yaw: degrees, + = nose to image-right, within ±90.
        pitch: degrees, + = nose up, within ±40.
        roll: degrees, + = clockwise as seen, within ±30.
        expression: ICT shape name → weight 0..1 (see ``expressions``).
        gaze: degrees (horizontal, vertical) relative to the head; + = to image-right, + = up.
        light: the lamps.
        background: the backdrop.
        size: side of the square image, pixels, 64 to 512.
        zoom: 1 shows the whole head, the face box about 60 % of the height; 2 shows it twice as large.
        shift: where the head's centre goes, as fractions of the image: + = right, + = down.
        distance: camera to head centre, centimetres: smaller gives stronger perspective.
        outfit: number of the clothes (a session or a video); the same number is the same clothes on one person.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    expression: Mapping[str, float] = field(default_factory=lambda: _NO_EXPRESSION)
    gaze: tuple[float, float] = (0.0, 0.0)
    light: Light = Light()
    background: Background = Background()
    size: int = 256
    zoom: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    distance: float = 120.0
    outfit: int = 0

    def __post_init__(self) -> None:
        for name, value, limit in (
            ("yaw", self.yaw, YAW_LIMIT),
            ("pitch", self.pitch, PITCH_LIMIT),
            ("roll", self.roll, ROLL_LIMIT),
        ):
            if not abs(value) <= limit:
                raise UsageError(f"{name} is {value}; give degrees from {-limit:g} to {limit:g}")
        if not SIZES[0] <= self.size <= SIZES[1]:
            raise UsageError(f"size is {self.size}; give {SIZES[0]} to {SIZES[1]} pixels")
        if not (0.2 <= self.zoom <= 8.0 and 40.0 <= self.distance <= 1000.0):
            raise UsageError(f"zoom {self.zoom} or distance {self.distance} is out of range (0.2..8, 40..1000 cm)")


def multipie_light(shot: int) -> Light:
    """Return the light of Multi-PIE shot 0..19: a dim room, and for 1..18 one flash.

    Thirteen flashes stand at head height, from 90° on image-left (shot 1) in steps of 15° to 90° on image-right
    (shot 13), so that shot 7 is the frontal one; 14 to 18 hang above, from left to right. Which camera carries which
    number in the original is not published beyond shot 7 being frontal; this arrangement is SynthFace's own.

    Raises:
        UsageError: no such shot.
    """
    if shot not in MULTIPIE_SHOTS:
        raise UsageError(f"shot {shot} does not exist; Multi-PIE has 0 to 19")
    room = Light(ambient=0.42, color=(1.0, 0.96, 0.9), flashes=(Flash((0.1, 1.0, 0.5), 0.18, (1.0, 0.95, 0.88)),))
    if shot in (0, 19):
        return room
    if shot <= 13:
        angle, height = math.radians(-90.0 + 15.0 * (shot - 1)), 0.08
    else:
        angle, height = math.radians(-70.0 + 35.0 * (shot - 14)), 0.9
    lamp = Flash((math.sin(angle), height, math.cos(angle)), 0.8, (1.0, 1.0, 1.0), 180.0)
    return Light(ambient=0.22, color=(1.0, 0.96, 0.9), flashes=(lamp,))
