"""A SynthFace person: number N is always the same shape coefficients and the same appearance, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dgbench.core.digests import seed_of
from dgbench.core.errors import UsageError

#: Number of identity coefficients drawn; a head with fewer components uses the first ones.
COMPONENTS = 100

HAIR_STYLES = (
    "bald",
    "buzz",
    "crop",
    "side-part",
    "swept-back",
    "curly",
    "afro",
    "bowl",
    "bob",
    "long",
    "long-wavy",
    "bun",
    "ponytail",
    "receding",
)
BEARD_STYLES = ("none", "stubble", "moustache", "goatee", "full")
GLASSES_KINDS = ("none", "round", "square", "browline")
COLLARS = ("crew", "v-neck", "shirt", "turtleneck")
#: Style → probability for a feminine-looking and for a masculine-looking person.
_HAIR_ODDS = {
    "bald": (0.0, 0.08),
    "buzz": (0.01, 0.13),
    "crop": (0.03, 0.21),
    "side-part": (0.03, 0.18),
    "swept-back": (0.02, 0.12),
    "curly": (0.10, 0.07),
    "afro": (0.04, 0.03),
    "bowl": (0.07, 0.05),
    "bob": (0.18, 0.0),
    "long": (0.18, 0.03),
    "long-wavy": (0.15, 0.01),
    "bun": (0.10, 0.01),
    "ponytail": (0.09, 0.0),
    "receding": (0.0, 0.08),
}
_BEARD_ODDS = (0.42, 0.25, 0.07, 0.10, 0.16)


@dataclass(frozen=True)
class Person:
    """Who somebody is; the arrays of the rendered figure follow from this and the head.

    Attributes:
        number, seed: the name; equal names are equal people.
        shape: identity coefficients of the head model, N(0, 1) each before the sex-typical shift.
        masculinity: -1 (feminine impression) to 1 (masculine impression).
        age: impression in years, 18 to 75; drives wrinkles, mottling and grey hair.
        melanin, haemoglobin: skin pigments, 0..1.
        melanin_type: 0 brown-black (eumelanin) to 1 red-yellow (pheomelanin), of skin and freckles.
        freckles, mottling, oiliness: 0..1.
        lip_color: 0 pale to 1 red.
        lipstick: 0 none to 1.
        hair_style, beard, glasses: names of this module's tables.
        hair_melanin, hair_red, hair_grey: hair pigments, 0..1.
        brow_thickness, brow_density: 0..1.
        eye_color: 0 blue, 0.33 grey-green, 0.66 hazel, 1 dark brown.
        texture_seed: seeds everything drawn on the skin.
    """

    number: int
    seed: int
    shape: tuple[float, ...]
    masculinity: float
    age: float
    melanin: float
    haemoglobin: float
    melanin_type: float
    freckles: float
    mottling: float
    oiliness: float
    lip_color: float
    lipstick: float
    hair_style: str
    hair_melanin: float
    hair_red: float
    hair_grey: float
    beard: str
    glasses: str
    brow_thickness: float
    brow_density: float
    eye_color: float
    texture_seed: int


def person(number: int, *, seed: int = 0) -> Person:
    """Return person ``number`` (0 or more) of the world ``seed``: always the same one.

    Raises:
        UsageError: a negative number.
    """
    if number < 0:
        raise UsageError(f"person {number} does not exist; numbers start at 0")
    rng = np.random.default_rng(seed_of("synthface-person", seed, number))
    shape = rng.standard_normal(COMPONENTS)
    feminine = rng.random() < 0.5
    masculinity = float(np.clip((-0.75 if feminine else 0.75) + 0.25 * rng.standard_normal(), -1, 1))
    age = float(np.clip(19 + rng.gamma(2.0, 11.0), 19, 75))
    # Skin, hair and eye pigments go together, as they do in people.
    melanin = float(rng.choice([rng.beta(2, 9), rng.beta(3, 7.5), rng.beta(6, 4)], p=[0.5, 0.28, 0.22]))
    light = np.clip(1 - melanin / 0.3, 0, 1)
    melanin_type = float(np.clip(rng.beta(2, 5) + 0.25 * light * rng.random(), 0, 1))
    blond = rng.random() < 0.25 + 0.5 * light if melanin < 0.28 else False
    hair_melanin = float(rng.uniform(0.08, 0.36) if blond else rng.uniform(0.55, 1.0) ** (1 - 0.6 * (1 - light)))
    hair_red = float(rng.beta(1.3, 5) if rng.random() > 0.16 * (melanin < 0.28) else rng.uniform(0.6, 1.0))
    hair_grey = float(np.clip((age - 46 + 7 * rng.standard_normal()) / 26, 0, 1))
    eye_color = float(np.clip(rng.uniform(0, 1.0) if rng.random() < light else rng.normal(0.93, 0.08), 0, 1))
    hair = list(_HAIR_ODDS)
    odds = np.array([_HAIR_ODDS[name][0 if feminine else 1] for name in hair])
    style = hair[int(rng.choice(len(hair), p=odds / odds.sum()))]
    if style == "receding" and age < 33:
        style = "crop"
    if style == "afro" and melanin < 0.3:
        style = "curly"
    beard_draw = int(rng.choice(len(BEARD_STYLES), p=_BEARD_ODDS))
    glasses_draw = int(rng.choice(len(GLASSES_KINDS), p=[0.76, 0.08, 0.08, 0.08]))
    return Person(
        number=number,
        seed=seed,
        shape=tuple(float(value) for value in shape),
        masculinity=masculinity,
        age=age,
        melanin=melanin,
        haemoglobin=float(rng.beta(4, 5)),
        melanin_type=melanin_type,
        freckles=float(np.clip(rng.beta(1, 4) * (0.4 + light + hair_red), 0, 1)),
        mottling=float(rng.beta(2, 4)),
        oiliness=float(rng.beta(2, 3)),
        lip_color=float(rng.beta(3, 3)),
        lipstick=float(rng.uniform(0.3, 1.0)) if feminine and rng.random() < 0.35 else 0.0,
        hair_style=style,
        hair_melanin=hair_melanin,
        hair_red=hair_red,
        hair_grey=hair_grey,
        beard="none" if feminine else BEARD_STYLES[beard_draw],
        glasses=GLASSES_KINDS[glasses_draw],
        brow_thickness=float(np.clip(rng.normal(0.4 + 0.2 * masculinity, 0.16), 0, 1)),
        brow_density=float(np.clip(rng.normal(0.62 + 0.12 * masculinity, 0.15), 0.2, 1)),
        eye_color=eye_color,
        texture_seed=seed_of("synthface-texture", seed, number),
    )
