"""What is wrong with a results folder: the list that CI fails on, each entry one line with the way to repair it."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from dgbench.core.errors import UsageError
from dgbench.core.record import Record
from dgbench.io.regular import odd_entries
from dgbench.results.boards.board import Board, iter_boards
from dgbench.results.checks import history
from dgbench.results.checks.many import check_records
from dgbench.results.checks.problem import Problem
from dgbench.results.checks.protocol_check import protocol_problems
from dgbench.results.records.methods import METHODS, base_name, owner_key, read_methods
from dgbench.results.records.published import load_published
from dgbench.results.records.rules import Rules, rules_beside
from dgbench.results.records.store import (
    ENVIRONMENT,
    PAIR_SCORES,
    RECORD,
    STATEMENT,
    StoredRecord,
    find_light_records,
    find_record_files,
    read_record,
)
from dgbench.results.records.supersede import replaces, superseded
from dgbench.results.tables import leaderboard
from dgbench.results.tables.blocks import asked_protocols, filled, has_blocks

#: What may lie beside the records in a results folder.
_LOCKS = frozenset({".lock", ".lock-owner.json"})
_BESIDE = frozenset({"leaderboards", "published", "README.md", history.CORRECTIONS, METHODS})


def check(
    results_root: Path,
    *,
    protocols_root: Path | None = None,
    base: str | None = None,
    trusted: bool = True,
    readmes: Sequence[Path] | None = None,
    verified_only: bool = False,
    tables: bool = True,
    cache_file: Path | None = None,
    jobs: int | None = None,
) -> list[Problem]:
    """Check a results folder and return every problem found, sorted by place.

    Args:
        results_root: the folder with ``<protocol>/v<N>/<method>/<run>/``.
        protocols_root: the folder with ``<protocol>/v<N>/protocol.yaml``; default: ``protocols`` beside
            ``results_root``, where there is one.
        base: a git revision (``origin/main``); records, names and the protocol lock are compared with the merge base
            of it and HEAD.
        trusted: whether the branch is a maintainer's; a stranger's may not write corrections.
        readmes: Markdown files whose marked tables must be what the records say; default: ``README.md`` beside
            ``results_root``, where it has such tables.
        verified_only: whether the tables rank only what was measured again, as they were built.
        tables: whether the tables must be what the records say; not so where they are built after a merge.
        cache_file: where it is kept which records were found clean, so that they are not read again.
        jobs: processes that check records; one for each core by default.

    Raises:
        UsageError: ``results_root`` is no folder, its corrections cannot be read, or ``base`` is no revision.
    """
    if not results_root.is_dir():
        raise UsageError(f"{results_root}: no such folder; give a results folder")
    odd = odd_entries(results_root)
    if odd:  # nothing is read through them, nor beside them
        return [Problem(place, "link", "is a link or special file; put the file or folder itself") for place in odd]
    rules = rules_beside(results_root, protocols_root)
    problems = check_records(
        results_root, find_record_files(results_root), rules=rules, cache_file=cache_file, jobs=jobs
    )
    records = _readable(results_root)
    problems += _duplicates(records)
    corrections = history.read_corrections(results_root)  # a later check against this state would fail on bad ones
    problems += _succession_problems(records, corrections)
    problems += _name_problems(records, results_root)
    problems += _strays(results_root)
    if rules is not None:
        problems += protocol_problems(rules)
    if base is not None:
        released_root = protocols_root or results_root.resolve().parent / "protocols"
        problems += history.problems(results_root, released_root, base=base, trusted=trusted)
    if readmes is None:
        beside = results_root.resolve().parent / "README.md"
        readmes = [beside] if has_blocks(beside) else []
    if tables:
        problems += _regeneration(results_root, readmes, rules, verified_only=verified_only, readable=not problems)
    return sorted(set(problems))


def _readable(root: Path) -> list[StoredRecord]:
    records: list[StoredRecord] = []
    for file in find_record_files(root):
        with contextlib.suppress(UsageError):
            records.append(
                StoredRecord(root, file.parent.relative_to(root).as_posix(), read_record(file.parent)).light()
            )
    return records


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


def _name_problems(records: list[StoredRecord], root: Path) -> list[Problem]:
    """Methods without an entry in ``methods.yaml``, where there is one."""
    known = {owner_key(name): name for name in read_methods(root)}
    found = []
    for stored in records if known else ():
        name = stored.record.method.name
        if owner_key(name) not in known:
            text = f"{name} has no entry in {METHODS}; add its paper, code, licence and contact"
            found.append(Problem(f"{stored.path}/{RECORD}", "owner", text))
        elif base_name(name) != known[owner_key(name)]:
            text = f"{name} looks like {known[owner_key(name)]}, which is another name; choose one that does not"
            found.append(Problem(f"{stored.path}/{RECORD}", "owner", text))
    return found


def _succession_problems(records: list[StoredRecord], corrections: dict[str, str]) -> list[Problem]:
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
        elif stored.path not in corrections and not any(replaces(record, one) for one in older):
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
            if file.name in _LOCKS:
                continue  # a build or publication leaves them
            if file.name not in (RECORD, PAIR_SCORES, ENVIRONMENT, STATEMENT):
                problems.append(Problem(place, "stray", "is not one of a record's files; remove it"))
            elif not (file.parent / RECORD).is_file():
                problems.append(Problem(place, "missing", f"has no {RECORD} beside it; publish the run again"))
    return problems


def _regeneration(
    root: Path, readmes: Sequence[Path], rules: Rules | None, *, verified_only: bool, readable: bool
) -> list[Problem]:
    """Leaderboard files that are not what the records say, to the byte."""
    folder = root / "leaderboards"
    boards: list[Board] = []
    try:
        published = load_published(root)
        records = find_light_records(root)
        made = iter_boards(records, published, rules=rules, verified_only=verified_only, light=True)
        asked = asked_protocols([file for file in readmes if has_blocks(file)])
        files = leaderboard.render_boards(leaderboard.keeping(made, asked, boards), published)
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
    for file in readmes:
        try:
            if filled(file, boards) != file.read_text(encoding="utf-8"):
                again = f"run 'dgbench leaderboard build {root.name} --readme {file.name}'"
                problems.append(Problem(file.name, "leaderboard", f"its table is not what the records say; {again}"))
        except UsageError as error:
            problems.append(Problem(file.name, "leaderboard", str(error)))
    return problems
