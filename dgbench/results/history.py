"""Comparison with the merge base: no published score changes or goes away without a written reason."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

from dgbench.core.errors import MissingError, UsageError
from dgbench.core.record import Record
from dgbench.results import released
from dgbench.results.problem import Problem
from dgbench.results.published import load_published, parse_published
from dgbench.results.schema import parse_record
from dgbench.results.store import PAIR_SCORES, RECORD

#: ``path of a record's folder: reason`` for the rare record that had to be changed or removed, and
#: ``published/<table>: reason`` for a printed table that had been misread.
CORRECTIONS = "corrections.yaml"


def problems(results_root: Path, protocols_root: Path, *, base: str) -> list[Problem]:
    """Compare records and the protocol lock with the merge base of ``base`` and HEAD.

    The merge base, not the tip of ``base``: what others merged meanwhile is not this branch's doing.

    Raises:
        UsageError: no git work tree, or ``base`` is no revision. MissingError: git is not installed.
    """
    top = Path(_git(results_root, "rev-parse", "--show-toplevel").decode().strip())
    commit = _git(top, "merge-base", base, "HEAD").decode().strip()
    allowed = _corrections(results_root)
    prefix = results_root.resolve().relative_to(top.resolve()).as_posix()
    found: list[Problem] = []
    files = _files(top, commit, prefix)
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
    """Printed cells that differ or are gone: a misread number may be corrected, with a reason."""
    try:
        now = {table.id: table for table in load_published(results_root).tables}
    except UsageError:
        return []  # said where the tables are made
    found: list[Problem] = []
    for place, blob in sorted(blobs.items()):
        if not place.endswith(".yaml"):
            continue
        for table in parse_published(_git(top, "cat-file", "blob", blob), place).tables:
            if f"published/{table.id}" in allowed:
                continue
            held = now.get(table.id)
            for method in table.rows:
                after = held.cells(method) if held is not None and method in held.rows else {}
                found += [
                    Problem(
                        place,
                        "changed",
                        f"{table.id}: {name} of {method}, {value}, is now {after.get(name, 'gone')}; restore it, or "
                        f"name published/{table.id} in {CORRECTIONS}",
                    )
                    for name, value in table.cells(method).items()
                    if after.get(name) != value
                ]
    return found


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


def _corrections(results_root: Path) -> set[str]:
    file = results_root / CORRECTIONS
    if not file.is_file():
        return set()
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{file}: cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict) or not all(isinstance(v, str) and len(v) >= 20 for v in data.values()):
        raise UsageError(f"{file}: is not 'record folder: reason' with reasons of at least 20 characters")
    return {str(path).strip("/") for path in data}


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
