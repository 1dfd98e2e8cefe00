"""Metrics by name: the names that protocols use, and the metric with its card for a given judge set."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from dgbench.core.card import MetricCard
from dgbench.core.errors import UsageError, did_you_mean
from dgbench.core.registry import Registry
from dgbench.metrics.contract import Judges, Metric, PairMetric, SetMetric

#: Distances in a named feature space: Fréchet (fd) and kernel (kd).
_SPACE = re.compile(r"(?P<kind>fd|kd)\[(?P<judge>[A-Za-z0-9._+-]+)\]")
#: What ``Judges.features_name`` is when the features are the official Inception's; else it is ``fd[<judge>]``.
OFFICIAL = "fid"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_./-]{0,59}")

#: Name → "module:Class", imported only when asked for. A class may stand for several names.
BUILT_IN: dict[str, str] = {
    "ssim": "dgbench.metrics.ssim:Ssim",
    "psnr": "dgbench.metrics.psnr:Psnr",
    "l1": "dgbench.metrics.l1:L1",
    "paper/ssim-range2": "dgbench.metrics.paper.ssim:CompatSsim",
    "lpips": "dgbench.metrics.lpips:Lpips",
    "paper/csim-ir50": "dgbench.metrics.paper.csim:CsimNoAlign",
    "paper/fid-stargan2": "dgbench.metrics.paper.fid:CompatFid",
    "expression_coefficients": "dgbench.metrics.expression_coefficients:ExpressionCoefficients",
    "sharpness": "dgbench.metrics.sharpness:Sharpness",
    "id_rank1": "dgbench.metrics.retrieval:IdentityRank1",
    "detection": "dgbench.metrics.detection:Detection",
    "landmark_nme": "dgbench.metrics.landmark_nme:LandmarkNme",
    "akd": "dgbench.metrics.akd:Akd",
    "expression": "dgbench.metrics.expression:Expression",
    "fid": "dgbench.metrics.fid:Fid",
    "kid": "dgbench.metrics.kid:Kid",
    "csim": "dgbench.metrics.csim:Csim",
    "csim_target": "dgbench.metrics.csim:Csim",
    "csim_fallback": "dgbench.metrics.csim:Csim",
    "csim_ceiling": "dgbench.metrics.csim:Csim",
    "csim_impostor": "dgbench.metrics.csim:Csim",
    "pose": "dgbench.metrics.pose:PoseError",
    "pose_yaw": "dgbench.metrics.pose:PoseError",
    "pose_pitch": "dgbench.metrics.pose:PoseError",
    "pose_roll": "dgbench.metrics.pose:PoseError",
}
_SPACES = {"fd": "fid", "kd": "kid"}

MetricClass = type[PairMetric] | type[SetMetric]


def register(metric: MetricClass) -> MetricClass:
    """Class decorator that makes a metric known under its card's name in this process.

    Raises:
        UsageError: the name is taken, or the class is no metric.
    """
    _check(metric, getattr(metric, "__name__", str(metric)))
    return METRICS.register(metric, name=metric.card.name)


def metric_names() -> tuple[str, ...]:
    """Return every metric name, sorted; ``fd[<judge>]`` and ``kd[<judge>]`` stand for one name per feature space."""
    return (*METRICS.names(), "fd[<judge>]", "kd[<judge>]")


def metric_class(name: str) -> MetricClass:
    """Return a metric's class, by name, ``pkg.module:Class`` or ``./file.py:Class``.

    Raises:
        UsageError: no such metric, or what the name points to is none.
    """
    space = _SPACE.fullmatch(name)
    if space is None and name not in METRICS:
        known = list(metric_names())
        raise UsageError(f"unknown metric {name!r}.{did_you_mean(name, known)} Known: {', '.join(known)}")
    return METRICS.get(_SPACES[space["kind"]] if space else name)


def check_name(name: str) -> None:
    """Raise UsageError unless ``name`` is a metric."""
    metric_class(name)


def with_companions(names: Sequence[str]) -> tuple[str, ...]:
    """Return a protocol's metrics and, after them, those that a reader needs beside them, each once.

    CSIM comes with its variants, ceiling and impostor value, a Fréchet distance with the kernel distance in the same
    features, SSIM with the value of the published script. None of these costs another network or another look.
    """
    beside = [other for name in names for other in _companions(name)]
    return tuple(dict.fromkeys([*names, *beside]))


def _companions(name: str) -> tuple[str, ...]:
    if _SPACE.fullmatch(name):
        return ("kd" + name.removeprefix("fd"),) if name.startswith("fd") else ()
    kind = metric_class(name)
    return () if name in kind.parts else kind.companions  # a part of the class's metric brings no others


def roles_of(names: Collection[str]) -> frozenset[str]:
    """Return the judge roles that these metrics need; empty where they compare pixels or bring their own network."""
    return frozenset().union(*(metric_class(name).roles for name in names))


def make_metric(name: str, judges: Judges | None = None, *, weights: Path | None = None) -> Metric:
    """Return a metric with the card that the given judges make.

    Args:
        name: one of :func:`metric_names`, ``pkg.module:Class`` or ``./file.py:Class``.
        judges: what will look at the images; may be ``None`` for metrics of pixels alone.
        weights: folder with the networks of metrics that bring their own.

    Raises:
        UsageError: the name is unknown, the metric needs judges and none are given, or the feature space is not the
            one that the name claims (``fid`` and ``kid`` are for the official Inception alone).
        MissingError: the metric's own network is not here.
    """
    kind = metric_class(name)
    if kind.roles and judges is None:
        raise UsageError(f"metric {name} needs judges; give --judges embedded, open or standard")
    if judges is not None and (name in ("fid", "kid") or _SPACE.fullmatch(name)):
        asked = OFFICIAL if name in ("fid", "kid") else "fd" + name[2:]
        if judges.features_name != asked:
            raise UsageError(
                f"metric {name}: these judges measure {judges.features_name}; fid and kid are for the official "
                "Inception alone (--judges standard)"
            )
    return kind.make(name, judges, weights=weights)


def _check(candidate: object, name: str) -> MetricClass:
    if not (isinstance(candidate, type) and issubclass(candidate, PairMetric | SetMetric)):
        raise UsageError(f"metric '{name}' is not a subclass of dgbench.PairMetric or dgbench.SetMetric")
    if name not in BUILT_IN:
        card = getattr(candidate, "card", None)
        if not isinstance(card, MetricCard):
            raise UsageError(f"metric class {candidate.__qualname__} lacks card = dgbench.MetricCard(...) in its body")
        if not _NAME.fullmatch(card.name):
            raise UsageError(f"metric name '{card.name}' must begin with a letter; letters, digits, '.', '_', '-', '/'")
        if (level := "pair" if issubclass(candidate, PairMetric) else "set") != card.level:
            raise UsageError(f"metric {card.name}: its card says level '{card.level}', its class is of level '{level}'")
        if level == "pair" and card.floor is None:
            raise UsageError(f"metric {card.name}: its card has no floor, and a pair that fails must score something")
    return candidate


METRICS: Registry[MetricClass] = Registry(
    "metric",
    built_in=BUILT_IN,
    group="dgbench.metrics",
    check=_check,
    name_of=lambda metric: metric.card.name,
    listed_by="dgbench metrics list",
)
