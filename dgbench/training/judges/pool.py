"""The pool that the identity judge learns from: many kinds of face images, each with what a teacher makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import seed_of
from dgbench.core.face import Image
from dgbench.io.atomic import atomic_writer
from dgbench.networks.align import arcface_crop, five_points, similarity
from dgbench.networks.identity import IdentityNetwork
from dgbench.training.judges.data import Faces
from dgbench.training.judges.degrade import degraded, morphed, moved

#: Stored crops show 1.25 × the judge's crop, so that batches can be framed anew.
MARGIN, STORED = 1.25, 100
#: Beyond this |yaw|, degrees, a recogniser of frontal photographs is no teacher.
TEACHER_YAW = 50.0
#: Kinds of samples: as rendered, degraded, two people mixed, warped towards another, a photograph.
KINDS = ("plain", "degraded", "morph", "blend", "warp", "photograph")
_SHARES = (0.36, 0.34, 0.12, 0.06, 0.12)


@dataclass(frozen=True)
class Pool:
    """Samples.

    Attributes:
        crops: uint8 (N, 100, 100, 3), aligned to ArcFace's template with a margin.
        teacher: float32 (N, 128), unit, of the teacher's own crop; zero beyond :data:`TEACHER_YAW`.
        yaw: float32 (N,), degrees.
        person: int64 (N,), the person shown, -1 where it is nobody's face any more.
        kind: int8 (N,), index into :data:`KINDS`.
    """

    crops: NDArray[np.uint8]
    teacher: NDArray[np.float32]
    yaw: NDArray[np.float32]
    person: NDArray[np.int64]
    kind: NDArray[np.int8]


def stored_crop(image: Image, points: NDArray[np.floating]) -> Image:
    """Return the aligned crop with its margin; ``points`` have the image's left upper corner at 0."""
    return arcface_crop(image, points, side=STORED, margin=MARGIN)


def make_pool(faces: Faces, teacher: IdentityNetwork, *, samples: int, seed: int) -> Pool:
    """Return ``samples`` samples of rendered faces; the same arguments give the same bytes.

    Mixed and warped faces come from two people seen within 12° of one another.
    """
    rng = np.random.default_rng(seed_of("judge-pool", seed))
    order = np.argsort(faces.pose[:, 0], kind="stable")
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order))
    rows: list[tuple[Image, NDArray, float, int, int]] = []
    queue = rng.permutation(len(order))
    for number in range(samples):
        row = int(queue[number % len(queue)])
        image, points = faces.images[row], faces.points[row, :, :2]
        yaw, person = float(faces.pose[row, 0]), int(faces.person[row])
        # Nothing can say how far a degraded profile still is its person: profiles are shown as they are.
        kind = int(rng.choice(len(_SHARES), p=_SHARES)) if abs(yaw) < TEACHER_YAW else 0
        near = order[int(np.clip(rank[row] + rng.integers(-150, 151), 0, len(order) - 1))]
        other_points = faces.points[near, :, :2]
        unlike = faces.person[near] != person and abs(faces.pose[near, 0] - yaw) < 12
        if KINDS[kind] in ("morph", "blend", "warp") and not unlike:
            kind = KINDS.index("degraded")
        if KINDS[kind] == "morph":
            share = float(rng.uniform(0.15, 0.85))
            image, points = morphed(image, faces.images[near], (points, other_points), share=share)
            person = -1
        elif KINDS[kind] == "blend":
            share = float(rng.uniform(0.25, 0.5))
            image = np.rint((1 - share) * image + share * faces.images[near].astype(np.float32)).astype(np.uint8)
            person = -1
        elif KINDS[kind] == "warp":
            image, points = moved(image, points, other_points, share=float(rng.uniform(0.5, 1.0)))
            person = -1
        if KINDS[kind] == "degraded" or (person < 0 and rng.random() < 0.4):
            image = degraded(image, rng)
            person = -1
        rows.append((image, five_points(points), yaw, person, kind))
    return _seen(rows, teacher)


def photograph_pool(
    photographs: Sequence[tuple[Image, NDArray[np.floating]]], teacher: IdentityNetwork, *, each: int, seed: int
) -> Pool:
    """Return ``each`` samples of every photograph: one as it is, the others degraded, some blended with another.

    Args:
        photographs: images and their five points.
    """
    rng = np.random.default_rng(seed_of("judge-pool-photographs", seed))
    rows: list[tuple[Image, NDArray, float, int, int]] = []
    kind = KINDS.index("photograph")
    for image, points in photographs:
        rows.append((image, points, 0.0, -1, kind))
        for _ in range(each - 1):
            shown = image
            if rng.random() < 0.25:
                other, spots = photographs[int(rng.integers(len(photographs)))]
                side = (image.shape[1], image.shape[0])
                fitted = cv2.warpAffine(other, similarity(spots, points), side, flags=cv2.INTER_LINEAR)
                share = float(rng.uniform(0.2, 0.6))
                shown = np.rint((1 - share) * image + share * fitted.astype(np.float32)).astype(np.uint8)
            rows.append((degraded(shown, rng) if rng.random() < 0.8 else shown, points, 0.0, -1, kind))
    return _seen(rows, teacher)


def _seen(rows: Sequence[tuple[Image, NDArray, float, int, int]], teacher: IdentityNetwork) -> Pool:
    crops = np.stack([stored_crop(image, five) for image, five, *_ in rows])
    # The teacher sees its own crop, made from the image and not from ours.
    vectors = np.zeros((len(rows), 128), np.float32)
    for index, (image, five, yaw, *_) in enumerate(rows):
        if abs(yaw) < TEACHER_YAW:
            vectors[index] = teacher.embed([teacher.align(image, five, None)[0]])[0]
    yaws, person, kind = (np.array([row[column] for row in rows]) for column in (2, 3, 4))
    return Pool(crops, vectors, yaws.astype(np.float32), person.astype(np.int64), kind.astype(np.int8))


def write_pool(pool: Pool, path: Path) -> None:
    """Write a pool, atomically."""
    with atomic_writer(path) as handle:
        np.savez(handle, **{one.name: getattr(pool, one.name) for one in fields(Pool)})


def read_pools(paths: Sequence[Path]) -> Pool:
    """Read pools into memory, joined in order."""
    parts = []
    for path in paths:
        with np.load(path, allow_pickle=False) as archive:
            parts.append(Pool(**{one.name: archive[one.name] for one in fields(Pool)}))
    return Pool(**{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Pool)})
