"""Templates and the small tables that several pages need."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from dgbench.report.gallery import Gallery
from dgbench.report.views import MethodView, ProtocolView, SectionView, slug
from dgbench.results.boards.board import Row
from dgbench.results.boards.entries import seed_name
from dgbench.results.records.store import StoredRecord
from dgbench.results.tables import formats

_NAV = (
    ("index", "index.html", "Overview"),
    ("methods", "methods.html", "Methods"),
    ("metrics", "metrics.html", "Metric cards"),
    ("published", "published.html", "Printed numbers"),
)


class Templates:
    """The pages' templates, with the filters and values that all of them use."""

    def __init__(self, totals: dict[str, Any], *, version: str) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            number=formats.number,
            interval=formats.interval,
            rank=formats.rank,
            failures=formats.failures,
            metric_cell=formats.metric_cell,
            slug=slug,
            seed_name=seed_name,
        )
        self._environment.globals.update(counts=totals, version=version, nav=_NAV, root="", page="")

    def render(self, name: str, **values: Any) -> str:
        """Render ``<name>.html.j2``; the page's name in the navigation is its template's."""
        values.setdefault("page", name)
        return self._environment.get_template(f"{name}.html.j2").render(**values)

    def gallery(self, protocol: ProtocolView, section: SectionView, gallery: Gallery) -> str:
        """The page of one record's images."""
        shown = gallery.shown
        better = {column.name: column.card.direction for column in section.columns}
        order = [name for name, _, _ in shown[0].scores]
        return self.render(
            "gallery",
            root="../",
            protocol=protocol,
            gallery=gallery,
            identities=sorted({p.identity for p in shown} | {p.reference_identity for p in shown}),
            bins=sorted({pair.bin for pair in shown if pair.bin}, key=_natural),
            failures=sorted({pair.failure for pair in shown if pair.failure}),
            metrics=[(name, better[name]) for name in order],
        )

    def compare(self, protocol: ProtocolView, section: SectionView, data: dict[str, Any]) -> str:
        """The page of differences; its data lies inside the page, since a file may not read another."""
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        safe = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
        return self.render("compare", root="../", protocol=protocol, view=section, data=data, json=safe)


def counts(views: Sequence[ProtocolView], records: Sequence[StoredRecord]) -> dict[str, Any]:
    """Totals for the first page and the foot of every page."""
    rows = [row for view in views for section in view.sections for row in section.section.rows]
    ranked = sum(row.rank is not None for row in rows)
    return {
        "records": len(records),
        "methods": len({row.name for row in rows}),
        "protocols": sum(bool(view.sections) for view in views),
        "ranked": ranked,
        "unranked": len(rows) - ranked,
        "pairs": sum(entry.record.coverage.found for entry in records),
        "newest": max((entry.record.created[:10] for entry in records), default=""),
    }


def matrices(views: Sequence[ProtocolView]) -> list[tuple[str, list[Any], list[Any]]]:
    """Per judge set: the protocols, and per method and variant a cell for each: (row, shade 0..1, primary metric).

    A variant with several rows of one protocol, all but one of them unranked, is shown by its best ranked one.
    """
    found: list[tuple[str, list[Any], list[Any]]] = []
    for judges in sorted({section.section.judges for view in views for section in view.sections}):
        columns = [(v, s) for v in views for s in v.sections if s.section.judges == judges]
        cells: dict[tuple[str, str], dict[int, Row]] = {}
        for place, (_, section) in enumerate(columns):
            for row in section.section.rows:
                cells.setdefault((row.name, row.variant), {}).setdefault(place, row)
        rows = []
        for (method, variant), held in cells.items():
            line = [_matrix_cell(held.get(place), section) for place, (_, section) in enumerate(columns)]
            ranks = [row.rank.low for row in held.values() if row.rank]
            order = (-len(ranks), sum(ranks) / len(ranks) if ranks else 0.0, method, variant)
            rows.append((order, (method, variant, line)))
        found.append((judges, columns, [line for _, line in sorted(rows, key=lambda entry: entry[0])]))
    return found


def _matrix_cell(row: Row | None, section: SectionView) -> tuple[Row | None, float, str]:
    share = 0.0
    if row is not None and row.rank is not None:
        count = max(1, len(section.ranked) - 1)
        share = round(1 - ((row.rank.low + row.rank.high) / 2 - 1) / count, 2)
    return row, share, section.section.primary


def method_stats(method: MethodView) -> dict[str, Any]:
    """One line of the table of methods."""
    records = [stored.record for _, _, row in method.rows for stored in row.seeds]
    training = list(dict.fromkeys(name for record in records for name in record.method.training_data))
    return {
        "protocols": len({protocol.name for protocol, _, _ in method.rows}),
        "first": len({protocol.name for protocol, _, row in method.rows if row.rank and row.rank.low == 1}),
        "motion": ", ".join(sorted({record.method.motion for record in records})),
        "training": ", ".join(training),
        "failed": sum(sum(record.coverage.failed.values()) for record in records),
    }


def versions(method: MethodView) -> list[tuple[str, Any, list[str]]]:
    """The distinct (configuration, weights) of a method: digest, a record of it, and its records' paths."""
    held: dict[str, tuple[Any, list[str]]] = {}
    for stored in (stored for _, _, row in method.rows for stored in row.seeds):
        held.setdefault(stored.record.method.digest, (stored.record, []))[1].append(stored.path)
    return [(key, record, sorted(paths)) for key, (record, paths) in sorted(held.items())]


def _natural(name: str) -> tuple[float, str]:
    digits = name.split("-")[0].strip("°+ ")
    try:
        return float(digits), name
    except ValueError:
        return 0.0, name
