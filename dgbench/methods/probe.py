"""Drawn faces for checking a method without any data: who and in which pose is known by construction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import seed_of
from dgbench.core.face import Image, Landmarks
from dgbench.methods.contract import Gallery, Need, Task

#: (skin colour, background colour) of the drawn people; the first two are used for the colour checks.
PEOPLE: tuple[tuple[tuple[int, int, int], tuple[int, int, int]], ...] = (
    ((226, 142, 112), (70, 40, 30)),
    ((112, 142, 226), (30, 40, 70)),
    ((170, 190, 120), (120, 120, 120)),
)


def probe_tasks(needs: frozenset[Need], *, size: int, seed: int = 0) -> list[Task]:
    """Return three pairs of drawn people in three poses, with what ``needs`` names and nothing else."""
    poses = (0.0, 18.0, -14.0)
    faces = [draw_face(person, yaw=yaw, size=size) for person, yaw in enumerate(poses)]
    pairs = ((0, 1), (1, 2), (2, 0))
    targets = [draw_face(source, yaw=poses[reference], size=size)[0] for source, reference in pairs]
    shown = {f"probe/{person}": face for person, face in enumerate(faces)}
    gallery = Gallery(tuple(sorted(shown)), lambda key: shown[key][0], lambda key: shown[key][1])
    tasks = []
    for number, (source, reference) in enumerate(pairs):
        full = Task(
            pair_id=f"probe-{number}",
            seed=seed_of("probe", number, seed),
            source=faces[source][0],
            reference=faces[reference][0],
            target=targets[number],
            decoy=targets[(number + 1) % len(pairs)],
            source_landmarks=faces[source][1],
            reference_landmarks=faces[reference][1],
            gallery=gallery,
        )
        tasks.append(only(full, needs))
    return tasks


def only(task: Task, needs: frozenset[Need]) -> Task:
    """Return the task with nothing but what ``needs`` names."""
    gone: dict[str, Any] = {name: None for name in get_args(Need) if name not in needs}
    return replace(task, **gone)


def draw_face(person: int, *, yaw: float, size: int) -> tuple[Image, Landmarks]:
    """Draw one face and return it with its landmarks.

    Args:
        person: index into :data:`PEOPLE`; decides colours.
        yaw: degrees, + = the nose points to image-right; moves the features sideways on the head.
        size: side in pixels.
    """
    skin, background = PEOPLE[person]
    points = _points(yaw) * size
    image = np.full((size, size, 3), background, np.uint8)
    hull = np.concatenate([points[:17], _arc(yaw) * size])
    cv2.fillPoly(image, [np.rint(hull).astype(np.int32)], skin, cv2.LINE_AA)
    width = max(1, size // 64)
    dark = tuple(int(value * 0.35) for value in skin)
    for first, last, closed in ((17, 21, False), (22, 26, False), (27, 30, False), (31, 35, False)):
        cv2.polylines(image, [_stroke(points, first, last)], closed, dark, width, cv2.LINE_AA)
    for first, last, colour in ((36, 41, (245, 245, 245)), (42, 47, (245, 245, 245)), (48, 59, (150, 40, 50))):
        cv2.fillPoly(image, [_stroke(points, first, last)], colour, cv2.LINE_AA)
    for first in (36, 42):
        centre = points[first : first + 6].mean(axis=0)
        cv2.circle(image, (round(float(centre[0])), round(float(centre[1]))), max(1, size // 50), (20, 20, 20), -1)
    flat = np.concatenate([points, np.zeros((68, 1))], axis=1).astype(np.float32)
    return image, Landmarks(points=flat, visibility=np.ones(68, np.float32), origin="truth")


def _points(yaw: float) -> NDArray[np.float64]:
    """68 iBUG landmarks in a unit square; features slide over the head with the yaw."""
    slide = 0.25 * np.sin(np.radians(yaw))
    turn = np.linspace(0.0, np.pi, 17)
    jaw = np.stack([0.5 - 0.3 * np.cos(turn), 0.45 + 0.4 * np.sin(turn)], axis=1)
    groups = [
        _line(0.27, 0.36, 0.44, 0.35, 5),
        _line(0.56, 0.35, 0.73, 0.36, 5),
        _line(0.5, 0.42, 0.5 + slide * 0.4, 0.56, 4),
        _line(0.45, 0.6, 0.55, 0.6, 5),
        _ring(0.36, 0.43, 0.055, 0.025, 6),
        _ring(0.64, 0.43, 0.055, 0.025, 6),
        _ring(0.5, 0.72, 0.1, 0.04, 12),
        _ring(0.5, 0.72, 0.07, 0.015, 8),
    ]
    return np.concatenate([jaw, np.concatenate(groups) + np.array([slide, 0.0])])


def _arc(yaw: float) -> NDArray[np.float64]:
    """The top of the head, from image-right to image-left."""
    turn = np.linspace(0.0, np.pi, 17)
    arc = np.stack([0.5 + 0.3 * np.cos(turn), 0.45 - 0.28 * np.sin(turn)], axis=1)
    return np.asarray(arc + np.array([0.02 * np.sin(np.radians(yaw)), 0.0]))


def _line(x0: float, y0: float, x1: float, y1: float, count: int) -> NDArray[np.float64]:
    return np.stack([np.linspace(x0, x1, count), np.linspace(y0, y1, count)], axis=1)


def _ring(x: float, y: float, rx: float, ry: float, count: int) -> NDArray[np.float64]:
    angle = np.arange(count) / count * 2 * np.pi
    return np.stack([x - rx * np.cos(angle), y - ry * np.sin(angle)], axis=1)


def _stroke(points: NDArray[np.float64], first: int, last: int) -> NDArray[np.int32]:
    return np.rint(points[first : last + 1]).astype(np.int32)
