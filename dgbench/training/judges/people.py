"""People to teach identity with: half of a person's skin detail, and for two in five a second look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import seed_of
from dgbench.synthface.head.model import Head
from dgbench.synthface.person import face_marks, fields, figure, skin
from dgbench.synthface.person.person import BEARD_STYLES, GLASSES_KINDS, HAIR_STYLES, Person, person
from dgbench.synthface.render.render import render
from dgbench.training.judges.data import random_scene, write_faces

#: First person taught, and first of those that are looked at during training; protocols use other numbers.
TAUGHT_FIRST, HELD_FIRST = 300_000, 250_000
SIZE, SEED = 128, 7


def looks(number: int) -> Iterator[Person]:
    """Yield a person and, for two people in five, the same person with other hair, beard, glasses and no lipstick."""
    who = person(number)
    yield who
    rng = np.random.default_rng(seed_of("judge-look", number))
    if rng.random() < 0.4:
        yield replace(
            who,
            hair_style=str(rng.choice(HAIR_STYLES)),
            hair_melanin=float(rng.uniform(0.08, 1)),
            hair_red=float(rng.beta(1.3, 4)),
            hair_grey=float(rng.random() * (rng.random() < 0.25)),
            beard=str(rng.choice(BEARD_STYLES)) if who.masculinity > 0 else "none",
            lipstick=0.0,
            glasses=str(rng.choice(GLASSES_KINDS, p=[0.4, 0.2, 0.2, 0.2])),
        )


@contextmanager
def coarse_skin() -> Iterator[None]:
    """Paint skins at half their resolution within this block: at 128 px the renderer looks no finer, and it is faster.

    For a process that renders nothing else meanwhile: the size is a constant of three modules.
    """
    full, levels = fields.TEXTURE_SHAPE, skin.mip_levels
    half = (full[0] // 2, full[1] // 2)

    def coarse(texture: NDArray[np.uint8], count: int = 3) -> tuple[NDArray[np.uint8], ...]:
        # Images of 128 px take the third level, which is the first halving of a half-size skin.
        return texture, texture, levels(texture, 2)[1]

    try:
        fields.TEXTURE_SHAPE = skin.TEXTURE_SHAPE = face_marks.TEXTURE_SHAPE = half  # type: ignore[attr-defined]
        figure.mip_levels = coarse  # type: ignore[attr-defined]
        yield
    finally:
        fields.TEXTURE_SHAPE = skin.TEXTURE_SHAPE = face_marks.TEXTURE_SHAPE = full  # type: ignore[attr-defined]
        figure.mip_levels = levels  # type: ignore[attr-defined]


def render_looks(head: Head, numbers: Iterable[int], path: Path, *, images: int) -> None:
    """Render ``images`` pictures of each person, and half as many of a second look, into one npz file."""
    if path.exists():
        return
    rows = []
    for number in numbers:
        for look, who in enumerate(looks(number)):
            for index in range(images // (1 + look)):
                scene = replace(random_scene(who, index + 100 * look, seed=SEED), size=SIZE)
                rows.append((render(head, who, scene), number))
    write_faces(rows, path)
