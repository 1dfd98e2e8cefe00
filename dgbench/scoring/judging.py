"""The judging side of a pass: one stack of generated and new real images per batch, seen by every judge."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dgbench.core.digests import digest
from dgbench.core.face import Failure, Image
from dgbench.core.pair import Pair
from dgbench.io.code_identity import library_versions, own_code
from dgbench.metrics.contract import Judges, PairView, Role
from dgbench.scoring.batches import Loaded, Needs, Purpose, real_side
from dgbench.scoring.feature_cache import CachedObservation, ObservationCache

#: An image as shown to the judges, with the pair and role whose protocol points may align it.
_Shown = tuple[Image, Pair, Role]
_Look = Callable[[Sequence[_Shown]], list[CachedObservation]]


@dataclass(frozen=True)
class JudgedPair:
    """What the judges made of one pair: the view for pair metrics, and both feature rows for set metrics."""

    view: PairView
    real_features: NDArray[np.float32] | None
    generated_features: NDArray[np.float32] | None


class Judging:
    """Shows batches to the judges; real images whose content is known are not shown again.

    Args:
        judges: the judge set, or ``None`` where only pixels are compared.
        needs: what the metrics need.
        stores: what judges saw in real images, by purpose.
        pool: threads that observe; networks look at images one by one, so no split changes a value.
        workers: size of the pool.
        points: the protocol's landmarks of a pair's real image, or ``None``.
    """

    def __init__(
        self,
        judges: Judges | None,
        needs: Needs,
        stores: dict[Purpose, ObservationCache],
        *,
        pool: ThreadPoolExecutor,
        workers: int,
        points: Callable[[Pair, Role], NDArray | None],
    ) -> None:
        self._judges, self._needs, self._stores = judges, needs, stores
        self._pool, self._workers, self._points = pool, workers, points

    def judge(self, batch: Sequence[Loaded]) -> list[JudgedPair]:
        """Return what the judges see in a batch, in order."""
        made = [(loaded, loaded.generated) for loaded in batch if not isinstance(loaded.generated, Failure)]
        seen = self._observe_new(batch, made, "seen", self._observe)
        rows = self._observe_new(batch, made, "features", self._features)
        return [self._pair(loaded, seen.get(loaded.index), rows.get(loaded.index)) for loaded in batch]

    def _observe_new(
        self, batch: Sequence[Loaded], made: Sequence[tuple[Loaded, Image]], purpose: Purpose, look: _Look
    ) -> dict[int, CachedObservation]:
        """Show the generated images and the real ones that are new for a purpose, together; keep the real ones."""
        if self._judges is None or not (self._needs.judge_roles if purpose == "seen" else self._needs.features):
            return {}
        new: dict[str, tuple[Loaded, Role]] = {}
        for loaded in batch:
            for role, key in loaded.keys.items():
                wanted = purpose in self._needs.purposes(loaded.pair, role) and role in loaded.real
                if wanted and key not in self._stores[purpose]:
                    new.setdefault(key, (loaded, role))
        # A generated face that is not found is aligned by the points of the reference: the pose it should have.
        stack: list[_Shown] = [(image, loaded.pair, "reference") for loaded, image in made]
        stack += [(loaded.real[role], loaded.pair, role) for loaded, role in new.values()]
        observed = look(stack) if stack else []
        self._stores[purpose].put(dict(zip(new, observed[len(made) :], strict=True)))
        return {loaded.index: item for (loaded, _), item in zip(made, observed, strict=False)}

    def black_features(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Return the features of a black image: what a failed pair puts into a set."""
        assert self._judges is not None
        return self._judges.features([np.zeros(shape, dtype=np.uint8)])[0]

    def _observe(self, stack: Sequence[_Shown]) -> list[CachedObservation]:
        judges = self._judges
        assert judges is not None
        roles = sorted(self._needs.judge_roles)

        def observe(shown: Sequence[_Shown]) -> list[CachedObservation]:
            points = [self._points(pair, role) for _, pair, role in shown]
            seen = judges.observe([image for image, _, _ in shown], fallback=points, roles=roles)
            return [CachedObservation(seen=item) for item in seen]

        return self._in_parts(stack, observe)

    def _features(self, stack: Sequence[_Shown]) -> list[CachedObservation]:
        judges = self._judges
        assert judges is not None

        def features(shown: Sequence[_Shown]) -> list[CachedObservation]:
            return [CachedObservation(features=row) for row in judges.features([image for image, _, _ in shown])]

        return self._in_parts(stack, features)

    def _in_parts(self, stack: Sequence[_Shown], look: _Look) -> list[CachedObservation]:
        """Look in as many threads as there are workers; networks are per image, so no split changes a value."""
        cuts = [len(stack) * number // self._workers for number in range(self._workers + 1)]
        parts = [stack[slice(*cut)] for cut in itertools.pairwise(cuts) if cut[0] < cut[1]]
        return [item for part in self._pool.map(look, parts) for item in part]

    def _pair(self, loaded: Loaded, seen: CachedObservation | None, row: CachedObservation | None) -> JudgedPair:
        real = {
            role: self._stores["seen"].get(key).seen
            for role, key in loaded.keys.items()
            if "seen" in self._needs.purposes(loaded.pair, role)
        }
        side = real_side(loaded.pair)
        opposite = self._needs.features and side in loaded.keys
        view = PairView(
            pair=loaded.pair,
            generated=None if isinstance(loaded.generated, Failure) else loaded.generated,
            target=loaded.real.get("target"),
            source_image=loaded.real.get("source"),
            reference_image=loaded.real.get("reference"),
            seen_generated=seen.seen if seen else None,
            seen_source=real.get("source"),
            seen_reference=real.get("reference"),
            seen_target=real.get("target"),
            valid=loaded.valid,
        )
        real_row = self._stores["features"].get(loaded.keys[side]).features if opposite else None
        return JudgedPair(view, real_row, row.features if row else None)


#: Rooms and files of dgbench whose code decides what judges see in an image.
_CODE = ("networks", "core/face.py", "scoring/judging.py")
_LIBRARIES = (
    "onnxruntime", "torch", "torchvision", "opencv-python", "opencv-python-headless", "numpy", "scipy", "pillow",
    "scikit-image", "insightface", "face-alignment", "torch-fidelity",
)  # fmt: skip


def judged_by(networks: Sequence[str], *, roles: Sequence[str] = ()) -> str:
    """Return the digest of all that decides an observation: weights, roles, our code, and the libraries' versions."""
    return digest(
        {
            "code": own_code(*_CODE),
            "libraries": library_versions(*_LIBRARIES),
            "networks": sorted(networks),
            "roles": sorted(roles),
        }
    )


def judges_digest(judges: Judges) -> str:
    """Return the digest of a judge set as a record names it: its networks' weights and the code that runs them."""
    networks = sorted(f"{n.role}:{n.name}:{n.sha256}" for n in judges.networks)
    return digest({"code": own_code(*_CODE), "networks": networks})


def open_stores(cache: Path, judges: Judges | None, needs: Needs) -> dict[Purpose, ObservationCache]:
    """Open the caches of observations and of features, each named by everything that decides what is in it."""
    networks = [] if judges is None else [(n.role, f"{n.role}:{n.name}:{n.sha256}") for n in judges.networks]
    seen = judged_by([n for role, n in networks if role != "features"], roles=sorted(needs.judge_roles))
    features = judged_by([n for _, n in networks])
    return {
        "seen": ObservationCache(cache, judged_by=seen),
        "features": ObservationCache(cache, judged_by=features),
    }
