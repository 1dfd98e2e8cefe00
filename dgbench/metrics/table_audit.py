"""Auditing published tables: numbers that cannot be, or cannot both be, whatever method made them."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dgbench.core.errors import UsageError
from dgbench.io.delimited import number, parse_table, read_text

#: Metric column → (lowest, highest, whether larger is better).
RANGES: dict[str, tuple[float, float, bool]] = {
    "ssim": (-1.0, 1.0, True),
    "psnr": (0.0, 100.0, True),
    "l1": (0.0, 1.0, False),
    "lpips": (0.0, 2.0, False),
    "fid": (0.0, math.inf, False),
    "fvd": (0.0, math.inf, False),
    "csim": (-1.0, 1.0, True),
    "akd": (0.0, math.inf, False),
    "aed": (0.0, math.inf, False),
    "apd": (0.0, math.inf, False),
    "nme": (0.0, math.inf, False),
    "pose": (0.0, 180.0, False),
    "detection": (0.0, 1.0, True),
}
#: Columns that say what a row is of; ``source`` is the paper or table it was read in.
KEYS = ("source", "method", "dataset", "task")
#: A mean over images may pass the bound of one image by this much where L1 varies from image to image: with L1
#: log-normally spread by a factor of 1.6 (one deviation) it is 1 dB.
SLACK_DB = 1.0
#: Two sources that give one method, data set and metric values further apart than this share disagree.
DISAGREE = 0.25


@dataclass(frozen=True)
class TableFinding:
    """One thing that is wrong with a table: the kind, the rows (line numbers of the file), and a sentence.

    Kinds: ``range``, ``not-a-number``, ``psnr-bound``, ``rank``, ``order-flips``, ``values-differ``, ``duplicate``.
    """

    kind: str
    lines: tuple[int, ...]
    message: str


@dataclass(frozen=True)
class _Row:
    line: int
    key: tuple[str, ...]
    values: dict[str, float]
    ranks: dict[str, float]
    digits: dict[str, int]

    @property
    def source(self) -> str:
        return self.key[0]

    @property
    def method(self) -> str:
        return self.key[1]

    @property
    def where(self) -> tuple[str, ...]:
        return self.key[2:]

    def named(self) -> str:
        return " ".join(part for part in (self.method, *self.where, f"({self.source})" if self.source else "") if part)


def audit_table(path: Path) -> list[TableFinding]:
    """Read a CSV of published numbers and return everything in it that cannot be right.

    The header names columns: ``method`` is needed; ``source``, ``dataset`` and ``task`` say what a row is of;
    metrics are the names in :data:`RANGES` (any case; L1 on [0, 1]); ``<metric>_rank`` is a printed place. Other
    columns are ignored; empty cells, ``-`` and ``–`` are absent numbers.

    Columns are parted by commas, semicolons or tabs; a number is written with a point and nothing else.

    Raises:
        UsageError: the file cannot be read, has no ``method`` column or no metric column, or a row has more or fewer
            cells than the header.
    """
    rows, findings = _read(path)
    for row in rows:
        findings += _range_findings(row)
        findings += _bound_findings(row)
    findings += _rank_findings(rows)
    findings += _order_findings(rows)
    return sorted(findings, key=lambda finding: (finding.lines, finding.kind, finding.message))


def psnr_bound(l1: float) -> float:
    """Return the largest PSNR in dB of an image whose mean absolute difference on [0, 1] is ``l1``.

    The mean of squares is at least the square of the mean, so MSE >= L1^2 and PSNR <= -20 log10(L1).
    """
    return -20.0 * math.log10(l1)


def _read(path: Path) -> tuple[list[_Row], list[TableFinding]]:
    table = parse_table(
        read_text(path, what="a table of numbers"), where=str(path), known=("method",), short_rows=False
    )
    names = [_name(column) for column in table.header]
    if len(set(names)) != len(names):
        raise UsageError(f"{path}: a column is repeated in the header")
    if "method" not in names or not set(names) & RANGES.keys():
        raise UsageError(
            f"{path}: needs a header with 'method' and at least one of {', '.join(RANGES)}; found {', '.join(names)}"
        )
    rows: list[_Row] = []
    findings: list[TableFinding] = []
    for line, row in table.rows:
        cells = dict(zip(names, row, strict=True))
        numbers: dict[str, float] = {}
        for name, cell in cells.items():
            if name.removesuffix("_rank") not in RANGES or cell in ("", "-", "–", "—"):
                continue
            try:
                numbers[name] = number(cell)
            except ValueError as error:
                findings.append(TableFinding("not-a-number", (line,), f"{name}: {error}"))
        rows.append(
            _Row(
                line,
                tuple(cells.get(key, "") for key in KEYS),
                {name: value for name, value in numbers.items() if name in RANGES},
                {name.removesuffix("_rank"): value for name, value in numbers.items() if name.endswith("_rank")},
                {name: len(cells[name].partition(".")[2]) for name in numbers},
            )
        )
    return rows, findings


def _name(column: str) -> str:
    """Return a column's name in lower case, without the arrow that says which way is better."""
    return column.strip(" \t↑↓⬆⬇▲▼").casefold()


