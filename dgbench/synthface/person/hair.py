"""Hair grown on the head's own surface: roots on the scalp, paths that follow a style's flow, gravity and the skull."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import seed_of
from dgbench.synthface.head.model import Head, Surface
from dgbench.synthface.head.parts import Part
from dgbench.synthface.person.hair_styles import STYLES, Style
from dgbench.synthface.person.person import Person
from dgbench.synthface.person.pigments import hair_color
from dgbench.synthface.person.scalp import angles, scalp_field
from dgbench.synthface.person.strands import Extra, ribbons, unit
from dgbench.synthface.render.shading import STRAND

_CENTER = np.array([0.0, 3.0, 0.0])
_CROWN = np.array([0.8, 13.6, -4.5])
_ROWS, _COLUMNS = 90, 180


def radius_map(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return (90, 180) the distance from the skull's centre to the outermost skin, by latitude and longitude."""
    from scipy.ndimage import gaussian_filter
    from scipy.spatial import cKDTree

    away = np.asarray(points, np.float64) - _CENTER
    distance = np.linalg.norm(away, axis=1)
    latitude = np.radians(90 - (np.arange(_ROWS) + 0.5) * 2)[:, None]
    longitude = np.radians(-180 + (np.arange(_COLUMNS) + 0.5) * 2)[None]
    grid = np.stack(
        [
            np.cos(latitude) * np.sin(longitude),
            np.broadcast_to(np.sin(latitude), (_ROWS, _COLUMNS)),
            np.cos(latitude) * np.cos(longitude),
        ],
        -1,
    )
    _, near = cKDTree(away / distance[:, None]).query(grid.reshape(-1, 3), k=4)
    smooth: NDArray[np.float64] = gaussian_filter(
        distance[near].max(1).reshape(_ROWS, _COLUMNS), 1.2, mode=("nearest", "wrap")
    )
    return smooth


def _radius_at(table: NDArray[np.float64], direction: NDArray[np.float64]) -> NDArray[np.float64]:
    latitude = np.degrees(np.arcsin(np.clip(direction[..., 1], -1, 1)))
    longitude = np.degrees(np.arctan2(direction[..., 0], direction[..., 2]))
    row = np.clip(((90 - latitude) / 2).astype(int), 0, _ROWS - 1)
    column = ((longitude + 180) / 2).astype(int) % _COLUMNS
    return table[row, column]


def scatter_roots(
    head: Head, weight: NDArray[np.float64], count: int, rest: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int32]]:
    """Return ``count`` points on the skin, by area times vertex ``weight`` (V,): person's, generic, nearest vertex."""
    triangles = head.triangles[head.surface == Surface.SKIN]
    corners = rest[triangles].astype(np.float64)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    odds = area * weight[triangles].mean(1)
    total = odds.sum()
    if total <= 0:
        count = 0
    edges = np.cumsum(odds)
    # Stratified: one root in each equal share of the area, so that no bare spots remain.
    ticks = (np.arange(count) + rng.random(count)) / max(count, 1) * total
    chosen = np.minimum(np.searchsorted(edges, ticks), len(triangles) - 1)
    a, b = rng.random(count), rng.random(count)
    swap = a + b > 1
    a, b = np.where(swap, 1 - a, a), np.where(swap, 1 - b, b)
    share = np.stack([1 - a - b, a, b], 1)[..., None]
    generic = (head.vertices[triangles[chosen]].astype(np.float64) * share).sum(1)
    nearest = triangles[chosen, np.argmax(share[..., 0], axis=1)]
    return (corners[chosen] * share).sum(1), generic, nearest


def strand_colors(
    person: Person, count: int, rows: int, rng: np.random.Generator, root: float, tip: float
) -> NDArray[np.float64]:
    """Return (count, rows, 3) colours: each ribbon its own shade, some grey, darker roots."""
    pigmented = hair_color(person.hair_melanin, person.hair_red, 0.0)
    grey = hair_color(person.hair_melanin, person.hair_red, 1.0)
    share = np.clip(1.25 * person.hair_grey - 0.12 + 0.16 * rng.standard_normal(count), 0, 1)[:, None]
    shade = np.exp(rng.normal(0, 0.17, count))[:, None]
    each = ((1 - share) * pigmented + share * grey * 0.9) * shade
    ramp = np.linspace(root, tip, rows)[None, :, None]
    return each[:, None, :] * ramp


def _flow(
    style: Style, place: NDArray[np.float64], side: NDArray[np.float64], knot: NDArray[np.float64]
) -> NDArray[np.float64]:
    x, _, z = place.T
    if style.flow == "crown":
        return place - _CROWN
    if style.flow == "part":
        back = np.interp(z, [-4.0, 3.0, 8.0], [0.25, 0.45, 0.75])
        return np.stack([side, -0.55 - 0.1 * np.abs(x), -back], 1)
    if style.flow == "back":
        return np.stack([0.12 * x, -0.25 - 0.05 * np.abs(x), -np.ones_like(x)], 1)
    if style.flow == "knot":
        return knot - place
    return place - _CENTER


