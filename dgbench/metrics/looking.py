"""The judging side of a pass: one stack of generated and new real images per batch, seen by every judge."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dgbench import __version__
from dgbench.core.digests import digest
from dgbench.core.face import Failure, Image
from dgbench.core.pair import Pair
from dgbench.metrics.contract import Judges, PairView, Role, Seen
from dgbench.metrics.loading import Loaded, Needs, real_side
from dgbench.metrics.observations import Observations, Observed


@dataclass(frozen=True)
class Looked:
    """What the judges made of one pair: the view for pair metrics, and both feature rows for set metrics."""

    view: PairView
    real_features: NDArray[np.float32] | None
    generated_features: NDArray[np.float32] | None


class Looker:
    """Shows batches to the judges; real images whose content is known are not shown again.

    Args:
        judges: the judge set, or ``None`` where only pixels are compared.
        needs: what the metrics need.
        observations: the cache of real images.
        pool: threads that observe; networks look at images one by one, so no split changes a value.
        workers: size of the pool.
        points: the protocol's landmarks of a pair's real image, or ``None``.
    """

    def __init__(
        self,
        judges: Judges | None,
        needs: Needs,
        observations: Observations,
        *,
        pool: ThreadPoolExecutor,
        workers: int,
        points: Callable[[Pair, Role], NDArray | None],
    ) -> None:
        self._judges, self._needs, self._observations = judges, needs, observations
        self._pool, self._workers, self._points = pool, workers, points

    def look(self, batch: Sequence[Loaded]) -> list[Looked]:
        """Return what the judges see in a batch, in order."""
        made = [(loaded, loaded.generated) for loaded in batch if not isinstance(loaded.generated, Failure)]
        new = self._new(batch)
        stack = [image for _, image in made] + [loaded.real[role] for loaded, role in new.values()]
        # A generated face that is not found is aligned by the points of the reference: the pose it should have.
        points = [self._points(loaded.pair, "reference") for loaded, _ in made]
        points += [self._points(loaded.pair, role) for loaded, role in new.values()]
        seen = self._observe(stack, points)
        features: Sequence[NDArray[np.float32] | None] = [None] * len(stack)
        if self._needs.features and self._judges is not None and stack:
            features = list(self._judges.features(stack))
        rows = [Observed(s, f) for s, f in zip(seen, features, strict=True)]
        self._observations.put(dict(zip(new, rows[len(made) :], strict=True)))
        of_generated = {loaded.index: row for (loaded, _), row in zip(made, rows, strict=False)}
        return [self._looked(loaded, of_generated.get(loaded.index, Observed())) for loaded in batch]

    def black_features(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Return the features of a black image: what a failed pair puts into a set."""
        assert self._judges is not None
        return self._judges.features([np.zeros(shape, dtype=np.uint8)])[0]

    def _new(self, batch: Sequence[Loaded]) -> dict[str, tuple[Loaded, Role]]:
        new: dict[str, tuple[Loaded, Role]] = {}
        for loaded in batch:
            for role, key in loaded.keys.items():
                if key not in self._observations and role in loaded.real:
                    new.setdefault(key, (loaded, role))
        return new

    def _observe(self, images: Sequence[Image], points: Sequence[NDArray | None]) -> Sequence[Seen | None]:
        judges = self._judges
        if judges is None or not self._needs.judge_roles:
            return [None] * len(images)
        roles = sorted(self._needs.judge_roles)
        cuts = [len(images) * part // self._workers for part in range(self._workers + 1)]
        observed = self._pool.map(
            lambda cut: judges.observe(images[slice(*cut)], fallback=points[slice(*cut)], roles=roles),
            [cut for cut in itertools.pairwise(cuts) if cut[0] < cut[1]],
        )
        return [seen for group in observed for seen in group]

    def _looked(self, loaded: Loaded, generated: Observed) -> Looked:
        known = {role: self._observations.get(key) for role, key in loaded.keys.items()}
        seen = {role: observed.seen for role, observed in known.items() if role in self._needs.seen}
        opposite = known.get(real_side(loaded.pair))
        view = PairView(
            pair=loaded.pair,
            generated=None if isinstance(loaded.generated, Failure) else loaded.generated,
            target=loaded.real.get("target"),
            source_image=loaded.real.get("source"),
            reference_image=loaded.real.get("reference"),
            seen_generated=generated.seen,
            seen_source=seen.get("source"),
            seen_reference=seen.get("reference"),
            seen_target=seen.get("target"),
        )
        return Looked(view, opposite.features if opposite else None, generated.features)


def judged_by(judges: Judges | None, needs: Needs) -> str:
    """Return the digest of everything that decides an observation: networks, roles asked, and this code's version."""
    networks = [] if judges is None else sorted(f"{n.role}:{n.name}:{n.sha256}" for n in judges.networks)
    return digest(
        {"code": __version__, "networks": networks, "roles": sorted(needs.judge_roles), "features": needs.features}
    )
