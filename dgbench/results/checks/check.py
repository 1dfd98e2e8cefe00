"""What is wrong with a results folder: the list that CI fails on, each entry one line with the way to repair it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from dgbench.core.digests import sha256_file
from dgbench.core.errors import UsageError
from dgbench.core.record import Record
from dgbench.results.boards.board import make_boards
from dgbench.results.checks import history
from dgbench.results.checks.pairs_check import table_problems
from dgbench.results.checks.problem import Problem
from dgbench.results.checks.protocol_check import protocol_problems
from dgbench.results.records.published import load_published
from dgbench.results.records.store import (
    ENVIRONMENT,
    PAIR_SCORES,
    RECORD,
    StoredRecord,
    find_record_files,
    find_records,
    published_path,
    read_record,
)
from dgbench.results.records.supersede import replaces, superseded
from dgbench.results.tables import leaderboard
from dgbench.results.tables.blocks import filled, has_blocks

#: What may lie beside the records in a results folder.
_BESIDE = frozenset({"leaderboards", "published", "README.md", history.CORRECTIONS})


def check(
    results_root: Path,
    *,
    protocols_root: Path | None = None,
    base: str | None = None,
    readmes: Sequence[Path] | None = None,
) -> list[Problem]:
    """Check a results folder and return every problem found, sorted by place.

    Args:
        results_root: the folder with ``<protocol>/v<N>/<method>/<run>/``.
        protocols_root: the folder with ``<protocol>/v<N>/protocol.yaml``; default: ``protocols`` beside
            ``results_root``, where there is one.
        base: a git revision (``origin/main``); records and the protocol lock are compared with the merge base of
            it and HEAD.
        readmes: Markdown files whose marked tables must be what the records say; default: ``README.md`` beside
            ``results_root``, where it has such tables.

    Raises:
        UsageError: ``results_root`` is no folder, its corrections cannot be read, or ``base`` is no revision.
    """
    protocols = protocols_root or results_root.resolve().parent / "protocols"
    records, problems = _read_all(results_root)
    for stored in records:
        problems += _record_problems(stored)
    problems += _duplicates(records)
    problems += _succession_problems(records)
    problems += _strays(results_root)
    if protocols.is_dir():
        problems += protocol_problems(records, protocols)
    history.read_corrections(results_root)  # a later check against this state would fail on them
    if base is not None:
        problems += history.problems(results_root, protocols, base=base)
    if readmes is None:
        beside = results_root.resolve().parent / "README.md"
        readmes = [beside] if has_blocks(beside) else []
    problems += _regeneration(results_root, readmes, readable=not problems)
    return sorted(set(problems))


def _read_all(root: Path) -> tuple[list[StoredRecord], list[Problem]]:
    records: list[StoredRecord] = []
    problems: list[Problem] = []
    for file in find_record_files(root):
        path = file.parent.relative_to(root).as_posix()
        try:
            records.append(StoredRecord(root, path, read_record(file.parent)))
        except UsageError as error:
            problems.append(Problem(f"{path}/{RECORD}", "schema", str(error).removeprefix(f"{file}: ")))
    return records, problems


def _record_problems(stored: StoredRecord) -> list[Problem]:
    record = stored.record
    file = f"{stored.path}/{RECORD}"
    problems: list[Problem] = []
    try:
        expected = published_path(record)
    except UsageError as error:
        return [Problem(file, "name", str(error))]
    if stored.path != expected:
        problems.append(Problem(file, "name", f"belongs in {expected}/; move the folder, do not edit the record"))
    for name, sha256 in ((PAIR_SCORES, record.pair_scores_sha256), (ENVIRONMENT, record.environment_sha256)):
        problems += _file_problems(stored, name, sha256)
    seen = [metric.name for metric in record.metrics]
    problems += [Problem(file, "duplicate", f"metric {n} stands twice") for n in set(seen) if seen.count(n) > 1]
    if record.primary_metric not in seen:
        problems.append(Problem(file, "schema", f"primary metric {record.primary_metric} is not among the metrics"))
    for metric in record.metrics:
        if metric.name != metric.card.name:
            problems.append(Problem(file, "digest", f"metric {metric.name} carries the card of {metric.card.name}"))
        if metric.interval is not None and metric.interval.low > metric.interval.high:
            problems.append(Problem(file, "schema", f"{metric.name}: its interval ends before it begins"))
    if not any(problem.kind in ("digest", "missing") for problem in problems):
        problems += table_problems(stored)
    return problems


def _file_problems(stored: StoredRecord, name: str, sha256: str | None) -> list[Problem]:
    file = stored.folder / name
    place = f"{stored.path}/{name}"
    if sha256 is None:
        if stored.record.origin != "measured":
            return []
        return [Problem(place, "digest", f"{RECORD} does not say its sha256; a measured record must")]
    if not file.is_file():
        return [Problem(place, "missing", f"{RECORD} speaks of it; restore it or publish the run again")]
    if sha256_file(file) != sha256:
        return [Problem(place, "digest", f"is not the file that {RECORD} speaks of; restore it")]
    return []


def _duplicates(records: list[StoredRecord]) -> list[Problem]:
    problems: list[Problem] = []
    replaced = superseded(records)
    rows: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for stored in records:
        record = stored.record
        if stored.path not in replaced:
            method = record.method
            key = (record.protocol.id, record.protocol.version, record.judges, method.name, method.digest, record.seed)
            rows[key].append(stored.path)
    for paths in rows.values():
        for path in paths[1:]:
            reason = f"is the same method, weights, judges and seed as {paths[0]}; name it in 'supersedes' or drop it"
            problems.append(Problem(f"{path}/{RECORD}", "duplicate", reason))
    return problems


def _succession_problems(records: list[StoredRecord]) -> list[Problem]:
    """Records whose ``supersedes`` names what is not here, or what is not theirs to replace."""
    named: dict[str, list[Record]] = defaultdict(list)
    for stored in records:
        named[stored.record.run_id].append(stored.record)
    problems: list[Problem] = []
    for stored in records:
        record, file = stored.record, f"{stored.path}/{RECORD}"
        if not record.supersedes:
            continue
        older = named[record.supersedes]
        if not older:
            reason = f"supersedes {record.supersedes}, which is not here; a superseded record stays"
            problems.append(Problem(file, "removed", reason))
        elif not any(replaces(record, one) for one in older):
            reason = f"supersedes {record.supersedes}, which is of another method, protocol, judge set or seed"
            problems.append(Problem(file, "supersedes", reason))
    return problems


def _strays(root: Path) -> list[Problem]:
    """Files that no record accounts for: left-overs of a crash, or results that would be skipped in silence."""
    problems: list[Problem] = []
    for entry in sorted(root.iterdir()):
        if entry.name in _BESIDE or entry.name.startswith("."):
            continue
        if not entry.is_dir():
            problems.append(Problem(entry.name, "stray", "is no record, leaderboard or published number; remove it"))
            continue
        for file in sorted(path for path in entry.rglob("*") if path.is_file()):
            place = file.relative_to(root).as_posix()
            if file.name not in (RECORD, PAIR_SCORES, ENVIRONMENT):
                problems.append(Problem(place, "stray", "is not one of a record's three files; remove it"))
            elif not (file.parent / RECORD).is_file():
                problems.append(Problem(place, "missing", f"has no {RECORD} beside it; publish the run again"))
    return problems


def _regeneration(root: Path, readmes: Sequence[Path], *, readable: bool) -> list[Problem]:
    """Leaderboard files that are not what the records say, to the byte."""
    folder = root / "leaderboards"
    try:
        load_published(root)
        files = leaderboard.render(root)
    except UsageError as error:
        return [Problem("leaderboards", "schema", str(error))] if readable else []
    problems: list[Problem] = []
    advice = "run 'dgbench leaderboard build' and commit what it writes"
    present = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
    present = {name for name in present if not name.startswith(".")}  # a build into this folder leaves its lock
    for name, text in files.items():
        if name not in present:
            problems.append(Problem(f"leaderboards/{name}", "leaderboard", f"is absent; {advice}"))
        elif (folder / name).read_bytes() != text.encode():
            problems.append(Problem(f"leaderboards/{name}", "leaderboard", f"is not what the records say; {advice}"))
    problems += [
        Problem(f"leaderboards/{name}", "leaderboard", f"belongs to no record; {advice}")
        for name in sorted(present - files.keys())
    ]
    boards = make_boards(find_records(root)) if readmes else []
    for file in readmes:
        try:
            if filled(file, boards) != file.read_text(encoding="utf-8"):
                again = f"run 'dgbench leaderboard build {root.name} --readme {file.name}'"
                problems.append(Problem(file.name, "leaderboard", f"its table is not what the records say; {again}"))
        except UsageError as error:
            problems.append(Problem(file.name, "leaderboard", str(error)))
    return problems
