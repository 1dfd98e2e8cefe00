"""Measuring every pair metric at every dose, and what follows: slopes, needed pairs, and nuisances."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dgbench.core.face import Failure, Image, Landmarks
from dgbench.core.pair import Pair
from dgbench.metrics.contract import Judges
from dgbench.scoring.calibration.doses import DOSES, SOURCE, Dose, Subject, subjects
from dgbench.scoring.evaluator import evaluate
from dgbench.synthface.head.model import Head
from dgbench.synthface.render.render import Rendered, render

METRICS = ("ssim", "psnr", "l1", "sharpness", "csim", "id_rank1", "pose", "landmark_nme", "expression")
#: What each metric is for: its own dose, against which nuisances are held. SSIM and its like are for all of them.
OWN_DOSE = {
    "ssim": "identity",
    "psnr": "identity",
    "l1": "identity",
    "sharpness": "blur",
    "csim": "identity",
    "id_rank1": "identity",
    "pose": "yaw",
    "landmark_nme": "yaw",
    "expression": "expression",
}
#: Two-sided 5 % with a power of 80 %.
_REACH = 1.959964 + 0.841621


@dataclass(frozen=True)
class _Run:
    """Pictures of one dose at one level, as the evaluator asks for them."""

    made: dict[str, Image]
    targets: dict[str, Rendered]
    sources: dict[str, Rendered]

    def generated(self, pair: Pair) -> Image | Failure:
        return self.made[pair.pair_id]

    def source(self, pair: Pair) -> Image:
        return self.sources[pair.pair_id].image

    def reference(self, pair: Pair) -> Image:
        return self.targets[pair.pair_id].image

    def target(self, pair: Pair) -> Image | None:
        return self.targets[pair.pair_id].image

    def landmarks(self, pair: Pair, role: str) -> Landmarks | None:
        return None


def calibrate(
    head: Head,
    judges: Judges,
    *,
    people: int = 24,
    doses: Sequence[Dose] = DOSES,
    metrics: Sequence[str] = METRICS,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Measure every metric at every dose on the same people.

    Args:
        head: the head model.
        judges: what looks at the pictures.
        people: how many rendered people; 8 at least, for the retrieval's gallery.
        doses: what is changed.
        metrics: pair metrics, by name.
        progress: called with (levels done, levels in all).

    Returns:
        One row per dose, level and metric: ``dose``, ``level``, ``metric``, ``n``, ``value`` (mean), ``effect`` (mean
        of the paired difference to no dose), ``sd`` (of that difference), ``standard`` (whether it is the standard
        dose). Level 0 is the undosed picture.
    """
    group = subjects(people)
    pairs = [_pair(number) for number in range(people)]
    targets = {p.pair_id: render(head, s.person, s.scene) for p, s in zip(pairs, group, strict=True)}
    sources = {p.pair_id: render(head, s.person, SOURCE) for p, s in zip(pairs, group, strict=True)}
    steps = [(dose, level) for dose in doses for level in dose.levels]
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="dgbench-") as cache:

        def scores(made: dict[str, Image]) -> pd.DataFrame:
            run = _Run(made, targets, sources)
            return evaluate(pairs, run, judges=judges, metrics=metrics, cache=Path(cache), draws=20).frame()

        undosed = scores({key: one.image for key, one in targets.items()})
        rows += _rows("none", 0.0, undosed, undosed, metrics, standard=False)
        for done, (dose, level) in enumerate(steps, 1):
            made = {
                p.pair_id: _dosed(head, s, targets[p.pair_id], dose, level) for p, s in zip(pairs, group, strict=True)
            }
            rows += _rows(dose.name, level, scores(made), undosed, metrics, standard=level == dose.standard)
            if progress is not None:
                progress(done, len(steps))
    return pd.DataFrame(rows)


def _pair(number: int) -> Pair:
    name = f"c{number:03d}"
    key = f"calibration/{name}"
    return Pair(
        pair_id=name,
        relation="self",
        source=f"{key}/source",
        reference=f"{key}/base",
        target=f"{key}/base",
        source_identity=name,
        reference_identity=name,
    )


def _dosed(head: Head, subject: Subject, base: Rendered, dose: Dose, level: float) -> Image:
    image = base.image if dose.scene is None else _rendered(head, dose.scene(subject, level))
    return image if dose.pixels is None else dose.pixels(image, level)


def _rendered(head: Head, subject: Subject) -> Image:
    return render(head, subject.person, subject.scene).image


def _rows(
    dose: str, level: float, table: pd.DataFrame, undosed: pd.DataFrame, metrics: Sequence[str], *, standard: bool
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name in metrics:
        values = table[name].to_numpy(dtype=np.float64)
        change = values - undosed[name].to_numpy(dtype=np.float64)
        rows.append(
            {
                "dose": dose,
                "level": float(level),
                "metric": name,
                "n": len(values),
                "value": math.fsum(values) / len(values),
                "effect": math.fsum(change) / len(change),
                "sd": float(np.std(change, ddof=1)) if len(change) > 1 else 0.0,
                "standard": standard,
            }
        )
    return rows


def needed_pairs(effect: float, sd: float) -> float:
    """Return how many pairs of different people show an effect with 80 % power at 5 %; inf where there is none."""
    return math.inf if effect == 0 else max(2.0, (_REACH * sd / abs(effect)) ** 2)


def nuisances(table: pd.DataFrame) -> pd.DataFrame:
    """Return metric × dose: the effect of each standard dose as a share of the metric's own standard dose."""
    standard = table[table["standard"]]
    effects = standard.pivot(index="metric", columns="dose", values="effect").abs()
    own = {name: effects.loc[name, OWN_DOSE[name]] for name in effects.index}
    return effects.div(pd.Series(own), axis=0)
