"""The decoding side of a pass: pairs become images in memory, one batch ahead of the judges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Failure, Image
from dgbench.core.pair import Pair
from dgbench.metrics.contract import ImageSource, Metric, OwnFeatures, PairMetric, Role
from dgbench.scoring.feature_cache import image_key

Purpose = Literal["seen", "features"]
REAL_ROLES: tuple[Role, ...] = ("source", "reference", "target")


def real_side(pair: Pair) -> Role:
    """Return which real image stands opposite the generated one in set metrics: the target, else the reference."""
    return "reference" if pair.target is None else "target"


@dataclass(frozen=True)
class Needs:
    """What the asked metrics need of every pair.

    Attributes:
        pixels: real roles whose pixels are compared.
        seen: roles that judges must have looked at.
        judge_roles: judge roles (detector, identity, …) that look.
        features: whether set metrics want a feature row a side.
        inside: whether pixels are compared inside photographs alone.
    """

    pixels: frozenset[Role]
    seen: frozenset[Role]
    judge_roles: frozenset[str]
    features: bool
    inside: bool = False

    @classmethod
    def of(cls, metrics: Sequence[Metric]) -> Needs:
        """Collect the needs of some metrics."""
        pair_metrics = [m for m in metrics if isinstance(m, PairMetric)]
        own = [m for m in metrics if isinstance(m, OwnFeatures)]
        return cls(
            frozenset(role for m in pair_metrics for role in m.images) | {role for m in own for role in m.images},
            frozenset(role for m in pair_metrics for role in m.seen),
            frozenset(role for m in pair_metrics for role in m.roles),
            len(pair_metrics) + len(own) < len(metrics),
            any(m.is_inside for m in pair_metrics),
        )

    def purposes(self, pair: Pair, role: Role) -> tuple[Purpose, ...]:
        """Return what judges look at this real image of the pair for."""
        observed: tuple[Purpose, ...] = ("seen",) if role in self.seen else ()
        return (*observed, "features") if self.features and role == real_side(pair) else observed


@dataclass
class Loaded:
    """One pair with its images. ``keys`` are the content keys of its real images, known or new.

    ``valid`` is where the target shows its photograph, ``None`` for everywhere or where no metric asks.
    """

    index: int
    pair: Pair
    generated: Image | Failure
    real: dict[Role, Image] = field(default_factory=dict)
    keys: dict[Role, str] = field(default_factory=dict)
    valid: NDArray[np.bool_] | None = None


class Loader:
    """Loads pairs batch by batch in one background thread.

    A real image is decoded where its pixels are compared, or where judges have not looked at it yet for the purpose at
    hand; its content key is remembered by manifest key, so that a source shared by a hundred pairs is decoded once.
    """

    def __init__(self, images: ImageSource, needs: Needs, *, size: int | None) -> None:
        self._images, self._needs, self._size = images, needs, size
        self._content: dict[str, str] = {}
        self._shown: set[tuple[str, Purpose]] = set()

    def batches(self, pairs: Sequence[Pair], batch_size: int) -> Iterator[list[Loaded]]:
        """Yield loaded batches in order; the next one is decoded while the caller works on this one."""
        with ThreadPoolExecutor(1, thread_name_prefix="decode") as thread:
            waiting: Future[list[Loaded]] | None = None
            for start in range(0, len(pairs), batch_size):
                batch = waiting.result() if waiting else self._load(pairs, start, batch_size)
                following = start + batch_size
                more = following < len(pairs)
                waiting = thread.submit(self._load, pairs, following, batch_size) if more else None
                yield batch

    def points(self, pair: Pair, role: Role) -> NDArray | None:
        """Return the protocol's landmarks of a real image, where the image source has them."""
        finder = getattr(self._images, "landmarks", None)
        landmarks = finder(pair, role) if finder is not None else None
        return None if landmarks is None else landmarks.points

    def frame_of(self, pair: Pair) -> tuple[int, ...]:
        """Return the shape of the protocol's frame, asked of the real image where no size was declared."""
        if self._size is not None:
            return (self._size, self._size, 3)
        image = getattr(self._images, real_side(pair))(pair)
        return tuple(image.shape)

    def _load(self, pairs: Sequence[Pair], start: int, batch_size: int) -> list[Loaded]:
        return [self._load_pair(index, pairs[index]) for index in range(start, min(start + batch_size, len(pairs)))]

    def _load_pair(self, index: int, pair: Pair) -> Loaded:
        loaded = Loaded(index, pair, self._generated(pair))
        held: dict[str, Image] = {}  # a self pair's target is its reference
        # Roles whose pixels are compared come first: they are decoded anyway.
        for role in sorted(REAL_ROLES, key=lambda role: role not in self._needs.pixels):
            name: str | None = getattr(pair, role)
            if name is None:
                continue
            purposes = self._needs.purposes(pair, role)
            new = any((name, purpose) not in self._shown for purpose in purposes)
            if role in self._needs.pixels or new:
                image = held[name] if name in held else getattr(self._images, role)(pair)
                if image is None:
                    continue
                held[name] = loaded.real[role] = image
                if purposes and name not in self._content:
                    self._content[name] = image_key(image, self.points(pair, role))
                self._shown.update((name, purpose) for purpose in purposes)
            if purposes:
                loaded.keys[role] = self._content[name]
        if self._needs.inside and "target" in loaded.real:
            loaded.valid = self._valid(pair)
        return loaded

    def _valid(self, pair: Pair) -> NDArray[np.bool_] | None:
        finder = getattr(self._images, "valid", None)
        return None if finder is None else finder(pair)

    def _generated(self, pair: Pair) -> Image | Failure:
        image = self._images.generated(pair)
        if isinstance(image, Failure):
            return image
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            return Failure("unreadable", f"a generated image is uint8 HWC RGB, got {image.dtype} {image.shape}")
        if self._size is not None and image.shape[:2] != (self._size, self._size):
            return Failure("wrong-size", f"generated is {image.shape[:2]}, the protocol's frame is {self._size} px")
        return image
