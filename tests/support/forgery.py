"""A small results repository of committed records, and what a stranger does to it: records with consistent digests."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dgbench.core.digests import digest
from dgbench.core.record import MetricValue, Record
from dgbench.results.boards.board import Section, make_boards
from dgbench.results.checks.pairs_check import _summaries
from dgbench.results.records.card_lock import read_card_lock
from dgbench.results.records.rules import rules_beside
from dgbench.results.records.store import (
    ENVIRONMENT,
    PAIR_SCORES,
    find_records,
    metric_columns,
    published_path,
    read_pair_scores,
    read_record,
    write_record,
)
from dgbench.results.tables.leaderboard import build

ROOT = Path(__file__).parents[2]
PROTOCOL = "synthface-mini-cross"
HONEST = ("target", "blurred-target", "dg", "copy-source", "black")
Change = Callable[[pd.DataFrame], pd.DataFrame]


def make_repository(place: Path) -> Path:
    """Copy five records with their protocol and owners, build, commit as ``main``, check out ``work``; the results."""
    results = place / "results"
    for method in HONEST:
        shutil.copytree(ROOT / "results" / PROTOCOL / "v1" / method, results / PROTOCOL / "v1" / method)
        _as_by_todays_cards(next((results / PROTOCOL / "v1" / method).glob("*/record.json")).parent)
    shutil.copytree(ROOT / "protocols" / PROTOCOL / "v1", place / "protocols" / PROTOCOL / "v1")
    lock = json.loads((ROOT / "protocols" / "RELEASED.json").read_text())
    (place / "protocols" / "RELEASED.json").write_text(json.dumps({f"{PROTOCOL}@1": lock[f"{PROTOCOL}@1"]}))
    owners = "".join(f"{name}: {{contact: the maintainers}}\n" for name in HONEST)
    (results / "methods.yaml").write_text(owners)
    build(results)
    git(place, "init", "-q", "-b", "main")
    commit(place, "base")
    git(place, "checkout", "-q", "-b", "work")
    return results


def _as_by_todays_cards(folder: Path) -> None:
    """Give a copied record the newest locked cards: committed ones grow old whenever a judge is made anew."""
    record, lock = read_record(folder), read_card_lock()
    metrics = []
    for value in record.metrics:
        if lock.status(value, record.judges) == "older":
            newest = lock.of(value.name, record.judges)[-1]
            value = value.model_copy(update={"card": newest.card, "card_digest": newest.digest})
        metrics.append(value)
    table = read_pair_scores(folder / PAIR_SCORES)
    environment = json.loads((folder / ENVIRONMENT).read_text())
    write_record(folder, record.model_copy(update={"metrics": tuple(metrics)}), table, environment)


def git(place: Path, *arguments: str) -> str:
    """Run git in ``place``."""
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(place), *who, *arguments], check=True, capture_output=True, text=True)
    return done.stdout


def commit(place: Path, message: str) -> None:
    """Commit everything."""
    git(place, "add", "-A")
    git(place, "commit", "-q", "--allow-empty", "-m", message)


def load(results: Path, method: str) -> tuple[Record, pd.DataFrame, dict[str, Any]]:
    """One of the honest records, with its table and environment."""
    folder = next((results / PROTOCOL / "v1" / method).glob("*/record.json")).parent
    environment = json.loads((folder / ENVIRONMENT).read_text())
    return read_record(folder), read_pair_scores(folder / PAIR_SCORES), environment


def forge(
    results: Path,
    base: str,
    name: str,
    *,
    run_id: str = "0-aaaaaaaaaaaaaaa1",
    scores: Mapping[str, float | Callable[[pd.DataFrame], Any]] | None = None,
    values: Mapping[str, float] | None = None,
    cards: Mapping[str, Mapping[str, Any]] | None = None,
    keep: Sequence[str] | None = None,
    edit: Change | None = None,
    method: Mapping[str, Any] | None = None,
    whole: bool = True,
    **changes: Any,
) -> Path:
    """Write a record whose digests, means and intervals fit each other, made from an honest one; return its folder.

    Args:
        results: the results folder.
        base: the honest method.
        name: whose record it says it is.
        run_id: its run id.
        scores: pair metric → the score of every pair, or a function of the table.
        values: set metric → its value.
        cards: metric → changed fields of its card.
        keep: the metrics to keep.
        edit: changes the table.
        method: changed fields of the method.
        whole: whether every pair is said to be generated.
        changes: changed fields of the record.
    """
    record, table, environment = load(results, base)
    columns = [column for column in metric_columns(table) if keep is None or column in keep]
    gone = [c for c in metric_columns(table) if c not in columns]
    table = table.drop(columns=[*gone, *(f"{column}__measured" for column in gone)])
    for column, score in (scores or {}).items():
        table[column] = score(table) if callable(score) else float(score)
        table[f"{column}__measured"] = True
    if whole:
        table["status"], table["failure_kind"] = "ok", None
    table = edit(table) if edit else table
    overall, bins = _summaries(table.reset_index(drop=True), columns)
    metrics: list[MetricValue] = []
    for metric in record.metrics:
        if keep is not None and metric.name not in keep:
            continue
        update: dict[str, Any] = {}
        if metric.name in columns:
            measured = table[f"{metric.name}__measured"].to_numpy(bool)
            held = table[metric.name].to_numpy(float)
            update = {
                "value": overall[metric.name].value,
                "interval": overall[metric.name].interval,
                "measured_only": float(held[measured].mean()) if measured.any() else None,
                "n_expected": len(table),
                "n_scored": int(measured.sum()),
                "failures": {} if measured.all() else {"no-face": int((~measured).sum())},
                "bins": tuple(of_bin[metric.name] for of_bin in bins),
            }
        elif values and metric.name in values:
            update = {"value": values[metric.name], "note": ""}
        if cards and metric.name in cards:
            card = metric.card.model_copy(update=dict(cards[metric.name]))
            update |= {"card": card, "card_digest": card.digest}
        metrics.append(metric.model_copy(update=update))
    coverage = record.coverage.model_copy(update={"generated": record.coverage.expected, "failed": {}} if whole else {})
    who = {"name": name, "digest": digest([name, run_id]), "checkpoint_sha256": digest(["weights", name])}
    forged = record.model_copy(
        update={
            "run_id": run_id,
            "created": "2026-11-28T00:00:00+00:00",
            "method": record.method.model_copy(update=who | dict(method or {})),
            "metrics": tuple(metrics),
            "notes": (),
            "coverage": coverage,
        }
        | changes
    )
    folder = results / published_path(forged)
    write_record(folder, forged, table, environment)
    return folder


def own(results: Path, name: str) -> None:
    """Give a name an entry, as a submission of a new method does."""
    with (results / "methods.yaml").open("a") as file:
        file.write(f"{name}: {{contact: a stranger}}\n")


def section(results: Path) -> Section:
    """The table of current cards of the embedded judges."""
    (board,) = make_boards(find_records(results), rules=rules_beside(results))
    return next(section for section in board.sections if section.judges == "embedded")


def ranks(results: Path, *, without: Sequence[str] = ()) -> dict[str, tuple[int, int] | str]:
    """Method → its places, or why it has none."""
    rows = section(results).rows
    return {row.name: row.rank or row.reason for row in rows if row.name not in without}  # type: ignore[misc]


def plus(column: str, amount: float) -> Callable[[pd.DataFrame], Any]:
    """Scores of a column, higher by ``amount``, at most 1."""
    return lambda table: np.minimum(1.0, table[column] + amount)
