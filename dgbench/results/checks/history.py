"""Comparison with the merge base: no published score changes or goes away, and no name changes hands, without a reason.

What changed is git's answer; what it means is said here. A reason is a line of ``corrections.yaml``: the path of a
record's folder, ``published/<id>`` for a printed table or contradiction, or ``methods/<name>``. Reasons stay, and one
excuses what changes with it: a later change of the same thing asks for more words.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from dgbench.core.errors import MissingError, UsageError
from dgbench.core.record import Record
from dgbench.io.git import git
from dgbench.io.regular import read_regular
from dgbench.io.yaml_file import MAX_BYTES, parse_yaml
from dgbench.results.checks.problem import Problem
from dgbench.results.records import released
from dgbench.results.records.methods import METHODS, Method, owner_key, parse_methods, read_methods
from dgbench.results.records.published import load_published, parse_published
from dgbench.results.records.schema import parse_record
from dgbench.results.records.store import ENVIRONMENT, MAX_RECORD, PAIR_SCORES, RECORD, STATEMENT

CORRECTIONS = "corrections.yaml"


def problems(results_root: Path, protocols_root: Path, *, base: str, trusted: bool = True) -> list[Problem]:
    """Compare records, names, printed numbers and the protocol lock with the merge base of ``base`` and HEAD.

    The merge base, not the tip of ``base``: what others merged meanwhile is not this branch's doing.

    Args:
        results_root: the results folder, in a git work tree.
        protocols_root: the folder with the lock of released protocols.
        base: a git revision.
        trusted: whether this branch is a maintainer's. A stranger's may not write corrections.

    Raises:
        UsageError: no git work tree, or ``base`` is no revision. MissingError: git is not installed.
    """
    top = Path(_git(results_root, "rev-parse", "--show-toplevel").decode().strip())
    commit = _git(top, "merge-base", base, "HEAD").decode().strip()
    inside = results_root.resolve().relative_to(top.resolve()).as_posix()
    prefix = "" if inside == "." else f"{inside}/"
    changed = _changed(top, commit, prefix)

    def before(place: str) -> bytes:
        if changed.get(place, "M") == "A" or place not in listed:
            return b""
        return _git(top, "cat-file", "blob", f"{commit}:{prefix}{place}")

    tree = _lines(_git(top, "ls-tree", "-r", "-z", "--name-only", commit, "--", prefix or "."))
    listed = {place.removeprefix(prefix) for place in tree}
    reasons = parse_corrections(before(CORRECTIONS), f"{commit[:12]}:{CORRECTIONS}")
    now = read_corrections(results_root)
    found = [
        Problem(CORRECTIONS, "removed", f"the reason given for {path} was changed or removed; restore it")
        for path, reason in reasons.items()
        if reason not in now.get(path, "")
    ]
    allowed = {path for path, reason in now.items() if reason != reasons.get(path)}
    if not trusted and CORRECTIONS in changed:
        found.append(Problem(CORRECTIONS, "owner", "only a maintainer writes corrections; leave the file as it was"))
        allowed = set()
    for place, how in changed.items():
        folder, _, name = place.rpartition("/")
        if folder in allowed or place.split("/")[0] in ("leaderboards", "published"):
            continue
        if name in (RECORD, PAIR_SCORES, ENVIRONMENT) and how == "D":
            found.append(
                Problem(place, "removed", f"was published and is gone; restore it, or say why in {CORRECTIONS}")
            )
        elif name == RECORD and how == "M":
            found += changes(place, before(place), read_regular(results_root / place, limit=MAX_RECORD))
        elif name == PAIR_SCORES and how == "M":
            found.append(Problem(place, "changed", f"pair scores changed; say why in {CORRECTIONS}"))
        elif name == STATEMENT:
            text = f"a verification is written where records are measured again; a maintainer names {folder} in"
            found.append(Problem(place, "owner", f"{text} {CORRECTIONS}"))
    old = parse_methods(before(METHODS), f"{commit[:12]}:{METHODS}") if METHODS in listed else {}
    if METHODS in listed and METHODS not in changed:
        old = read_methods(results_root)
    found += _owner_problems(changed, listed, old, read_methods(results_root), allowed)
    if any(place.startswith("published/") for place in changed):
        printed = {place: before(place) for place in changed if place.startswith("published/") and place in listed}
        found += _published_problems(printed, results_root, allowed)
    return found + _lock_problems(top, commit, protocols_root)


def changes(place: str, before: bytes, after: bytes) -> list[Problem]:
    """What a reader of the table would see differ; a migration to a newer schema alone is no change."""
    try:
        old, new = parse_record(before), parse_record(after)
    except UsageError:
        return [Problem(place, "changed", "changed, and one of its two versions cannot be read; restore it")]
    if old == new:
        return []
    names = sorted({metric.name for record in (old, new) for metric in record.metrics})
    pairs = [(name, _text(old, name), _text(new, name)) for name in names]
    what = ", ".join(f"{name} {a} → {b}" for name, a, b in pairs if a != b) or "fields other than scores"
    advice = f"publish a new run, or say why in {CORRECTIONS}"
    return [Problem(place, "changed", f"a published record changed ({what}); {advice}")]


def _text(record: Record, name: str) -> str:
    metric = next((metric for metric in record.metrics if metric.name == name), None)
    return "nothing" if metric is None or metric.value is None else f"{metric.value:.6g}"


def _owner_problems(
    changed: Mapping[str, str],
    listed: set[str],
    old: Mapping[str, Method],
    new: Mapping[str, Method],
    allowed: set[str],
) -> list[Problem]:
    """New records under a name that somebody has, and entries of names that changed."""
    owned = {owner_key(place.split("/")[2]): place.split("/")[2] for place in listed if place.endswith(f"/{RECORD}")}
    owned |= {owner_key(name): name for name in old}
    found = []
    for place, how in changed.items():
        folder, _, file = place.rpartition("/")
        parts = folder.split("/")
        if file == RECORD and how == "A" and len(parts) > 2 and folder not in allowed:
            name = owned.get(owner_key(parts[2]))
            if name is not None:
                held = old.get(name)
                whose = f"{held.contact} speaks for it" if held else "it has records already"
                text = f"is a new record under the name {name}, and {whose}"
                found.append(Problem(place, "owner", f"{text}; a maintainer confirms it with a line in {CORRECTIONS}"))
    for name, entry in old.items():
        if new.get(name) != entry and f"methods/{name}" not in allowed:
            text = f"the entry of {name} changed or is gone; a maintainer names methods/{name} in {CORRECTIONS}"
            found.append(Problem(METHODS, "owner", text))
    return found


def _published_problems(before: Mapping[str, bytes], results_root: Path, allowed: set[str]) -> list[Problem]:
    """Printed tables and contradictions that differ or are gone: what was misread may be corrected, with a reason."""
    try:
        now = load_published(results_root).by_id()
    except UsageError:
        return []  # said where the tables are made
    return [
        Problem(place, "changed", f"{name}: {what}; restore it, or name published/{name} in {CORRECTIONS}")
        for place, content in sorted(before.items())
        if place.endswith(".yaml")
        for name, entry in parse_published(content, place).by_id().items()
        if f"published/{name}" not in allowed and (what := entry.difference(now.get(name)))
    ]


def _lock_problems(top: Path, commit: str, protocols_root: Path) -> list[Problem]:
    root = protocols_root.resolve()
    if not root.is_relative_to(top.resolve()):
        return []
    place = f"{root.relative_to(top.resolve()).as_posix()}/{released.LOCK}"
    if not _lines(_git(top, "ls-tree", "-z", "--name-only", commit, "--", place)):
        return []
    before = released.parse_lock(_git(top, "cat-file", "blob", f"{commit}:{place}"), f"{commit[:12]}:{released.LOCK}")
    after = released.read_lock(protocols_root) or {}
    text = "the entry of {} was changed or removed; restore it"
    return [Problem(place, "protocol", text.format(name)) for name in sorted(before) if after.get(name) != before[name]]


def read_corrections(results_root: Path) -> dict[str, str]:
    """Return what the corrections of a results folder excuse: path or id → reason.

    Raises:
        UsageError: they cannot be read.
    """
    file = results_root / CORRECTIONS
    return parse_corrections(read_regular(file, limit=MAX_BYTES), str(file)) if file.exists() else {}


def parse_corrections(content: bytes, name: str) -> dict[str, str]:
    """Parse corrections; ``name`` is what an error calls them."""
    data = parse_yaml(content, where=name, what="a list of corrections") or {}
    if not isinstance(data, dict) or not all(isinstance(v, str) and len(v) >= 20 for v in data.values()):
        raise UsageError(f"{name}: is not 'record folder: reason' with reasons of at least 20 characters")
    return {str(path).strip("/"): reason for path, reason in data.items()}


def _changed(top: Path, commit: str, prefix: str) -> dict[str, str]:
    """Files under ``prefix`` that differ from ``commit``, relative to it: A, M or D; those not yet added are A."""
    listing = _lines(_git(top, "diff", "--name-status", "--no-renames", "-z", commit, "--", prefix or "."))
    new = _lines(_git(top, "ls-files", "--others", "--exclude-standard", "-z", "--", prefix or "."))
    held = dict(zip(listing[1::2], listing[0::2], strict=True)) | dict.fromkeys(new, "A")
    return {place.removeprefix(prefix): how for place, how in sorted(held.items())}


def _lines(listing: bytes) -> Sequence[str]:
    return [name for name in listing.decode(errors="surrogateescape").split("\0") if name]


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        return git(folder, *arguments)
    except FileNotFoundError as error:
        raise MissingError("git is not installed; install it, or check without --base") from error
    except subprocess.CalledProcessError as error:
        reason = " ".join(error.stderr.decode(errors="replace").split())
        raise UsageError(
            f"{folder}: git {arguments[0]} failed: {reason}; is --base a revision, fetched in full?"
        ) from error