def _range_findings(row: _Row) -> list[TableFinding]:
    found = []
    for name, value in row.values.items():
        low, high, _ = RANGES[name]
        if not low <= value <= high:
            hint = ""
            if name in ("ssim", "csim", "l1", "detection") and high < value <= 100 * high:
                hint = " (a percentage, or another scale?)"
            found.append(
                TableFinding(
                    "range", (row.line,), f"{row.named()}: {name} {value:g} is outside {low:g}..{high:g}{hint}"
                )
            )
    return found


def _bound_findings(row: _Row) -> list[TableFinding]:
    psnr, l1 = row.values.get("psnr"), row.values.get("l1")
    if psnr is None or l1 is None or not 0 < l1 <= 1:
        return []
    # Printed numbers are rounded: the smallest L1 and PSNR that print like these must break the bound.
    least_l1 = max(l1 - 0.5 * 10.0 ** -row.digits["l1"], 1e-9)
    excess = psnr - 0.5 * 10.0 ** -row.digits["psnr"] - psnr_bound(least_l1)
    if excess <= SLACK_DB:
        return []
    cure = ", or L1 is on [-1, 1]" if excess - 20 * math.log10(2) <= SLACK_DB else ""
    return [
        TableFinding(
            "psnr-bound",
            (row.line,),
            f"{row.named()}: PSNR {psnr:g} dB with L1 {l1:g}: an image can have at most {psnr_bound(l1):.1f} dB. "
            f"A difference taken in unsigned 8-bit integers wraps around and reads 29 to 33 dB{cure}",
        )
    ]


def _rank_findings(rows: list[_Row]) -> list[TableFinding]:
    """Printed places against the printed numbers of the same table."""
    found = []
    for group in _grouped(rows, lambda row: (row.source, *row.where)):
        for name, (_, _, higher) in RANGES.items():
            placed = [row for row in group if name in row.values and name in row.ranks]
            for one, other in itertools.combinations(placed, 2):
                better = one.values[name] - other.values[name]
                if (better > 0) != higher:
                    one, other = other, one
                # ``one`` now has the better or an equal number.
                if better and one.ranks[name] >= other.ranks[name]:
                    found.append(
                        TableFinding(
                            "rank",
                            tuple(sorted((one.line, other.line))),
                            f"{name}: {one.method} {one.values[name]:g} is better than {other.method} "
                            f"{other.values[name]:g} but is placed {one.ranks[name]:g} against {other.ranks[name]:g}",
                        )
                    )
    return found


def _order_findings(rows: list[_Row]) -> list[TableFinding]:
    """The same methods on the same data in two sources: values that differ, orders that flip; doubles in one."""
    found = []
    for group in _grouped(rows, lambda row: row.where):
        by_cell: dict[tuple[str, str], _Row] = {}
        for row in group:
            twin = by_cell.setdefault((row.source, row.method), row)
            if twin is not row:
                found.append(TableFinding("duplicate", (twin.line, row.line), f"{row.named()} is repeated"))
        for name, (_, _, higher) in RANGES.items():
            found += _of_metric(name, higher=higher, cells={k: r for k, r in by_cell.items() if name in r.values})
    return found


def _of_metric(name: str, *, higher: bool, cells: dict[tuple[str, str], _Row]) -> list[TableFinding]:
    found = []
    methods, sources = sorted({m for _, m in cells}), sorted({s for s, _ in cells})
    for first, second in itertools.combinations(sources, 2):
        both = [method for method in methods if (first, method) in cells and (second, method) in cells]
        for method in both:
            one, other = cells[first, method], cells[second, method]
            a, b = one.values[name], other.values[name]
            if abs(a - b) > DISAGREE * max(abs(a), abs(b)):
                message = f"{name} of {method}: {a:g} in {first or 'one'}, {b:g} in {second or 'another'}"
                found.append(TableFinding("values-differ", _lines(one, other), message))
        for left, right in itertools.combinations(both, 2):
            gaps = [cells[s, left].values[name] - cells[s, right].values[name] for s in (first, second)]
            if gaps[0] * gaps[1] < 0:
                winner = left if (gaps[0] > 0) == higher else right
                loser = right if winner == left else left
                message = f"{name}: {winner} beats {loser} in {first or 'one'} and loses to it in {second or 'another'}"
                involved = [cells[s, m] for s in (first, second) for m in (left, right)]
                found.append(TableFinding("order-flips", _lines(*involved), message))
    return found


def _lines(*rows: _Row) -> tuple[int, ...]:
    return tuple(sorted(row.line for row in rows))


def _grouped(rows: list[_Row], key: Callable[[_Row], tuple[str, ...]]) -> list[list[_Row]]:
    groups: dict[tuple[str, ...], list[_Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return list(groups.values())
