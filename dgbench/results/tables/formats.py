"""One fixed way to print numbers, ranks, counts and failures, shared by CSV, Markdown, LaTeX and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dgbench.core.record import Code, Interval, MethodRef, MetricValue
from dgbench.results.boards.ranks import RankRange

DECIMALS = 4


def number(value: float | None, *, decimals: int = DECIMALS) -> str:
    """Print with a fixed number of decimals, "" for nothing, and never a negative zero."""
    if value is None:
        return ""
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def interval(value: Interval | None, *, decimals: int = DECIMALS) -> str:
    """``[low, high]`` or ""."""
    if value is None:
        return ""
    return f"[{number(value.low, decimals=decimals)}, {number(value.high, decimals=decimals)}]"


def place(row_rank: RankRange | None, *, group: str, reason: str) -> str:
    """Return the rank, or the group of a row that takes no place, or why a row is not ranked."""
    return rank(row_rank) or (f"unranked ({reason})" if reason else group)


def gates(marks: Sequence[str]) -> str:
    """Return ``✓`` passed, ``✗`` failed or ``?`` not known for each gate, in their order; "" without marks."""
    return " ".join({"passed": "✓", "failed": "✗"}.get(mark, "?") for mark in marks)


def rank(value: RankRange | None) -> str:
    """``2`` or ``2–4``; "" for an unranked row."""
    if value is None:
        return ""
    return str(value.low) if value.low == value.high else f"{value.low}–{value.high}"


def failures(counts: Mapping[str, int]) -> str:
    """``3 no-face; 1 timeout``, by kind; ``0`` for none."""
    return "; ".join(f"{count} {kind}" for kind, count in sorted(counts.items()) if count) or "0"


def training(method: MethodRef) -> str:
    """Declared training data, in the record's order, with the budget where the record has it; or ``none declared``."""
    text, known = "; ".join(method.training_data) or "none declared", method.parameters
    if "train.seconds" not in known or "train.samples" not in known:
        return text
    return f"{text} ({known['train.samples']} samples, {known['train.seconds']} {known.get('train.seconds_of', '')} s)"


def code(value: Code) -> str:
    """Version and commit of the dgbench that made a record, with ``+changed`` where its files had been changed."""
    commit = f"@{value.commit[:8]}" if value.commit else ""
    return f"{value.version}{commit}{'+changed' if value.dirty else ''}"


def metric_cell(value: MetricValue | None, spread: float | None = None, *, decimals: int = DECIMALS) -> str:
    """Value, spread over seeds and interval, with n/N where not every pair could be measured."""
    text = short_cell(value, spread, decimals=decimals)
    if value is None or not text or value.n_scored == value.n_expected:
        return text
    return f"{text} ({value.n_scored}/{value.n_expected} measured)"


def short_cell(value: MetricValue | None, spread: float | None = None, *, decimals: int = 3) -> str:
    """Value, spread over seeds and interval; "" for nothing."""
    if value is None or value.value is None:
        return ""
    parts = [number(value.value, decimals=decimals)]
    if spread is not None:
        parts.append(f"± {number(spread, decimals=decimals)}")
    if value.interval is not None:
        parts.append(interval(value.interval, decimals=decimals))
    return " ".join(parts)
