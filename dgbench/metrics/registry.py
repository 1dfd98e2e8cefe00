"""Metrics by name: the names that protocols use, and the metric with its card for a given judge set."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from dgbench.core.card import JudgeNetwork
from dgbench.core.companions import COMPANIONS
from dgbench.core.errors import UsageError, did_you_mean
from dgbench.metrics import (
    akd,
    compat_csim,
    compat_fid,
    compat_ssim,
    csim,
    detection,
    expression,
    expression_coefficients,
    fid,
    kid,
    l1,
    landmark_nme,
    lpips,
    pose,
    psnr,
    retrieval,
    sharpness,
    ssim,
)
from dgbench.metrics.contract import Judges, Metric

#: Distances in a named feature space: Fréchet (fd) and kernel (kd).
_SPACE = re.compile(r"(?P<kind>fd|kd)\[(?P<judge>[A-Za-z0-9._+-]+)\]")
#: What ``Judges.features_name`` is when the features are the official Inception's; else it is ``fd[<judge>]``.
OFFICIAL = "fid"

Networks = Sequence[JudgeNetwork]
_PLAIN: dict[str, Callable[[], Metric]] = {
    "ssim": lambda: ssim.Ssim(ssim.CARD),
    "psnr": lambda: psnr.Psnr(psnr.CARD),
    "l1": lambda: l1.L1(l1.CARD),
    "sharpness": lambda: sharpness.Sharpness(sharpness.CARD),
    "ssim_m11_L2": lambda: compat_ssim.CompatSsim(compat_ssim.CARD),
}
_OWN_NETWORK: dict[str, Callable[[Path | None], Metric]] = {
    "lpips": lpips.load,
    "csim_ir50_noalign": compat_csim.load,
    "fid_stargan2_src": compat_fid.load,
    "expression_coefficients": expression_coefficients.load,
}
_JUDGED: dict[str, Callable[[Networks], Metric]] = {
    "detection": lambda networks: detection.Detection(detection.card(networks)),
    "landmark_nme": lambda networks: landmark_nme.LandmarkNme(landmark_nme.card(networks)),
    "id_rank1": lambda networks: retrieval.IdentityRank1(retrieval.card(networks)),
    "akd": lambda networks: akd.Akd(akd.card(networks)),
    "expression": lambda networks: expression.Expression(expression.card(networks)),
    "fid": lambda networks: fid.Fid(fid.card(networks)),
    "kid": lambda networks: kid.Kid(kid.card(networks)),
}


def _csim(name: str) -> Callable[[Networks], Metric]:
    return lambda networks: csim.Csim(csim.card(name, networks))


def _pose(name: str) -> Callable[[Networks], Metric]:
    return lambda networks: pose.PoseError(pose.card(name, networks))


_JUDGED |= {name: _csim(name) for name in csim.VARIANTS} | {name: _pose(name) for name in pose.NAMES}


def metric_names() -> tuple[str, ...]:
    """Return every metric name, sorted; ``fd[<judge>]`` and ``kd[<judge>]`` stand for one name per feature space."""
    return (*sorted([*_PLAIN, *_JUDGED, *_OWN_NETWORK]), "fd[<judge>]", "kd[<judge>]")


def check_name(name: str) -> None:
    """Raise UsageError unless ``name`` is a metric."""
    plain = name in _PLAIN or name in _JUDGED or name in _OWN_NETWORK
    if not plain and not _SPACE.fullmatch(name):
        known = list(metric_names())
        raise UsageError(f"unknown metric {name!r}.{did_you_mean(name, known)} Known: {', '.join(known)}")


def with_companions(names: Sequence[str]) -> tuple[str, ...]:
    """Return a protocol's metrics and, after them, those that a reader needs beside them, each once.

    CSIM comes with its variants, ceiling and impostor value, a Fréchet distance with the kernel distance in the same
    features, SSIM with the value of the published script. None of these costs another network or another look.
    """
    beside = [other for name in names for other in COMPANIONS.get(name, ())]
    beside += ["kd" + name.removeprefix("fd") for name in names if name.startswith("fd[")]
    return tuple(dict.fromkeys([*names, *beside]))


def make_metric(name: str, judges: Judges | None = None, *, weights: Path | None = None) -> Metric:
    """Return a metric with the card that the given judges make.

    Args:
        name: one of :func:`metric_names`.
        judges: what will look at the images; may be ``None`` for metrics of pixels alone.
        weights: folder with the networks of metrics that bring their own.

    Raises:
        UsageError: the name is unknown, the metric needs judges and none are given, or the feature space is not the
            one that the name claims (``fid`` and ``kid`` are for the official Inception alone).
        MissingError: the metric's own network is not here.
    """
    check_name(name)
    if name in _OWN_NETWORK:
        return _OWN_NETWORK[name](weights)
    if name in _PLAIN:
        return _PLAIN[name]()
    if judges is None:
        raise UsageError(f"metric {name} needs judges; give --judges embedded, open or standard")
    space = _SPACE.fullmatch(name)
    if space is None and name not in ("fid", "kid"):
        return _JUDGED[name](judges.networks)
    asked = f"fd[{space['judge']}]" if space else OFFICIAL
    if judges.features_name != asked:
        raise UsageError(
            f"metric {name}: these judges measure {judges.features_name}; fid and kid are for the official Inception "
            "alone (--judges standard)"
        )
    if space and space["kind"] == "kd":
        return kid.Kid(kid.card(judges.networks, name=name))
    return fid.Fid(fid.card(judges.networks, name=name)) if space else _JUDGED[name](judges.networks)
