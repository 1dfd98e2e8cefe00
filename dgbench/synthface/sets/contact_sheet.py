"""Contact sheets of SynthFace: people, views, expressions, lights and landmarks, to be looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from dgbench.core.face import Image, Landmarks
from dgbench.io.atomic import write_text
from dgbench.io.images import write_png
from dgbench.synthface.head.expressions import MULTIPIE_EXPRESSIONS, RAFD_EXPRESSIONS, expression_of
from dgbench.synthface.head.model import HEAD_NOTICE, Head
from dgbench.synthface.person.person import person
from dgbench.synthface.render.render import render
from dgbench.synthface.render.scene import MULTIPIE_SHOTS, Scene, multipie_light

#: Sheet → what it shows.
SHEETS = {
    "people": "24 people, numbers 0 to 23, neutral",
    "views": "person 7 over 13 yaws, -90 to 90 degrees in steps of 15",
    "expressions": "persons 1 and 13: RaFD's eight expressions, then Multi-PIE's squint and scream",
    "lights": "person 17 under Multi-PIE's twenty shots",
    "landmarks": "four people with the 68 landmarks: green where the z-buffer shows them, red where it hides them",
}
_SEEN, _HIDDEN = (60, 230, 90), (240, 60, 60)


def grid(images: Iterable[Image], columns: int) -> Image:
    """Return same-sized images side by side, ``columns`` a row; a last row that is short is filled with grey."""
    tiles = list(images)
    tiles += [np.full_like(tiles[0], 128)] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    return np.vstack(rows)


def mark_landmarks(image: Image, landmarks: Landmarks) -> Image:
    """Return a copy with a dot of 3 by 3 pixels on every landmark, green seen, red hidden; hidden ones underneath."""
    marked = image.copy()
    for wanted, color in ((False, _HIDDEN), (True, _SEEN)):
        for (x, y, _), seen in zip(landmarks.points, landmarks.visibility > 0.5, strict=True):
            if seen == wanted:
                column, row = int(x), int(y)
                marked[max(row - 1, 0) : max(row + 2, 0), max(column - 1, 0) : max(column + 2, 0)] = color
    return marked


def _people(head: Head, size: int) -> Image:
    return grid((render(head, person(k), Scene(size=size)).image for k in range(24)), 6)


def _views(head: Head, size: int) -> Image:
    return grid((render(head, person(7), Scene(yaw=yaw, size=size)).image for yaw in range(-90, 91, 15)), 7)


def _expressions(head: Head, size: int) -> Image:
    names = (*RAFD_EXPRESSIONS, *(name for name in MULTIPIE_EXPRESSIONS if name in ("squint", "scream")))
    return grid(
        (
            render(head, person(k), Scene(size=size, zoom=1.2, expression=expression_of(person(k), name))).image
            for k in (1, 13)
            for name in names
        ),
        5,
    )


def _lights(head: Head, size: int) -> Image:
    return grid((render(head, person(17), Scene(size=size, light=multipie_light(k))).image for k in MULTIPIE_SHOTS), 5)


def _landmarks(head: Head, size: int) -> Image:
    tiles = []
    for number, name in ((0, "neutral"), (18, "happy"), (13, "surprised"), (7, "neutral")):
        for yaw in (0, -20, 45, -75):
            who = person(number)
            done = render(head, who, Scene(yaw=yaw, size=size, zoom=1.15, expression=expression_of(who, name)))
            tiles.append(mark_landmarks(done.image, done.landmarks))
    return grid(tiles, 4)


_MAKERS: dict[str, tuple[Callable[[Head, int], Image], int]] = {
    "people": (_people, 192),
    "views": (_views, 160),
    "expressions": (_expressions, 192),
    "lights": (_lights, 160),
    "landmarks": (_landmarks, 224),
}


def write_sheets(head: Head, folder: Path, *, progress: Callable[[int, int], None] | None = None) -> list[Path]:
    """Write every sheet as PNG into ``folder``, with the head's notice beside them; the same bytes each time.

    Args:
        head: the scanned head.
        folder: made where it is not there.
        progress: called with (sheets done, sheets in all).

    Raises:
        UsageError: the folder cannot be written.
        WorkFailedError: the disk is full.
    """
    written = []
    for done, (name, (make, size)) in enumerate(_MAKERS.items()):
        path = folder / f"{name}.png"
        write_png(path, make(head, size))
        written.append(path)
        if progress:
            progress(done + 1, len(_MAKERS))
    write_text(folder / "NOTICE.txt", HEAD_NOTICE + "\n")
    return written
