"""The judges that some metrics need, and no others: each network is loaded, and has to be there, by role."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dgbench.core.card import JudgeSet
from dgbench.core.errors import UsageError
from dgbench.metrics.registry import OFFICIAL, check_name, metric_class, roles_of
from dgbench.networks.judges import Judges, load_judges

#: These two are for the official Inception's features alone, whoever else judges.
_INCEPTION = (OFFICIAL, "kid")
#: Stand for ``fd[<judge>]`` and ``kd[<judge>]`` of whatever judges measure.
_ANY_SPACE = ("fd", "kd")


@dataclass(frozen=True)
class Panel:
    """Judges, and the metrics by the names that a record gives them."""

    judges: Judges
    metrics: tuple[str, ...]


def panel_for(names: Sequence[str], *, judges: JudgeSet, weights: Path | None = None) -> Panel:
    """Load what some metrics need of a judge set: nothing for pixels, Inception alone for ``fid``.

    Args:
        names: metrics by name or reference; ``fd`` and ``kd`` stand for ``fd[<judge>]`` and ``kd[<judge>]``.
        judges: the set that observes; ``fid`` and ``kid`` take the official Inception with every set.
        weights: folder with weight files; else ``DGBENCH_WEIGHTS``.

    Raises:
        UsageError: an unknown metric, one twice, or two feature spaces at once.
        MissingError: a network that these metrics need is not here.
    """
    chosen = [_by_card(name) for name in names]
    if len(set(chosen)) < len(chosen):
        raise UsageError(f"a metric is named twice: {', '.join(names)}")
    official = [name for name in chosen if name in _INCEPTION]
    others = [name for name in chosen if name in _ANY_SPACE or name.startswith(("fd[", "kd["))]
    if official and others:
        raise UsageError(f"{official[0]} and {others[0]} are of two feature spaces; score them one after the other")
    roles = roles_of([name for name in names if name not in _ANY_SPACE]) - ({"features"} if official else set())
    roles |= {"features"} if others else set()
    panel = load_judges(judges, weights=weights, roles=roles) if roles else Judges(judges)
    if official:
        from dgbench.networks.inception import load_inception

        panel = panel.with_features(load_inception(weights))
    space = panel.features_name.removeprefix("fd") if others else ""
    return Panel(panel, tuple(name + space if name in _ANY_SPACE else name for name in chosen))


def _by_card(name: str) -> str:
    """Return what a metric is called in a record; ``fd[...]`` names itself."""
    if name in _ANY_SPACE:
        return name
    check_name(name)
    return name if "[" in name else metric_class(name).card_by(name, ()).name
