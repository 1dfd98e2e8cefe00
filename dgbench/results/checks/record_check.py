"""One record by itself: its folder, its three files, its cards and values, its text and its table of pair scores."""

from __future__ import annotations

import re
from typing import Any

from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import UsageError
from dgbench.core.record import Record
from dgbench.core.text import is_plain
from dgbench.io.regular import read_regular
from dgbench.results.checks.pairs_check import table_problems
from dgbench.results.checks.problem import Problem
from dgbench.results.records.rules import ProtocolFacts, Rules
from dgbench.results.records.statement import read_statement
from dgbench.results.records.store import (
    ENVIRONMENT,
    MAX_ENVIRONMENT,
    MAX_TABLE,
    PAIR_SCORES,
    RECORD,
    STATEMENT,
    StoredRecord,
    published_path,
)

_CREATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def record_problems(stored: StoredRecord, rules: Rules | None = None) -> list[Problem]:
    """What is wrong with one record, whatever others say."""
    record = stored.record
    file = f"{stored.path}/{RECORD}"
    try:
        expected = published_path(record)
    except UsageError as error:
        return [Problem(file, "name", str(error))]
    problems: list[Problem] = []
    if stored.path != expected:
        problems.append(Problem(file, "name", f"belongs in {expected}/; move the folder, do not edit the record"))
    for name, limit, sha256 in (
        (PAIR_SCORES, MAX_TABLE, record.pair_scores_sha256),
        (ENVIRONMENT, MAX_ENVIRONMENT, record.environment_sha256),
    ):
        problems += _file_problems(stored, name, limit, sha256)
    try:
        statement = read_statement(stored.folder)
        if statement is not None and not statement.predicate.result.agrees:
            problems.append(Problem(file, "verified", "was measured again, and is not what its images give"))
    except UsageError as error:
        place = f"{stored.path}/{STATEMENT}"
        problems.append(Problem(place, "verified", str(error).removeprefix(f"{stored.folder / STATEMENT}: ")))
    problems += [Problem(file, kind, text) for kind, text in _own_problems(record)]
    if rules is not None:
        problems += [Problem(file, kind, text) for kind, text in _rule_problems(record, rules)]
    if not any(problem.kind in ("digest", "missing", "link") for problem in problems):
        try:
            table = stored.pair_scores()
        except UsageError as error:
            return [*problems, Problem(f"{stored.path}/{PAIR_SCORES}", "schema", str(error))]
        problems += table_problems(stored, table, rules) if table is not None else []
    return problems


def _file_problems(stored: StoredRecord, name: str, limit: int, sha256: str | None) -> list[Problem]:
    file, place = stored.folder / name, f"{stored.path}/{name}"
    if sha256 is None:
        if stored.record.origin != "measured":
            return []
        return [Problem(place, "digest", f"{RECORD} does not say its sha256; a measured record must")]
    try:
        content = read_regular(file, limit=limit)
    except UsageError as error:
        return [Problem(place, "link", str(error).removeprefix(f"{file}: "))]
    except OSError:
        return [Problem(place, "missing", f"{RECORD} speaks of it; restore it or publish the run again")]
    if sha256_bytes(content) != sha256:
        return [Problem(place, "digest", f"is not the file that {RECORD} speaks of; restore it")]
    return []


def _own_problems(record: Record) -> list[tuple[str, str]]:
    seen = [metric.name for metric in record.metrics]
    found = [("duplicate", f"metric {name} is repeated") for name in sorted(set(seen)) if seen.count(name) > 1]
    if record.primary_metric not in seen:
        found.append(("schema", f"primary metric {record.primary_metric} is not among the metrics"))
    for metric in record.metrics:
        if metric.name != metric.card.name:
            found.append(("digest", f"metric {metric.name} carries the card of {metric.card.name}"))
        if metric.interval is not None and metric.interval.low > metric.interval.high:
            found.append(("schema", f"{metric.name}: its interval ends before it begins"))
    if not _CREATED.fullmatch(record.created):
        found.append(("text", f"created {record.created!r:.60} is no time such as 2026-11-27T10:00:00+00:00"))
    odd = [text for text in _texts(record.model_dump(exclude={"metrics"})) if not is_plain(text)]
    odd += [m.note for m in record.metrics if not is_plain(m.note)]
    found += [("text", f"holds a control sign, which a terminal would act on: {odd[0]!r:.80}")] if odd else []
    return found


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for key, held in value.items() for text in (str(key), *_texts(held))]
    if isinstance(value, list | tuple):
        return [text for held in value for text in _texts(held)]
    return [value] if isinstance(value, str) else []


def _rule_problems(record: Record, rules: Rules) -> list[tuple[str, str]]:
    """What a record says otherwise than the released cards and its protocol."""
    found = [
        ("card", f"{name}: its card is none of dgbench's; score the run with a released version")
        for name in rules.strange_cards(record)
    ]
    found += [("range", text) for text in rules.out_of_range(record)]
    try:
        facts = rules.of(record)
    except UsageError:
        return found  # said once, where protocols are read
    if facts is None:
        reason = f"{record.protocol.id}@{record.protocol.version} is not in {rules.protocols_root.name}/"
        return [*found, ("protocol", f"{reason}; add the protocol, or keep its records with it")]
    found += [("protocol", text) for text in _protocol_differences(record, facts)]
    if record.origin == "measured" and (lacking := rules.lacking(record, facts.protocol)):
        found.append(("metrics", f"lacks {', '.join(lacking)}, which {facts.protocol.name} asks for; score it whole"))
    return found


def _protocol_differences(record: Record, facts: ProtocolFacts) -> list[str]:
    protocol, coverage = facts.protocol, record.coverage
    if record.protocol.digest != protocol.digest:
        return [f"was scored on another {protocol.name} than the one here; run it again"]
    found: list[str] = []
    if record.primary_metric != protocol.primary_metric:
        found.append(
            f"names {record.primary_metric} as its primary metric, {protocol.name} is ranked by "
            f"{protocol.primary_metric}; score the run again"
        )
    if protocol.expected_pairs not in (None, coverage.expected):
        found.append(
            f"expects {coverage.expected} pairs of {protocol.name}, which has {protocol.expected_pairs}; "
            "score the run again"
        )
    elif facts.pairs is not None and (coverage.expected, coverage.protocol_pair_set) != (
        len(facts.pairs),
        facts.pair_set,
    ):
        found.append(f"states other pairs for {protocol.name} than the list that ships with it; score the run again")
    return found
