"""Which records of one table may be ranked, and why the others may not; no record has a say about another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from dgbench.core.digests import digest
from dgbench.core.record import SUBSET_NOTE, Record
from dgbench.results.records.rules import PAIR_FACTS, ProtocolFacts, Rules
from dgbench.results.records.store import StoredRecord
from dgbench.results.records.supersede import superseded

#: Notes of records whose inputs were not the published pictures.
_OTHER_INPUTS = ("inputs altered", "inputs rendered")


@dataclass(frozen=True)
class Verdict:
    """What a table does with one record.

    Attributes:
        reason: why it is not ranked, "" where it is.
        edition: "" for the table of current cards and the protocol's own pairs; else the name of the table of its
            kind, in which it is ranked apart.
        hidden: metrics whose values are not shown, their cards being none of dgbench's.
    """

    reason: str
    edition: str = ""
    hidden: frozenset[str] = frozenset()


def coverage_of(record: Record) -> str:
    """``n/N``: pairs that the run was over, of the protocol's pairs; a run of a part of a whole copy shows the part.

    The metric with the most pairs tells: others may apply to some pairs only, or to none.
    """
    pairs = max((metric.n_expected for metric in record.metrics if metric.card.level == "pair"), default=0)
    return f"{min(record.coverage.found, pairs)}/{record.coverage.expected}"


def judge_by_rules(records: Sequence[StoredRecord], rules: Rules, facts: ProtocolFacts) -> dict[str, Verdict]:
    """Hold each record against the protocol and the locked cards: its verdict, by path."""
    replaced = superseded(records)
    verdicts = {stored.path: _verdict(stored, rules, facts, replaced) for stored in records}
    return _without_older_runs(records, verdicts)


def judge_by_newest(records: Sequence[StoredRecord]) -> tuple[str, dict[str, Verdict]]:
    """The same where no protocol is at hand, as in a folder of one's own runs: the newest record is the measure.

    Returns:
        The primary metric, and the verdicts by path.
    """
    replaced = superseded(records)
    dated = sorted(records, key=lambda stored: (stored.record.created, stored.path), reverse=True)
    primary = dated[0].record.primary_metric
    reasons = {stored.path: _own_reason(stored, primary, replaced) for stored in records}
    sound = [stored.record for stored in dated if not reasons[stored.path]]
    if sound:
        newest = sound[0]
        cards: dict[str, str] = {}
        for record in sound:
            for metric in record.metrics:
                cards.setdefault(metric.name, metric.card_digest)
        for stored in records:
            record = stored.record
            if reasons[stored.path]:
                continue
            other = [m.name for m in record.metrics if m.card_digest != cards[m.name]]
            if record.protocol.digest != newest.protocol.digest:
                reasons[stored.path] = "protocol digest differs"
            elif record.coverage.pair_set != newest.coverage.pair_set:
                reasons[stored.path] = "pair set differs"
            elif other:
                reasons[stored.path] = f"metric card differs: {', '.join(other)}"
    verdicts = {path: Verdict(reason) for path, reason in reasons.items()}
    return primary, _without_older_runs(records, verdicts)


def _verdict(stored: StoredRecord, rules: Rules, facts: ProtocolFacts, replaced: set[str]) -> Verdict:
    record = stored.record
    protocol = facts.protocol
    strange = rules.strange_cards(record)
    hidden = frozenset(strange)
    replaced_cards = set(rules.older_cards(record, protocol))
    older = {m.name: m.card_digest for m in record.metrics if m.name in replaced_cards}
    edition = f"older cards {digest(older)[:8]}" if older else ""
    reason = _own_reason(stored, protocol.primary_metric, replaced)
    if not reason and record.protocol.digest != protocol.digest:
        reason = "protocol digest differs"
    if not reason and facts.pairs is not None and record.coverage.pair_set != facts.pair_set:
        reason = "pair set differs"
    if not reason and strange:
        reason = f"unknown metric card: {', '.join(strange)}"
    if not reason and (lacking := rules.lacking(record, protocol)):
        reason = f"lacks {', '.join(lacking)}"
    if not reason and (impossible := rules.out_of_range(record)):
        reason = f"impossible value of {', '.join(text.partition(':')[0] for text in impossible)}"
    return Verdict(reason, edition, hidden)


def _own_reason(stored: StoredRecord, primary: str, replaced: set[str]) -> str:
    record = stored.record
    value = next((metric for metric in record.metrics if metric.name == primary), None)
    if record.origin != "measured":
        return f"origin {record.origin}"
    if stored.path in replaced:
        return "superseded"
    if any(note.startswith(SUBSET_NOTE) for note in record.notes):
        return "some of the metrics alone"
    if not record.coverage.complete:
        return f"coverage {coverage_of(record)}"
    if other := next((note for note in record.notes if note.startswith(_OTHER_INPUTS)), ""):
        return f"inputs {other.split()[1].rstrip(':')}: not the published pictures"
    if record.primary_metric != primary or value is None or value.value is None:
        return f"no value of {primary}"
    return "primary metric is paper-compat" if value.card.compat else ""


def pairs_edition(table: pd.DataFrame) -> str:
    """The table that a record belongs to where each user's copy of the data makes the pairs: that of equal pairs."""
    columns = [table[name].astype(str).tolist() for name in ("pair_id", *PAIR_FACTS)]
    return f"pairs {digest(columns)[:8]}"


def _without_older_runs(records: Sequence[StoredRecord], verdicts: dict[str, Verdict]) -> dict[str, Verdict]:
    """Leave one ranked record of each method and seed; a later one that cannot be ranked takes no earlier one out."""
    newest: dict[tuple[str, ...], str] = {}
    for stored in sorted(records, key=lambda entry: (entry.record.created, entry.path)):
        if not verdicts[stored.path].reason:
            newest[_subject(stored, verdicts[stored.path])] = stored.path
    return {
        stored.path: verdict
        if (verdict := verdicts[stored.path]).reason or newest[_subject(stored, verdict)] == stored.path
        else Verdict("a newer record of the same method", verdict.edition, verdict.hidden)
        for stored in records
    }


def _subject(stored: StoredRecord, verdict: Verdict) -> tuple[str, ...]:
    """What a table may rank only once: a method with its weights and settings, and the run's seed."""
    method = stored.record.method
    return method.name, method.digest, str(stored.record.seed), verdict.edition
