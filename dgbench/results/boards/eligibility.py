"""Which records of one table may be ranked, and why the others may not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from dgbench.core.record import Record
from dgbench.results.records.store import StoredRecord
from dgbench.results.records.supersede import superseded


def coverage_of(record: Record) -> str:
    """``n/N``: pairs that the run was over, of the protocol's pairs; a run of a part of a whole copy shows the part.

    The metric with the most pairs tells: others may apply to some pairs only, or to none.
    """
    pairs = max((metric.n_expected for metric in record.metrics if metric.card.level == "pair"), default=0)
    return f"{min(record.coverage.found, pairs)}/{record.coverage.expected}"


def why_not_ranked(records: list[StoredRecord], primary: str) -> dict[str, str]:
    """Why each record is not ranked, "" where it is, by path."""
    replaced = superseded(records)
    reasons = {stored.path: _own_reason(stored, primary, replaced) for stored in records}
    sound = [stored for stored in records if not reasons[stored.path]]
    if sound:
        common = _Common.of(_newest(sound))
        reasons |= {stored.path: common.difference(stored.record) for stored in sound}
    equal = [stored for stored in sound if not reasons[stored.path]]
    # Last, so that a later run that cannot be ranked takes no earlier one out.
    newest = {stored.path for stored in _newest(equal)}
    return reasons | {s.path: "a newer record of the same method" for s in equal if s.path not in newest}


def _own_reason(stored: StoredRecord, primary: str, replaced: set[str]) -> str:
    record = stored.record
    value = next((metric for metric in record.metrics if metric.name == primary), None)
    if record.origin != "measured":
        return f"origin {record.origin}"
    if stored.path in replaced:
        return "superseded"
    if not record.coverage.complete:
        return f"coverage {coverage_of(record)}"
    if record.primary_metric != primary or value is None or value.value is None:
        return f"no value of {primary}"
    return "primary metric is paper-compat" if value.card.compat else ""


@dataclass(frozen=True)
class _Common:
    """What ranked rows must share: the protocol's text, its pairs, and the card of every metric."""

    protocol: str
    pair_set: str
    cards: dict[str, str]

    @classmethod
    def of(cls, voters: Sequence[StoredRecord]) -> _Common:
        """What most have: of the protocol's text, then of its pairs among those, then of each card among those.

        Pairs differ under one text where every user builds them from an own copy of the data.
        """
        records = [stored.record for stored in voters]
        protocol = most_common([(record.protocol.digest, record.created) for record in records])
        records = [record for record in records if record.protocol.digest == protocol]
        pair_set = most_common([(record.coverage.pair_set, record.created) for record in records])
        cards: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for record in records:
            if record.coverage.pair_set == pair_set:
                for metric in record.metrics:
                    cards[metric.name].append((metric.card_digest, record.created))
        return cls(protocol, pair_set, {name: most_common(seen) for name, seen in cards.items()})

    def difference(self, record: Record) -> str:
        """What of this a record has otherwise, "" for nothing."""
        if record.protocol.digest != self.protocol:
            return "protocol digest differs"
        if record.coverage.pair_set != self.pair_set:
            return "pair set differs"
        # A metric that no voter has differs from nothing.
        other = [m.name for m in record.metrics if m.card_digest != self.cards.get(m.name, m.card_digest)]
        return f"metric card differs: {', '.join(other)}" if other else ""


def _newest(records: Sequence[StoredRecord]) -> list[StoredRecord]:
    """The newest record of each subject."""
    newest: dict[tuple[str, str, int], StoredRecord] = {}
    for stored in sorted(records, key=lambda entry: (entry.record.created, entry.path)):
        newest[_subject(stored)] = stored
    return list(newest.values())


def _subject(stored: StoredRecord) -> tuple[str, str, int]:
    """What a section may rank only once: a method with its weights and settings, and the run's seed."""
    return stored.record.method.name, stored.record.method.digest, stored.record.seed


def most_common(seen: list[tuple[str, str]]) -> str:
    """The value seen most often; between equals the one with the latest date, then the last by name."""
    counts = Counter(value for value, _ in seen)
    latest: dict[str, str] = {}
    for value, created in seen:
        latest[value] = max(created, latest.get(value, ""))
    return max(counts, key=lambda value: (counts[value], latest[value], value))
