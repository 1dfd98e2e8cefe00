"""Spectacles of three kinds, fitted to the person's eyes, nose and temples; the glass itself is clear."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import seed_of
from dgbench.synthface.head.model import Head, Surface
from dgbench.synthface.head.parts import Part
from dgbench.synthface.person.person import Person
from dgbench.synthface.person.strands import Extra
from dgbench.synthface.person.tubes import tube

_METALS = np.array([[0.45, 0.34, 0.16], [0.42, 0.42, 0.44], [0.03, 0.03, 0.035]])
_PLASTICS = np.array([[0.008, 0.008, 0.009], [0.07, 0.028, 0.012], [0.015, 0.03, 0.07], [0.13, 0.012, 0.02]])
_SEGMENTS = 44


def make_glasses(head: Head, person: Person, rest: NDArray[np.float32]) -> list[Extra]:
    """Return the frame of a person with neutral vertices ``rest`` (V, 3); empty for who wears none."""
    if person.glasses == "none":
        return []
    rng = np.random.default_rng(seed_of("glasses", person.texture_seed))
    marks = rest[head.landmarks68].astype(np.float64)
    eyes = [rest[first:last].astype(np.float64) for first, last in head.eye_vertices]
    centers = np.array([0.5 * (eye.min(0) + eye.max(0)) for eye in eyes])
    lashes = max(float(eye[:, 2].max()) for eye in eyes)
    plane = max(lashes + 1.15, float(marks[27, 2]) + 0.1)
    reach = 0.5 * abs(float(centers[1, 0] - centers[0, 0]))
    kind = person.glasses
    half_x, half_y, power = {"round": (2.25, 2.15, 2.0), "square": (2.65, 1.95, 4.5), "browline": (2.55, 2.0, 3.0)}[
        kind
    ]
    size = float(rng.uniform(0.92, 1.08))
    half_x, half_y = min(half_x * size, reach - 0.45), half_y * size
    color = _METALS[int(rng.integers(3))] if kind == "round" else _PLASTICS[int(rng.integers(4))]
    turn = np.arange(_SEGMENTS) * 2 * np.pi / _SEGMENTS
    cos, sin = np.cos(turn), np.sin(turn)
    middle_y = float(centers[:, 1].mean()) - 0.25
    pieces = []
    middle_x = reach + 0.12
    for sign in (-1.0, 1.0):
        x = sign * (middle_x + half_x * np.sign(cos) * np.abs(cos) ** (2 / power))
        y = middle_y + half_y * np.sign(sin) * np.abs(sin) ** (2 / power)
        z = plane - 0.028 * np.abs(x) ** 2
        thick = {"round": 0.07, "square": 0.15, "browline": 0.08}[kind] * np.ones(_SEGMENTS)
        if kind == "browline":
            thick = thick + 0.16 * np.clip(sin * 2.2, 0, 1)
        pieces.append(_frame(np.stack([x, y, z], 1), thick, color, closed=True))
        pieces.append(_arm(head, rest, sign, float(middle_x + half_x), middle_y + 0.55 * half_y, plane, color, kind))
    inner = middle_x - half_x
    span = np.linspace(-1, 1, 9)
    bridge = np.stack(
        [span * inner, middle_y + 0.35 * half_y + 0.22 * (1 - span**2), plane - 0.02 + 0.12 * (1 - span**2)], 1
    )
    pieces.append(_frame(bridge, np.full(9, 0.14 if kind == "square" else 0.08), color, closed=False))
    return pieces


def _frame(path: NDArray[np.float64], thick: NDArray[np.float64], color: NDArray[np.float64], *, closed: bool) -> Extra:
    return tube(path, thick, color, closed=closed, gloss=1.6, part=Part.GLASSES)


def _arm(
    head: Head,
    rest: NDArray[np.float32],
    sign: float,
    hinge: float,
    height: float,
    plane: float,
    color: NDArray[np.float64],
    kind: str,
) -> Extra:
    """Return one arm: from the frame's outer corner along the temple to above the ear."""
    skin = rest[np.unique(head.triangles[head.surface == Surface.SKIN])].astype(np.float64)
    depth = np.linspace(plane - 0.028 * hinge**2, 0.6, 10)
    side = np.empty(10)
    band = skin[(skin[:, 0] * sign > 0) & (np.abs(skin[:, 1] - height) < 0.9)]
    for k, z in enumerate(depth):
        near = band[np.abs(band[:, 2] - z) < 0.8]
        side[k] = min(float(np.abs(near[:, 0]).max()) + 0.18, hinge + 2.4) if len(near) else hinge
    side = np.maximum.accumulate(np.maximum(side, hinge))
    drop = np.interp(np.arange(10), [0, 7, 9], [0.0, 0.1, 0.5])
    path = np.stack([sign * side, height - drop, depth], 1)
    return _frame(path, np.full(10, 0.06 if kind == "round" else 0.12), color, closed=False)
