"""Comparison with the merge base: no published score changes or goes away without a written reason."""

from __future__ import annotations

import subprocess
from decimal import Decimal
from pathlib import Path

from dgbench.core.errors import MissingError, UsageError
from dgbench.core.record import Record
from dgbench.io.yaml_file import parse_yaml
from dgbench.results.checks.problem import Problem
from dgbench.results.records import released
from dgbench.results.records.published import Contradiction, Published, PublishedTable, load_published, parse_published
from dgbench.results.records.schema import parse_record
from dgbench.results.records.store import PAIR_SCORES, RECORD

#: ``path of a record's folder: reason`` for the rare record that had to be changed or removed, and
#: ``published/<id>: reason`` for a printed table, or a contradiction, that had been misread. Entries stay; one excuses
#: what changes with it, and a later change of the same thing asks for more words.
CORRECTIONS = "corrections.yaml"

Printed = PublishedTable | Contradiction


def problems(results_root: Path, protocols_root: Path, *, base: str) -> list[Problem]:
    """Compare records and the protocol lock with the merge base of ``base`` and HEAD.

    The merge base, not the tip of ``base``: what others merged meanwhile is not this branch's doing.

    Raises:
        UsageError: no git work tree, or ``base`` is no revision. MissingError: git is not installed.
    """
    top = Path(_git(results_root, "rev-parse", "--show-toplevel").decode().strip())
    commit = _git(top, "merge-base", base, "HEAD").decode().strip()
    prefix = results_root.resolve().relative_to(top.resolve()).as_posix()
    files = _files(top, commit, prefix)
    allowed, found = _allowed(top, commit, files.get(CORRECTIONS), results_root)
    for place, blob in files.items():
        path, _, name = place.rpartition("/")
        if name not in (RECORD, PAIR_SCORES) or path.split("/")[0] in ("leaderboards", "published"):
            continue
        now = results_root / place
        if path in allowed:
            continue
        if not now.is_file():
            found.append(
                Problem(place, "removed", f"was published and is gone; restore it, or say why in {CORRECTIONS}")
            )
        elif (before := _git(top, "cat-file", "blob", blob)) != (after := now.read_bytes()):
            if name == RECORD:
                found += changes(place, before, after)
            else:
                found.append(Problem(place, "changed", f"pair scores changed; say why in {CORRECTIONS}"))
    printed = {place: blob for place, blob in files.items() if place.startswith("published/")}
    found += _published_problems(top, printed, results_root, allowed)
    return found + _lock_problems(top, commit, protocols_root)


def changes(place: str, before: bytes, after: bytes) -> list[Problem]:
    """What a reader of the table would see differ; a migration to a newer schema alone is no change."""
    try:
        old, new = parse_record(before), parse_record(after)
    except UsageError:
        return [Problem(place, "changed", "changed, and one of its two versions cannot be read; restore it")]
    if old == new:
        return []
    scores = [
        f"{name} {_text(old, name)} → {_text(new, name)}"
        for name in sorted({metric.name for record in (old, new) for metric in record.metrics})
        if _text(old, name) != _text(new, name)
    ]
    what = ", ".join(scores) or "fields other than scores"
    return [
        Problem(
            place, "changed", f"a published record changed ({what}); publish a new run, or say why in {CORRECTIONS}"
        )
    ]


def _text(record: Record, name: str) -> str:
    metric = next((metric for metric in record.metrics if metric.name == name), None)
    return "nothing" if metric is None or metric.value is None else f"{metric.value:.6g}"


def _published_problems(top: Path, blobs: dict[str, str], results_root: Path, allowed: set[str]) -> list[Problem]:
    """Printed tables and contradictions that differ or are gone: what was misread may be corrected, with a reason."""
    try:
        now = _by_id(load_published(results_root))
    except UsageError:
        return []  # said where the tables are made
    found: list[Problem] = []
    for place, blob in sorted(blobs.items()):
        if not place.endswith(".yaml"):
            continue
        for name, before in _by_id(parse_published(_git(top, "cat-file", "blob", blob), place)).items():
            what = _difference(before, now.get(name))
            if what and f"published/{name}" not in allowed:
                advice = f"restore it, or name published/{name} in {CORRECTIONS}"
                found.append(Problem(place, "changed", f"{name}: {what}; {advice}"))
    return found


