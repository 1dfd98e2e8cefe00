"""Pictures to train the embedded networks on: SynthFace people that no protocol tests, in random scenes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import seed_of
from dgbench.io.atomic import atomic_writer
from dgbench.synthface.head.expressions import MULTIPIE_EXPRESSIONS, RAFD_EXPRESSIONS, expression_of
from dgbench.synthface.head.model import Head
from dgbench.synthface.person.person import Person, person
from dgbench.synthface.render.render import Rendered, render
from dgbench.synthface.render.scene import Background, Flash, Light, Scene, multipie_light

#: First person of the training and of the evaluation people; protocols use low numbers.
TRAIN_FIRST, EVALUATION_FIRST = 100_000, 200_000
#: Side of the rendered frames, pixels.
FRAME = 96
#: People in one shard file.
SHARD = 25

_EXPRESSIONS = sorted({*RAFD_EXPRESSIONS, *MULTIPIE_EXPRESSIONS})


@dataclass(frozen=True)
class Faces:
    """Rendered frames and their truth.

    Attributes:
        images: uint8 (N, S, S, 3).
        points: float32 (N, 68, 3), pixels, left upper corner at 0.
        visibility: float32 (N, 68).
        pose: float32 (N, 3), yaw, pitch, roll in degrees.
        person: int64 (N,), numbers.
    """

    images: NDArray[np.uint8]
    points: NDArray[np.float32]
    visibility: NDArray[np.float32]
    pose: NDArray[np.float32]
    person: NDArray[np.int64]


def random_scene(who: Person, index: int, *, seed: int) -> Scene:
    """Return picture ``index`` of a person: yaw over ±90°, any expression, gaze, light, backdrop and framing.

    The clothes stay the same, since a figure is built anew for each outfit, which takes longer than 30 pictures;
    identity training covers them instead.
    """
    rng = np.random.default_rng(seed_of("embedded-scene", seed, who.number, index))
    yaw = float(np.clip(rng.normal(0, 22), -90, 90)) if rng.random() < 0.35 else float(rng.uniform(-90, 90))
    expression = expression_of(who, str(rng.choice(_EXPRESSIONS)))
    amount = float(rng.uniform(0.3, 1.0))
    return Scene(
        yaw=yaw,
        pitch=float(np.clip(rng.normal(0, 11), -35, 35)),
        roll=float(np.clip(rng.normal(0, 6), -25, 25)),
        expression={name: value * amount for name, value in expression.items()},
        gaze=(float(rng.uniform(-25, 25)), float(rng.uniform(-15, 12))),
        light=_random_light(rng),
        background=Background(
            kind=str(rng.choice(["plain", "gradient", "studio", "room"])),
            color=(float(rng.uniform(0.05, 0.95)), float(rng.uniform(0.05, 0.95)), float(rng.uniform(0.05, 0.95))),
            seed=int(rng.integers(1 << 30)),
        ),
        size=FRAME,
        zoom=float(rng.uniform(0.9, 1.3)),
        distance=float(rng.uniform(60, 250)),
    )


def _random_light(rng: np.random.Generator) -> Light:
    draw = rng.random()
    if draw < 0.25:
        return Light()
    if draw < 0.5:
        return multipie_light(int(rng.integers(20)))
    tint = rng.uniform(0.88, 1.12, (2, 3))
    direction = (float(rng.uniform(-1, 1)), float(rng.uniform(-0.2, 1)), float(rng.uniform(0.1, 1)))
    lamp = Flash(direction, float(rng.uniform(0.2, 0.9)), (float(tint[0, 0]), float(tint[0, 1]), float(tint[0, 2])))
    ambient = (float(tint[1, 0]), float(tint[1, 1]), float(tint[1, 2]))
    return Light(ambient=float(rng.uniform(0.25, 0.65)), color=ambient, flashes=(lamp,))


def render_shard(head: Head, numbers: Iterable[int], path: Path, *, images: int, seed: int) -> None:
    """Render ``images`` pictures of each person into one npz file, atomically; a finished file is left alone."""
    if path.exists():
        return
    rows = []
    for number in numbers:
        who = person(number)
        rows += [(render(head, who, random_scene(who, index, seed=seed)), number) for index in range(images)]
    write_faces(rows, path)


def write_faces(rows: Sequence[tuple[Rendered, int]], path: Path) -> None:
    """Write pictures and their people's numbers as one shard, atomically."""
    pictures, numbers = zip(*rows, strict=True)
    arrays: dict[str, Any] = {
        "images": np.stack([one.image for one in pictures]),
        "points": np.stack([one.landmarks.points for one in pictures]),
        "visibility": np.stack([one.landmarks.visibility for one in pictures]),
        "pose": np.array([one.pose for one in pictures], dtype=np.float32),
        "person": np.array(numbers, dtype=np.int64),
    }
    with atomic_writer(path) as handle:
        np.savez(handle, **arrays)


def render_people(
    head: Head,
    folder: Path,
    *,
    first: int,
    people: int,
    images: int,
    seed: int = 0,
    workers: int = 1,
    progress: bool = False,
) -> list[Path]:
    """Render people ``first .. first + people − 1`` into shard files under ``folder``; resumes where it stopped.

    Each picture depends on its person and index alone, so any number of ``workers`` writes the same bytes.
    """
    from tqdm import tqdm

    starts = range(first, first + people, SHARD)
    shards = [range(start, min(start + SHARD, first + people)) for start in starts]
    paths = [folder / f"{numbers[0]}-{len(numbers)}-{images}-{seed}.npz" for numbers in shards]
    work = partial(render_shard, head, images=images, seed=seed)
    with ExitStack() as stack:
        done: Iterable[None] = map(work, shards, paths)
        if workers > 1:
            pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=get_context("spawn")))
            done = pool.map(work, shards, paths)
        for _ in tqdm(done, desc=f"render {folder.name}", total=len(paths), unit="shard", disable=not progress):
            pass
    return paths


def read_faces(paths: Iterable[Path]) -> Faces:
    """Read shard files into memory, in order."""
    shards = []
    for path in paths:
        with np.load(path, allow_pickle=False) as archive:
            shards.append({name: archive[name] for name in archive.files})
    joined = {name: np.concatenate([shard[name] for shard in shards]) for name in shards[0]}
    return Faces(**joined)
