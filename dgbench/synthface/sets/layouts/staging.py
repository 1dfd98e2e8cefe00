"""What the layouts put on stage: who is cast for an id, how an expression is made, and rooms and lights."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from dgbench.synthface.head.expressions import expression_of
from dgbench.synthface.person.person import Person, person
from dgbench.synthface.render.scene import Background, Flash, Light
from dgbench.synthface.sets.cells import PEOPLE_BASE

#: A photographer's studio: near-white backdrop, broad light from above with a softer one from the other side.
STUDIO = Background(kind="studio", color=(0.86, 0.87, 0.88), seed=1)
STUDIO_LIGHT = Light(
    ambient=0.52,
    flashes=(Flash((-0.45, 0.6, 1.0), 0.42, (1.0, 0.99, 0.97)), Flash((0.8, 0.25, 0.8), 0.22, (0.98, 0.99, 1.0))),
)
#: Numbers that a cast subject may use: subject n has ``base + 1000 n`` to ``base + 1000 n + 999``.
_TRIES = 1000


@lru_cache(maxsize=4096)
def someone(number: int, seed: int) -> Person:
    """Return a person, kept for the next call."""
    return person(number, seed=seed)


def express(name: str, number: int, *, seed: int, take: int) -> dict[str, float]:
    """Return how person ``number`` of the world ``seed`` makes an expression in one take: shape → weight, 4 digits."""
    weights = expression_of(someone(number, seed), name, take=1 + take % (1 << 31))
    return {shape: round(weight, 4) for shape, weight in weights.items() if weight > 0}


@lru_cache(maxsize=512)
def cast(world: str, number: int, *, seed: int, sex: str, melanin: tuple[float, float]) -> int:
    """Return the first person reserved for subject ``number`` whose looks suit what the subject's file names say.

    Args:
        world: name of the layout.
        number: the subject's number.
        seed: seed of the world.
        sex: ``f`` or ``m``, taken as the impression that the face makes.
        melanin: range of the skin's pigment.
    """
    first = PEOPLE_BASE[world] + _TRIES * number
    for candidate in range(first, first + _TRIES):
        looks = person(candidate, seed=seed)
        if (looks.masculinity > 0) == (sex == "m") and melanin[0] <= looks.melanin <= melanin[1]:
            return candidate
    return first


def everyday_light(rng: np.random.Generator) -> Light:
    """Return the light of some room: a main lamp or window from anywhere in front, and light from everywhere."""
    side, height = math.radians(rng.uniform(-75, 75)), rng.uniform(0.0, 1.0)
    warm = rng.uniform(-0.06, 0.1)
    tint = (1.0, round(1.0 - 0.4 * abs(warm), 4), round(1.0 - warm, 4))
    main = (round(math.sin(side), 4), round(height, 4), round(math.cos(side), 4))
    ambient, strength = round(rng.uniform(0.3, 0.5), 4), round(rng.uniform(0.35, 0.75), 4)
    fill = Flash((-main[0], 0.2, 0.8), round(rng.uniform(0.05, 0.25), 4))
    return Light(ambient=ambient, color=(1.0, 0.99, 0.97), flashes=(Flash(main, strength, tint), fill))


def everyday_background(rng: np.random.Generator) -> Background:
    """Return some room out of focus, or a plain wall."""
    hue, grey = rng.uniform(0, 2 * math.pi), rng.uniform(0.25, 0.75)
    color = [round(float(np.clip(grey + 0.07 * math.cos(hue + turn), 0.05, 0.95)), 4) for turn in (0.0, 2.1, 4.2)]
    kind = str(rng.choice(["room", "room", "gradient", "studio"]))
    return Background(kind=kind, color=(color[0], color[1], color[2]), seed=int(rng.integers(1 << 31)))
