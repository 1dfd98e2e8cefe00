"""Beards: short ribbons rooted in the face, which move with the skin they grow on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import seed_of
from dgbench.synthface.head.model import Head, Surface
from dgbench.synthface.head.parts import Part
from dgbench.synthface.person.hair import scatter_roots, strand_colors
from dgbench.synthface.person.person import Person
from dgbench.synthface.person.scalp import beard_density
from dgbench.synthface.person.strands import Extra, ribbons, unit
from dgbench.synthface.render.shading import STRAND

_ROWS = 3
_COUNT = {"moustache": 380, "goatee": 620, "full": 1500}


def grow_beard(head: Head, person: Person, rest: NDArray[np.float32], normals: NDArray[np.float32]) -> list[Extra]:
    """Return the beard of a person with neutral vertices ``rest`` and their ``normals`` (V, 3); may be empty."""
    if person.beard not in _COUNT:
        return []
    rng = np.random.default_rng(seed_of("beard", person.texture_seed))
    weight = np.zeros(len(head.vertices))
    skin = np.unique(head.triangles[head.surface == Surface.SKIN])
    weight[skin] = beard_density(person.beard, head.vertices[skin]) ** 1.5
    root, generic, anchor = scatter_roots(head, weight, _COUNT[person.beard], rest, rng)
    count = len(root)
    if count == 0:
        return []
    out = unit(normals[anchor].astype(np.float64))
    x, y = generic[:, 0], generic[:, 1]
    lip = (y > -2.9) & (np.abs(x) < 3.4)
    down = np.stack([np.where(lip, 0.9 * np.sign(x), 0.12 * x), -np.ones(count), np.where(lip, 0.0, 0.25)], 1)
    down = down + rng.normal(0, 0.28, (count, 3))
    down = unit(down - (down * out).sum(1, keepdims=True) * out)
    bushy = float(rng.uniform(0.5, 1.9))
    length = np.where(lip, rng.uniform(0.5, 0.9, count), rng.uniform(0.6, 1.0, count) * bushy)
    length = np.where((np.abs(x) > 4.5) & ~lip, length * 0.55, length)
    t = np.linspace(0, 1, _ROWS)[None, :, None]
    lift = np.where(lip, 0.22, 0.3)[:, None, None]
    paths = (
        root[:, None]
        - 0.05 * out[:, None]
        + length[:, None, None] * (down[:, None] * t + out[:, None] * lift * np.sin(t * 2.2))
    )
    outs = np.repeat(out[:, None], _ROWS, 1)
    width = np.full((count, _ROWS), 0.23) * np.linspace(1, 0.6, _ROWS)[None] * rng.uniform(0.7, 1.3, (count, 1))
    colors = strand_colors(person, count, _ROWS, rng, 0.75, 1.1)
    return [ribbons(paths, outs, width, colors, anchor, rng=rng, part=Part.BEARD, material=STRAND, gloss=0.6)]