def _grow(
    style: Style,
    root: NDArray[np.float64],
    length: NDArray[np.float64],
    table: NDArray[np.float64],
    rng: np.random.Generator,
    part_x: float,
    knot: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return paths (R, K, 3) and outward directions (R, K, 3)."""
    count = len(root)
    layer = rng.random(count) ** 0.7
    radial = unit(root - _CENTER)
    jitter = rng.normal(0, 0.13, (count, 3))
    # The parting is not a ruled line: near it hair falls to either side.
    side = np.where(root[:, 0] + rng.normal(0, 0.45, count) > part_x, 1.0, -1.0)

    def along(place: NDArray[np.float64], outward: NDArray[np.float64]) -> NDArray[np.float64]:
        flow = _flow(style, place, side, knot)
        if style.flow != "out":
            flow = flow - (flow * outward).sum(1, keepdims=True) * outward
        return unit(flow)

    heading = unit(along(root, radial) * (1 - style.lift) + radial * style.lift + jitter)
    place = root - 0.1 * radial
    paths, outs = [place], [radial]
    step = (length / (style.rows - 1))[:, None]
    down = np.array([0.0, -1.0, 0.0])
    for k in range(1, style.rows):
        outward = unit(place - _CENTER)
        flow = along(place, outward)
        pull = 0.45 if style.flow in ("knot", "part", "back") else 0.25
        heading = unit(heading + pull * flow + style.gravity * k * 0.5 * down + 0.25 * jitter)
        place = place + heading * step
        if style.flow == "knot":
            # Hair runs into the knot and ends there.
            left = np.linalg.norm(knot - place, axis=1, keepdims=True)
            place = np.where(left < 2.2, knot + (place - knot) * 0.5, place)
        direction = unit(place - _CENTER)
        rise = np.minimum(1.0, k / (style.rows * 0.4))
        floor = _radius_at(table, direction) + 0.12 + style.volume * layer * rise
        distance = np.linalg.norm(place - _CENTER, axis=1)
        place = np.where((distance < floor)[:, None], _CENTER + direction * floor[:, None], place)
        # Near the skull hair lies within the style's thickness; lower down it hangs freely.
        ceiling = _radius_at(table, direction) + 0.3 + style.volume * (0.35 + 1.0 * layer) * (0.3 + 0.7 * rise)
        distance = np.linalg.norm(place - _CENTER, axis=1)
        high = (distance > ceiling) & (place[:, 1] > 2.0)
        place = np.where(high[:, None], _CENTER + direction * ceiling[:, None], place)
        place = _off_the_face(style, place, paths[-1], table, layer)
        paths.append(place)
        outs.append(unit(place - _CENTER))
    path, out = np.stack(paths, 1), np.stack(outs, 1)
    if style.curl:
        turn = np.linspace(0, 1, style.rows)[None] * style.turns * 2 * np.pi + rng.uniform(0, 2 * np.pi, (count, 1))
        size = style.curl * np.minimum(1, np.linspace(0, 2.5, style.rows))[None] * rng.uniform(0.6, 1.3, (count, 1))
        across = unit(np.cross(np.gradient(path, axis=1), out))
        path = path + (size * np.cos(turn))[..., None] * across + (size * np.sin(turn) * 0.6)[..., None] * out
    return path, out


def _off_the_face(
    style: Style,
    place: NDArray[np.float64],
    before: NDArray[np.float64],
    table: NDArray[np.float64],
    layer: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Keep hair off the face below the style's fringe: a fringe is cut there, other hair goes round to the side."""
    longitude, latitude = angles(place)
    # By height on the head: how far round hair must stay, degrees from the middle.
    needed = np.interp(latitude, [-60, -38, -25, 5, 25, 42, 52, 60], [22, 46, 57, 60, 55, 44, 20, 0])
    line = np.interp(np.abs(longitude), [0, 20, 40, 60, 80], [52, 51, 46, 32, 10])
    over = (np.abs(longitude) < needed) & (latitude < line - style.fringe) & (place[:, 2] > -2)
    if style.fringe > 0:
        return np.where(over[:, None], before, place)
    target = np.radians(np.where(longitude < 0, -1, 1) * (needed + 4 * layer))
    flat = np.hypot(place[:, 0], place[:, 2])
    moved = place.copy()
    moved[:, 0] = np.where(over, flat * np.sin(target), place[:, 0])
    moved[:, 2] = np.where(over, flat * np.cos(target), place[:, 2])
    direction = unit(moved - _CENTER)
    floor = _radius_at(table, direction) + 0.12 + 0.5 * style.volume * layer
    return np.where(over[:, None], _CENTER + direction * floor[:, None], place)


def _taper(rows: int) -> NDArray[np.float64]:
    """Return (1, rows) relative widths of a ribbon: narrow where it leaves the skin, so that the hairline is soft."""
    shape = np.linspace(1.0, 0.7, rows)[None]
    shape[0, 0] = 0.4
    return shape


def grow_hair(head: Head, person: Person, rest: NDArray[np.float32]) -> list[Extra]:
    """Return the head hair of a person whose neutral vertices are ``rest`` (V, 3); empty when bald."""
    style = STYLES[person.hair_style]
    if style is None:
        return []
    rng = np.random.default_rng(seed_of("hair", person.texture_seed))
    skin = np.unique(head.triangles[head.surface == Surface.SKIN])
    above = scalp_field(head.vertices, recede=style.recede, shift=float(rng.normal(0, 1.5)))
    weight = np.zeros(len(head.vertices))
    weight[skin] = np.clip(above[skin] / 5 + 0.5, 0, 1)
    root, generic, _ = scatter_roots(head, weight, style.count, rest, rng)
    table = radius_map(rest[skin])
    longitude, latitude = angles(generic)
    to_side = np.clip((48 - latitude) / 22, 0, 1)
    to_back = np.clip((np.abs(longitude) - 95) / 30, 0, 1) * to_side
    length = style.top * (1 - to_side) + to_side * ((1 - to_back) * style.side + to_back * style.back)
    taper = np.clip((scalp_field(generic, recede=style.recede, shift=0) + 4) / 12, 0.35, 1)
    long_hair = style.top > 10
    length = length * rng.uniform(0.78, 1.1, len(root)) * (1.0 if long_hair else taper)
    if style.flow in ("crown", "out"):
        # The nape is cut short.
        length = length * np.interp(latitude, [-34, -4], [0.3, 1.0])
    length = length * float(rng.uniform(0.85, 1.15))
    part_x = float(rng.choice([-2.6, 2.6, -1.2, 1.2, 0.0]))
    knot = np.array([0.0, rng.uniform(7.0, 12.0), -10.4 if person.hair_style == "bun" else -10.0])
    if style.flow == "knot":
        length = np.linalg.norm(knot - root, axis=1) * 1.25
    paths, outs = _grow(style, root, length, table, rng, part_x, knot)
    width = style.width * rng.uniform(0.7, 1.3, (len(root), 1)) * _taper(style.rows)
    colors = strand_colors(person, len(root), style.rows, rng, 0.72, 1.12)
    pieces = [_piece(paths, outs, width, colors, rng)]
    if person.hair_style == "bun":
        pieces.append(_bun(person, knot, rng))
    if person.hair_style == "ponytail":
        pieces.append(_tail(person, knot, table, rng))
    return pieces


def _piece(
    paths: NDArray[np.float64],
    outs: NDArray[np.float64],
    width: NDArray[np.float64],
    colors: NDArray[np.float64],
    rng: np.random.Generator,
) -> Extra:
    # Outer ribbons first: what they hide is then rejected by depth alone.
    order = np.argsort(-np.linalg.norm(paths - _CENTER, axis=-1).mean(1), kind="stable")
    paths, outs, width, colors = paths[order], outs[order], width[order], colors[order]
    anchor = np.full(len(paths), -1)
    return ribbons(paths, outs, width, colors, anchor, rng=rng, part=Part.HAIR, material=STRAND)


def _bun(person: Person, knot: NDArray[np.float64], rng: np.random.Generator) -> Extra:
    count, rows = 150, 9
    axis = unit(rng.normal(0, 0.5, (count, 3)) + np.array([0, 0.3, -1.0]))
    start = unit(np.cross(axis, rng.normal(size=(count, 3))))
    other = np.cross(axis, start)
    turn = np.linspace(0, 2.2, rows)[None, :, None] + np.zeros((count, 1, 1))
    radius = rng.uniform(2.2, 3.0, (count, 1, 1))
    out = start[:, None] * np.cos(turn) + other[:, None] * np.sin(turn)
    paths = knot + [0, 0, -1.2] + out * radius
    width = np.full((count, rows), 0.9)
    return _piece(paths, out, width, strand_colors(person, count, rows, rng, 0.9, 1.0), rng)


def _tail(person: Person, knot: NDArray[np.float64], table: NDArray[np.float64], rng: np.random.Generator) -> Extra:
    count, rows = 170, 12
    spread = rng.normal(0, 1.0, (count, 3)) * [1.0, 0.6, 0.8]
    along = np.linspace(0, 1, rows)[None, :, None]
    length = rng.uniform(17, 25, (count, 1, 1))
    arc = np.concatenate(
        np.broadcast_arrays(
            0.0 * along, -along * length + 1.8 * np.sin(along * np.pi), -3.2 * np.sin(along * 2.2) + 0.0 * length
        ),
        -1,
    )
    paths = knot + spread[:, None] * (0.55 + 1.1 * np.sin(along * np.pi * 0.8)) + arc
    out = unit(spread[:, None] + [0, 0, -0.6] + np.zeros_like(paths))
    direction = unit(paths - _CENTER)
    floor = _radius_at(table, direction) + 0.5
    distance = np.linalg.norm(paths - _CENTER, axis=-1)
    paths = np.where((distance < floor)[..., None], _CENTER + direction * floor[..., None], paths)
    width = np.full((count, rows), 0.8) * np.linspace(1, 0.6, rows)[None]
    return _piece(paths, out, width, strand_colors(person, count, rows, rng, 0.85, 1.15), rng)
