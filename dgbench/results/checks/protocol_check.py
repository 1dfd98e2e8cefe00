"""Do records fit the protocols beside them: each of a protocol that is there, by its text, primary metric and pairs?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from dgbench.core.errors import UsageError
from dgbench.core.protocol import Protocol
from dgbench.core.record import Record
from dgbench.io.yaml_file import read_yaml
from dgbench.results.checks.problem import Problem
from dgbench.results.records import released
from dgbench.results.records.store import RECORD, StoredRecord


def protocol_problems(records: Iterable[StoredRecord], protocols: Path) -> list[Problem]:
    """Compare released files with their lock, and every record with the protocol that it names."""
    try:
        changed = released.changed_files(protocols)
    except UsageError as error:
        return [Problem(f"{protocols.name}/{released.LOCK}", "schema", str(error))]
    problems = [
        Problem(f"{protocols.name}/{place}", "protocol", f"{how}; restore it and release a new version")
        for place, how in changed
    ]
    by_name: dict[str, list[StoredRecord]] = defaultdict(list)
    for stored in records:
        by_name[f"{stored.record.protocol.id}@{stored.record.protocol.version}"].append(stored)
    folders = released.released_versions(protocols)
    for name in sorted(by_name.keys() - folders.keys()):
        reason = f"{name} is not in {protocols.name}/; add the protocol, or keep its records with it"
        problems += [Problem(f"{stored.path}/{RECORD}", "protocol", reason) for stored in by_name[name]]
    for name, folder in folders.items():
        problems += _problems_of_one(folder, f"{protocols.name}/{name.replace('@', '/v')}", by_name[name])
    return problems


def _problems_of_one(folder: Path, place: str, records: list[StoredRecord]) -> list[Problem]:
    try:
        protocol = Protocol.model_validate(read_yaml(folder / "protocol.yaml", what="a protocol"))
    except (ValueError, UsageError) as error:
        reason = f"cannot be read: {' '.join(str(error).split())[:200]}"
        return [Problem(f"{place}/protocol.yaml", "protocol", reason)]
    problems: list[Problem] = []
    shipped = None
    try:
        shipped = released.frozen_pair_set(folder) if records else None
    except UsageError as error:
        problems.append(Problem(f"{place}/pairs.csv.gz", "protocol", str(error)))
    return problems + [
        Problem(f"{stored.path}/{RECORD}", "protocol", reason)
        for stored in records
        for reason in _differences(stored.record, protocol, shipped)
    ]


def _differences(record: Record, protocol: Protocol, shipped: tuple[int, str] | None) -> list[str]:
    """What a record says otherwise than its protocol; ``shipped`` is count and digest of the pair list there."""
    if record.protocol.digest != protocol.digest:
        return [f"was scored on another {protocol.name} than the one here; run it again"]
    found: list[str] = []
    coverage = record.coverage
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
    elif shipped not in (None, (coverage.expected, coverage.protocol_pair_set)):
        found.append(f"states other pairs for {protocol.name} than the list that ships with it; score the run again")
    return found
