"""Today's cards of every metric, as the lock of cards holds them (``results.records.card_lock``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dgbench.core.card import JUDGE_SETS, JudgeNetwork, JudgeSet
from dgbench.core.errors import MissingError
from dgbench.metrics.contract import Metric, PairMetric
from dgbench.metrics.registry import BUILT_IN, make_metric, metric_class
from dgbench.results.records.card_lock import LockedCard, unpinned

#: The standard set by role and name. Its landmark networks' authors publish no whole sha256, so none is pinned here.
_STANDARD = (
    ("detector", "scrfd-10g@0.5"),
    ("identity", "arcface-r50"),
    ("landmarks", "face-alignment-3d@165"),
    ("pose", "face-alignment-3d@165-fit"),
    ("features", "inception-v3-compat"),
)
_NO_SHA256 = ""


@dataclass(frozen=True)
class _Named:
    """A judge set by the names of its networks, for cards alone: it can observe nothing."""

    networks: tuple[JudgeNetwork, ...]
    features_name: str

    def observe(self, *_: object, **__: object) -> list[object]:
        raise NotImplementedError

    features = observe


def todays_cards() -> tuple[list[LockedCard], list[str]]:
    """Return today's cards of every metric and judge set, and the judge sets whose weights are not here.

    A set without weights gives no cards: what the lock says of it stays.
    """
    cards = list(_without_judges())
    absent: list[str] = []
    for judges in JUDGE_SETS:
        try:
            cards += _of_judges(judges)
        except MissingError:
            absent.append(judges)
    return cards, absent


def _without_judges() -> Iterator[LockedCard]:
    """Cards of what compares pixels, and of what brings a network of its own, whose digest no card here pins."""
    for name in sorted(BUILT_IN):
        kind = metric_class(name)
        if not kind.roles:
            card, (low, high) = kind.card_by(name, ()), kind.valid_range
            pinned = not card.judges
            yield LockedCard(judges=None, pinned=pinned, low=low, high=high, card=card if pinned else unpinned(card))
            inside = kind.inside_card if issubclass(kind, PairMetric) else None
            if inside is not None:
                yield LockedCard(judges=None, pinned=True, low=low, high=high, card=inside)


def _of_judges(judges: JudgeSet) -> list[LockedCard]:
    panel = _standard() if judges == "standard" else _loaded(judges)
    space = panel.features_name
    names: Sequence[str] = [name for name in BUILT_IN if metric_class(name).roles and name not in ("fid", "kid")]
    names = [*names, "fid", "kid"] if space == "fid" else [*names, space, "kd" + space.removeprefix("fd")]
    pinned = judges != "standard"
    return [_locked(make_metric(name, panel), judges, pinned=pinned) for name in sorted(names)]  # type: ignore[arg-type]


def _standard() -> _Named:
    return _Named(tuple(JudgeNetwork(role=role, name=name, sha256=_NO_SHA256) for role, name in _STANDARD), "fid")


def _loaded(judges: JudgeSet) -> _Named:
    from dgbench.networks.judges import load_judges

    panel = load_judges(judges)
    return _Named(panel.networks, panel.features_name)


def _locked(metric: Metric, judges: JudgeSet | None, *, pinned: bool) -> LockedCard:
    low, high = metric.valid_range
    card = metric.card if pinned else unpinned(metric.card)
    return LockedCard(judges=judges, pinned=pinned, low=low, high=high, card=card)
