"""The lock of metric cards: every definition that dgbench has released, so that a record's card is held against it.

A record carries its cards with it, and whoever writes a record can write any card. The lock, a file of the package,
says which cards are dgbench's own. Old ones stay in it: their records stay readable, and are never ranked among newer.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from dgbench.core.card import JudgeSet, MetricCard
from dgbench.core.errors import UsageError
from dgbench.core.record import MetricValue
from dgbench.io.atomic import write_json

FILE = Path(__file__).with_name("cards.json")
#: Parameter of cards of pixel metrics that are measured inside the photograph alone.
PIXELS = "pixels"
Status = Literal["current", "older", "unknown"]


class LockedCard(BaseModel):
    """One released card.

    Attributes:
        judges: the judge set that measures it; ``None`` for a metric that no judge set takes part in.
        pinned: whether its networks are fixed by content. Not where the user brings them, or their authors publish
            no whole digest: then any sha256 of a network of that role and name fits.
        low, high: what a value can be, ``None`` for no limit.
        card: the card; where ``pinned`` is false, with ``""`` for each network's sha256.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    judges: JudgeSet | None
    pinned: bool
    low: float | None
    high: float | None
    card: MetricCard

    @cached_property
    def digest(self) -> str:
        """The card's digest."""
        return self.card.digest

    def is_of(self, card: MetricCard, digest: str) -> bool:
        """Whether ``card``, whose digest is ``digest``, is this one."""
        return digest == self.digest if self.pinned else unpinned(card) == self.card


def unpinned(card: MetricCard) -> MetricCard:
    """The card without the content of its networks, and without the input size that follows from it."""
    judges = tuple(network.model_copy(update={"sha256": ""}) for network in card.judges)
    parameters = {name: value for name, value in card.parameters.items() if name != "size"}
    return card.model_copy(update={"judges": judges, "parameters": parameters})


class CardLock:
    """Locked cards, oldest first; the last of a metric and judge set is the one in use."""

    def __init__(self, entries: Sequence[LockedCard]) -> None:
        self.entries = tuple(entries)
        self._by_metric: dict[str, list[LockedCard]] = defaultdict(list)
        self._found: dict[tuple[str, JudgeSet | None, str], LockedCard | None] = {}
        for entry in self.entries:
            self._by_metric[entry.card.name].append(entry)

    def of(self, name: str, judges: JudgeSet | None) -> list[LockedCard]:
        """The cards of one metric under one judge set, oldest first."""
        return [entry for entry in self._by_metric.get(name, ()) if entry.judges in (None, judges)]

    def find(self, metric: MetricValue, judges: JudgeSet | None) -> LockedCard | None:
        """The locked card that a record's value carries, the newest where several fit; ``None`` for a strange one."""
        key = (metric.name, judges, metric.card_digest)
        if key not in self._found:
            held = reversed(self.of(metric.name, judges))
            fits = (entry for entry in held if entry.is_of(metric.card, metric.card_digest))
            self._found[key] = next(fits, None)
        return self._found[key]

    def status(self, metric: MetricValue, judges: JudgeSet | None) -> Status:
        """Whether a value's card is the one in use, an older one, or none of dgbench's."""
        found = self.find(metric, judges)
        if found is None:
            return "unknown"
        return "current" if found is self.line(found.card, judges)[-1] else "older"

    def measured_inside(self, name: str, judges: JudgeSet | None) -> bool:
        """Whether a metric has cards that are measured inside the photograph alone."""
        return any(PIXELS in entry.card.parameters for entry in self.of(name, judges))

    def line(self, card: MetricCard, judges: JudgeSet | None) -> list[LockedCard]:
        """The cards of a metric over the same pixels, oldest first.

        A metric of pixels has two lines that are both in use: over the whole frame, where protocols keep images as
        stored, and inside the photograph alone, where crops may reach outside it.
        """
        pixels = card.parameters.get(PIXELS)
        return [entry for entry in self.of(card.name, judges) if entry.card.parameters.get(PIXELS) == pixels]

    def required(self, metrics: Iterable[str], judges: JudgeSet | None) -> list[tuple[str, ...]]:
        """What a record under ``judges`` must have of a protocol's metrics: of each entry one name at least.

        ``fid`` and ``kid`` are for the official Inception alone, ``fd`` stands for ``fd[…]`` in any other features.
        """
        official = any(entry.judges == judges for entry in self._by_metric.get("fid", ()))
        spaces = tuple(n for n in self._by_metric if n.startswith("fd[") and self.of(n, judges))
        asked: list[tuple[str, ...]] = []
        for name in metrics:
            if name == "fd":
                if spaces and not official:
                    asked.append(spaces)
            elif name not in ("fid", "kid") or official:
                asked.append((name,))
        return asked

    def with_current(self, current: Iterable[LockedCard]) -> CardLock:
        """The lock after today's cards were added: new ones last, known ones as they are."""
        entries = list(self.entries)
        for entry in current:
            held = CardLock(entries).line(entry.card, entry.judges)
            if not held or held[-1] != entry:
                entries.append(entry)
        return CardLock(entries)


def read_card_lock(file: Path | None = None) -> CardLock:
    """Read a lock of cards, by default the package's.

    Raises:
        UsageError: it cannot be read or does not follow the form.
    """
    file = file or FILE
    try:
        return CardLock([LockedCard.model_validate(entry) for entry in json.loads(file.read_bytes())])
    except (OSError, ValueError, TypeError, RecursionError, ValidationError) as error:
        raise UsageError(f"{file}: is no lock of cards ({' '.join(str(error).split())[:160]})") from error


def write_card_lock(lock: CardLock, file: Path = FILE) -> None:
    """Write a lock of cards."""
    write_json(file, [entry.model_dump(mode="json") for entry in lock.entries])
