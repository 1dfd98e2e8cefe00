"""Who and what is in the mini set: 128 training people in eight groups and 32 test people, each with a fixed grid.

All people of a group share its cells, down to the expression's weights, so that for any two of them the picture of
one in the other's pose, expression and light is in the set: an exact target for every cross pair.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from dgbench.core.digests import seed_of
from dgbench.core.errors import UsageError
from dgbench.synthface.head.expressions import expression_of
from dgbench.synthface.render.scene import Flash, Light, Scene
from dgbench.synthface.sets.cells import Shot, person_number
from dgbench.synthface.sets.layouts.staging import STUDIO_LIGHT, everyday_background, everyday_light, someone

WORLD = "synthface-mini"
SIZE = 128
TRAIN = range(1, 129)
TEST = range(129, 161)
GROUPS, TRAIN_CELLS = 8, 7
#: A person outside every group, whose way of making expressions all cells use.
_PERFORMER = 0
_EXPRESSIONS = (
    "neutral", "happy", "surprised", "angry", "sad", "disgusted", "fearful", "scream", "contemptuous", "squint",
)  # fmt: skip

_LEFT = Light(ambient=0.3, flashes=(Flash((-1.0, 0.3, 0.7), 0.8, (1.0, 0.97, 0.92)),))
_RIGHT = Light(ambient=0.3, flashes=(Flash((1.0, 0.35, 0.6), 0.8, (0.95, 0.98, 1.0)),))
_ABOVE = Light(ambient=0.34, flashes=(Flash((0.1, 1.0, 0.6), 0.72),))
_FLASH = Light(ambient=0.25, flashes=(Flash((0.0, 0.1, 1.0), 0.85),))
#: The lights of the test cells by name.
LIGHTS = {"studio": STUDIO_LIGHT, "left": _LEFT, "right": _RIGHT, "above": _ABOVE, "flash": _FLASH}

#: Test cell → (yaw, pitch, roll, expression, horizontal gaze, light). c00 to c05 are near frontal, the others large.
TEST_CELLS: dict[str, tuple[float, float, float, str, float, str]] = {
    "c00": (0.0, 0.0, 0.0, "neutral", 0.0, "studio"),
    "c01": (-20.0, 5.0, -3.0, "happy", 8.0, "left"),
    "c02": (16.0, 3.0, 3.0, "surprised", 0.0, "right"),
    "c03": (-30.0, -4.0, 6.0, "sad", -12.0, "flash"),
    "c04": (28.0, -7.0, -6.0, "angry", -15.0, "above"),
    "c05": (8.0, 12.0, 4.0, "scream", 5.0, "studio"),
    "c06": (-45.0, 0.0, 0.0, "neutral", 10.0, "right"),
    "c07": (45.0, -5.0, 3.0, "happy", -10.0, "flash"),
    "c08": (-60.0, 4.0, -4.0, "surprised", 0.0, "left"),
    "c09": (60.0, 2.0, 5.0, "angry", 0.0, "studio"),
    "c10": (-90.0, 0.0, 0.0, "disgusted", 0.0, "flash"),
    "c11": (75.0, -3.0, 2.0, "happy", 0.0, "above"),
}


def subject_of(number: int) -> str:
    """Return the id of a person of the mini set: 7 → ``s0007``."""
    return f"s{number:04d}"


def cells_of(number: int) -> tuple[str, ...]:
    """Return the cells in which person ``number`` was rendered, sorted."""
    if number in TEST:
        return tuple(TEST_CELLS)
    return tuple(f"t{(number - 1) % GROUPS}-{cell:02d}" for cell in range(TRAIN_CELLS))


def key_of(number: int, cell: str) -> str:
    """Return the manifest key: ``synthface-mini/s0129/c07``."""
    return f"{WORLD}/{subject_of(number)}/{cell}"


def mini_shots() -> list[Shot]:
    """Return every image of the set, sorted by key."""
    return [mini_shot(number, cell) for number in (*TRAIN, *TEST) for cell in cells_of(number)]


def mini_shot(number: int, cell: str) -> Shot:
    """Return one image of the set before it is rendered.

    Raises:
        UsageError: the person is not in the set, or was not rendered in that cell.
    """
    if (number not in TRAIN and number not in TEST) or cell not in cells_of(number):
        raise UsageError(f"'{key_of(number, cell)}' is no image of the mini set")
    expression, light, scene = _cell(cell)
    room = np.random.default_rng(seed_of(WORLD, "room", number))
    key = key_of(number, cell)
    return Shot(
        key=key,
        path=f"{subject_of(number)}/{cell}.webp",
        person=person_number("mini", number),
        scene=Scene(
            yaw=scene.yaw,
            pitch=scene.pitch,
            roll=scene.roll,
            expression=scene.expression,
            gaze=scene.gaze,
            light=scene.light,
            background=everyday_background(room),
            size=SIZE,
            zoom=1.1,
            distance=scene.distance,
        ),
        row={
            "subject": subject_of(number),
            "expression": expression,
            "expression_raw": expression,
            "camera": cell,
            "clip": light,
            "yaw_nominal": scene.yaw,
            "elevated": False,
            "container": "image",
            "split_official": "train" if number in TRAIN else "test",
        },
    )


@cache
def _cell(cell: str) -> tuple[str, str, Scene]:
    """Return (expression, name of the light, scene without backdrop) of a cell."""
    if cell in TEST_CELLS:
        yaw, pitch, roll, expression, sideways, light = TEST_CELLS[cell]
        weights = _performed(expression, 1.0)
        return expression, light, Scene(yaw, pitch, roll, weights, (sideways, 0.0), LIGHTS[light])
    group, number = int(cell[1]), int(cell[3:])
    rng = np.random.default_rng(seed_of(WORLD, "cell", cell))
    width = 180.0 / TRAIN_CELLS
    yaw = -90.0 + width * (number + rng.random())
    pitch, roll = np.clip(rng.normal(0.0, (8.0, 6.0)), -22.0, 22.0)
    order = np.random.default_rng(seed_of(WORLD, "expressions", group)).permutation(len(_EXPRESSIONS))
    expression = _EXPRESSIONS[int(order[number % len(order)])]
    weights = _performed(expression, float(rng.uniform(0.5, 1.0)))
    gaze = (round(float(np.clip(rng.normal(0.0, 9.0), -25, 25)), 2), round(float(rng.normal(0.0, 4.0)), 2))
    scene = Scene(
        round(float(yaw), 2), round(float(pitch), 2), round(float(roll), 2), weights, gaze, everyday_light(rng)
    )
    return expression, f"room {cell}", scene


def _performed(expression: str, strength: float) -> dict[str, float]:
    weights = expression_of(someone(_PERFORMER, 0), expression, strength=strength)
    return {shape: round(weight, 4) for shape, weight in weights.items() if weight > 0}