def _by_id(published: Published) -> dict[str, Printed]:
    entries: list[Printed] = [*published.tables, *published.contradictions]
    return {entry.id: entry for entry in entries}


def _difference(before: Printed, after: Printed | None) -> str:
    """What of a table or contradiction is not as it was, "" for nothing: its cells one by one, then its fields."""
    if type(before) is not type(after):
        return "is gone"
    assert after is not None
    cells = []
    if isinstance(before, PublishedTable) and isinstance(after, PublishedTable):
        old, new = _cells(before), _cells(after)
        cells = [
            f"{metric} of {method}, {old.get((method, metric), 'nothing')}, is now {new.get((method, metric), 'gone')}"
            for method, metric in sorted(old.keys() | new.keys())
            if old.get((method, metric)) != new.get((method, metric))
        ]
    fields = [
        f"{name} changed"
        for name in type(before).model_fields
        if getattr(before, name) != getattr(after, name) and not (name == "rows" and cells)
    ]
    return ", ".join([*cells, *fields])


def _cells(table: PublishedTable) -> dict[tuple[str, str], Decimal]:
    return {(method, name): value for method in table.rows for name, value in table.cells(method).items()}


def _lock_problems(top: Path, commit: str, protocols_root: Path) -> list[Problem]:
    root = protocols_root.resolve()
    if not root.is_relative_to(top.resolve()):
        return []
    prefix = root.relative_to(top.resolve()).as_posix()
    blob = _files(top, commit, prefix).get(released.LOCK)
    if blob is None:
        return []
    before = released.parse_lock(_git(top, "cat-file", "blob", blob), f"{commit[:12]}:{released.LOCK}")
    after = released.read_lock(protocols_root) or {}
    return [
        Problem(f"{prefix}/{released.LOCK}", "protocol", f"the entry of {name} was changed or removed; restore it")
        for name in sorted(before)
        if after.get(name) != before[name]
    ]


def _allowed(top: Path, commit: str, blob: str | None, results_root: Path) -> tuple[set[str], list[Problem]]:
    """What the corrections written since the merge base excuse, and those of the merge base that are gone."""
    before = _corrections(_git(top, "cat-file", "blob", blob), f"{commit[:12]}:{CORRECTIONS}") if blob else {}
    now = read_corrections(results_root)
    lost = [
        Problem(CORRECTIONS, "removed", f"the reason given for {path} was changed or removed; restore it")
        for path, reason in before.items()
        if reason not in now.get(path, "")
    ]
    return {path for path, reason in now.items() if reason != before.get(path)}, lost


def read_corrections(results_root: Path) -> dict[str, str]:
    """Return what the corrections of a results folder excuse: path or id → reason.

    Raises:
        UsageError: they cannot be read.
    """
    file = results_root / CORRECTIONS
    return _corrections(file.read_bytes(), str(file)) if file.is_file() else {}


def _corrections(content: bytes, name: str) -> dict[str, str]:
    """Parse corrections: path or id → reason; ``name`` is what an error calls them."""
    data = parse_yaml(content, where=name, what="a file of corrections") or {}
    if not isinstance(data, dict) or not all(isinstance(v, str) and len(v) >= 20 for v in data.values()):
        raise UsageError(f"{name}: is not 'record folder: reason' with reasons of at least 20 characters")
    return {str(path).strip("/"): reason for path, reason in data.items()}


def _files(top: Path, commit: str, prefix: str) -> dict[str, str]:
    """Blob ids of the files under ``prefix`` at ``commit``, by path relative to it."""
    listing = _git(top, "ls-tree", "-r", "-z", commit, "--", f"{prefix}/" if prefix != "." else ".").decode()
    files: dict[str, str] = {}
    for line in filter(None, listing.split("\0")):
        meta, _, path = line.partition("\t")
        files[path.removeprefix(f"{prefix}/")] = meta.split()[2]
    return files


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=True)  # noqa: S603, S607
    except FileNotFoundError as error:
        raise MissingError("git is not installed; install it, or check without --base") from error
    except subprocess.CalledProcessError as error:
        reason = " ".join(error.stderr.decode(errors="replace").split())
        raise UsageError(
            f"{folder}: git {arguments[0]} failed: {reason}; is --base a revision, fetched in full?"
        ) from error
    return done.stdout
