"""How far judge sets agree: the same images of many methods before each set, pair by pair and method by method."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dgbench.core.card import JudgeSet
from dgbench.core.errors import UsageError
from dgbench.core.face import Failure, Image, Landmarks
from dgbench.core.pair import Pair
from dgbench.engine.run.call_method import call_method
from dgbench.engine.run.data import OpenData, open_data
from dgbench.engine.run.methods import default_checkpoint
from dgbench.engine.run.plan import RunFolder
from dgbench.engine.run.tasks import TaskBuilder
from dgbench.engine.score.run_images import RunImages
from dgbench.io.cache import cache_folder
from dgbench.methods.contract import LoadContext
from dgbench.methods.registry import create
from dgbench.networks.judges import Judges, load_judges
from dgbench.protocols.registry import LoadedProtocol
from dgbench.scoring.evaluator import evaluate
from dgbench.stats.verification import equal_error_rate

#: Methods of very different kind, all runnable from a bare install; ``dg`` is the shipped model.
METHODS: tuple[str, ...] = (
    *("target", "blurred-target", "low-res-target", "copy-source", "blurred-source", "copy-reference", "shuffled"),
    *("blend", "landmark-warp", "landmark-warp-3d", "face-swap-warp", "memory", "black", "dg"),
)
METRICS: tuple[str, ...] = ("csim", "csim_target", "pose", "landmark_nme", "expression")
RETRIEVAL = "id_rank1"
#: Beyond this |yaw| of source or reference, degrees, no embedding of a recogniser of frontal photographs is trusted.
NEAR_FRONTAL = 45.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """Two sets on one metric.

    Attributes:
        metric, first, second: names.
        images, near: generated images that both measured; and those within ±45°.
        over_images, over_near: Spearman's rank correlation over them, NaN where it has no value.
        over_methods: the same over the methods' means within ±45°.
        kendall: Kendall's τ-b over the methods' means within ±45°.
    """

    metric: str
    first: str
    second: str
    images: int
    near: int
    over_images: float
    over_near: float
    over_methods: float
    kendall: float


class _Generated:
    """One method's images in memory, beside the protocol's own."""

    def __init__(self, opened: OpenData, made: Mapping[str, Image | Failure]) -> None:
        self._source, self._made = opened.source, made

    def generated(self, pair: Pair) -> Image | Failure:
        return self._made[pair.pair_id]

    def source(self, pair: Pair) -> Image:
        return self._source.image(pair.source)

    def reference(self, pair: Pair) -> Image:
        return self._source.image(pair.reference)

    def target(self, pair: Pair) -> Image | None:
        return self._source.image(pair.target) if pair.target else None

    def landmarks(self, pair: Pair, role: str) -> Landmarks | None:
        key = {"source": pair.source, "reference": pair.reference, "target": pair.target}[role]
        return self._source.landmarks(key) if key else None


def compare_judges(
    loaded: LoadedProtocol,
    sets: Sequence[JudgeSet],
    *,
    methods: Sequence[str] = METHODS,
    runs: Mapping[str, Path] | None = None,
    data: Path | None = None,
    weights: Path | None = None,
    every: int = 4,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Show the same generated images to each judge set and return what they agree on, as plain data.

    Args:
        loaded: a protocol of cross pairs.
        sets: at least two judge sets.
        methods: built-in methods; ``dg`` is the model that comes with the package.
        runs: run folders of other methods on the same protocol, by the name to print.
        data: the data set's folder.
        weights: folder of network weights.
        every: take each N-th pair by id.
        progress: told what is being done.

    Raises:
        UsageError: fewer than two sets or three methods, or a run of another protocol.
        MissingError: weights of a set are not here.
    """
    if len(set(sets)) < 2:
        raise UsageError("comparing judges takes two sets or more; give --judges twice")
    if len(methods) + len(runs or {}) < 3:
        raise UsageError("comparing judges takes three methods or more")
    opened = open_data(loaded, data, weights=weights)
    pairs = opened.pairs[::every]
    panels = {name: load_judges(name, weights=weights, roles=("identity", "landmarks", "pose")) for name in sets}
    tables: dict[str, dict[str, pd.DataFrame]] = {name: {} for name in sets}
    tell = progress or (lambda _: None)
    sources: dict[str, Callable[[], Any]] = {
        name: lambda name=name: _Generated(opened, _images(name, opened, pairs, loaded.protocol.name))  # type: ignore[misc]
        for name in methods
    }
    sources |= {name: lambda path=path: RunImages(RunFolder(path), opened) for name, path in (runs or {}).items()}  # type: ignore[misc]
    for method, source in sources.items():
        tell(method)
        images = source()
        for name, panel in panels.items():
            tables[name][method] = _scores(pairs, images, panel, opened)
    near = _near(pairs)
    return {
        "protocol": loaded.protocol.name,
        "pairs": len(pairs),
        "pairs_near": int(near.sum()),
        "methods": list(sources),
        "networks": {name: [network.model_dump() for network in panel.networks] for name, panel in panels.items()},
        "agreement": [asdict(row) for row in agreements(tables, near)],
        "means": {name: _means(of, near) for name, of in tables.items()},
        "verification": {name: verification(panel, opened, pairs) for name, panel in panels.items()},
    }


def _images(name: str, opened: OpenData, pairs: Sequence[Pair], protocol: str) -> dict[str, Image | Failure]:
    method = create(name)
    method.load(LoadContext(size=opened.source.size, checkpoint=default_checkpoint(name)))
    builder = TaskBuilder(method, opened, protocol=protocol, seed=0)
    made: dict[str, Image | Failure] = {}
    step = max(1, method.batch_size)
    for start in range(0, len(pairs), step):
        batch = pairs[start : start + step]
        results = call_method(method, [builder.task(pair) for pair in batch], size=opened.source.size)
        made.update({pair.pair_id: result for pair, result in zip(batch, results, strict=True)})
    return made


def _scores(pairs: Sequence[Pair], images: Any, panel: Judges, opened: OpenData) -> pd.DataFrame:
    names = [*METRICS, RETRIEVAL]
    cache = cache_folder("observations")
    size = opened.source.size
    return evaluate(pairs, images, judges=panel, metrics=names, size=size, cache=cache).frame()


def _near(pairs: Sequence[Pair]) -> NDArray[np.bool_]:
    """Return which pairs, by id, have source and reference within ±45° of yaw (unknown yaws count as frontal)."""
    ordered = sorted(pairs, key=lambda pair: pair.pair_id.encode())
    return np.array(
        [max(abs(p.yaw_source or 0.0), abs(p.yaw_reference or 0.0)) <= NEAR_FRONTAL for p in ordered], dtype=np.bool_
    )


def agreements(tables: Mapping[str, Mapping[str, pd.DataFrame]], near: NDArray[np.bool_]) -> list[Agreement]:
    """Return one row per metric and pair of sets.

    Args:
        tables: set → method → pair table with the columns ``<metric>`` and ``<metric>__measured``.
        near: per pair whether it is within ±45°.
    """
    rows = []
    for first, second in combinations(tables, 2):
        for metric in METRICS:
            values: list[Floats] = [np.zeros(0), np.zeros(0)]
            within = np.zeros(0, np.bool_)
            for method in tables[first]:
                pair = [tables[name][method] for name in (first, second)]
                both = np.logical_and.reduce([one[f"{metric}__measured"].to_numpy(bool) for one in pair])
                values = [
                    np.concatenate([old, one[metric].to_numpy(float)[both]])
                    for old, one in zip(values, pair, strict=True)
                ]
                within = np.concatenate([within, near[both]])
            means = [_means(tables[name], near, metric) for name in (first, second)]
            shared = [m for m in means[0] if np.isfinite(means[0][m][metric]) and np.isfinite(means[1][m][metric])]
            order = [np.array([of[m][metric] for m in shared]) for of in means]
            rows.append(
                Agreement(
                    metric,
                    first,
                    second,
                    images=len(within),
                    near=int(within.sum()),
                    over_images=spearman(*values),
                    over_near=spearman(values[0][within], values[1][within]),
                    over_methods=spearman(*order),
                    kendall=kendall(*order),
                )
            )
    return rows


def spearman(first: Floats, second: Floats) -> float:
    """Return Spearman's rank correlation, NaN where one side is constant or has fewer than three values."""
    from scipy.stats import spearmanr

    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(spearmanr(first, second).statistic)


def kendall(first: Floats, second: Floats) -> float:
    """Return Kendall's τ-b, NaN where one side is constant or has fewer than three values."""
    from scipy.stats import kendalltau

    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(kendalltau(first, second).statistic)


def _means(tables: Mapping[str, pd.DataFrame], near: NDArray[np.bool_], *only: str) -> dict[str, dict[str, float]]:
    """Return method → metric → mean within ±45° over the images that were measured; NaN where none was."""
    found: dict[str, dict[str, float]] = {}
    for method, table in tables.items():
        found[method] = {}
        for metric in only or (*METRICS, RETRIEVAL):
            kept = table[f"{metric}__measured"].to_numpy(bool) & near
            values = table[metric].to_numpy(float)
            found[method][metric] = float(values[kept].mean()) if kept.any() else float("nan")
    return found


def verification(panel: Judges, opened: OpenData, pairs: Sequence[Pair]) -> dict[str, float]:
    """Return a set's equal error rates over the protocol's own images, and how often it names the right person.

    Keys: ``eer_near`` (both within ±30°), ``eer_apart`` (80° to 100° apart), ``eer_all``, in percent, where both
    kinds of pair are there; ``images`` and ``people``, how many there are.
    """
    who: dict[str, tuple[str, float | None]] = {}
    for pair in pairs:
        who[pair.source] = (pair.source_identity, pair.yaw_source)
        who[pair.reference] = (pair.reference_identity, pair.yaw_reference)
        if pair.target:
            who[pair.target] = (pair.source_identity, pair.yaw_reference)
    keys = sorted(who)
    seen = panel.observe([opened.source.image(key) for key in keys], roles=("detector", "identity"))
    vectors = np.stack([one.embedding for one in seen if one.embedding is not None]).astype(np.float64)
    person = np.array([who[key][0] for key in keys])
    yaw = np.array([who[key][1] or 0.0 for key in keys])
    first, second = np.triu_indices(len(keys), 1)
    cosine = (vectors @ vectors.T)[first, second]
    same = person[first] == person[second]
    apart = np.abs(yaw[first] - yaw[second])
    groups = {
        "eer_near": (np.abs(yaw[first]) <= 30) & (np.abs(yaw[second]) <= 30),
        "eer_apart": (apart >= 80) & (apart <= 100),
        "eer_all": np.ones(len(first), np.bool_),
    }
    rates = {
        name: 100 * equal_error_rate(cosine[of & same], cosine[of & ~same])
        for name, of in groups.items()
        if (of & same).any() and (of & ~same).any()
    }
    return {**rates, "images": float(len(keys)), "people": float(len(set(person)))}
