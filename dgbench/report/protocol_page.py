"""The page of one protocol with all that hangs on it: differences, galleries, panels, figures, tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from dgbench.io.atomic import write_text
from dgbench.report import latex
from dgbench.report.differences import comparable, difference_data
from dgbench.report.figures import section_figures
from dgbench.report.gallery import Gallery, StripRow, make_gallery, make_strip, shared_sample
from dgbench.report.images import InputImages, Pictures
from dgbench.report.pages import Templates
from dgbench.report.panels import Panel, make_panels
from dgbench.report.picture_figures import panel_figure, strip_figure
from dgbench.report.views import ProtocolView, SectionView
from dgbench.results.boards.board import Row
from dgbench.results.records.rules import Rules

#: Methods side by side on a page and in a figure; the page of differences has them all.
_SIDE_BY_SIDE = 8


@dataclass(frozen=True)
class Options:
    """What goes into a report.

    Attributes:
        runs: folder of run folders with images; without it the report has no images.
        protocols_root: folder with ``<id>/v<N>/protocol.yaml``, for titles and licences.
        rules: what records are held against; by default the protocols beside the results, where there are any.
        inputs: gives a protocol's source, reference and target images; called with ``id@version``.
        licensed_images: show images of protocols whose licence does not let them be shown to others.
        figures: also write PDF, PNG and LaTeX.
        pairs_per_kind: how many worst, median, best, failed and shared pairs a gallery has.
        image_size: side of a thumbnail in pixels.
        image_budget: bytes of thumbnails in all, shared out evenly; past it, further images, and pairs left without
            any, are not shown. Figures of images stop at as many bytes again.
    """

    runs: Path | None = None
    protocols_root: Path | None = None
    rules: Rules | None = None
    inputs: Callable[[str], InputImages | None] | None = None
    licensed_images: bool = False
    figures: bool = True
    pairs_per_kind: int = 8
    image_size: int = 128
    image_budget: int = 12_000_000


@dataclass
class Site:
    """The folder of a report and the files made in it so far."""

    out: Path
    files: list[Path] = field(default_factory=list)
    picture_bytes: int = 0

    def text(self, name: str, content: str) -> None:
        """Write one text file of the site."""
        write_text(self.out / name, content)
        self.files.append(self.out / name)


def may_show(view: ProtocolView, options: Options) -> bool:
    """Whether a protocol has images that may be shown: its licence lets them be passed on, or the user says so."""
    allowed = options.licensed_images or (view.protocol is not None and view.protocol.images_may_be_shown)
    return allowed and options.runs is not None and bool(view.sections)


def protocol_page(
    site: Site, templates: Templates, view: ProtocolView, pictures: Pictures | None, options: Options
) -> list[Gallery]:
    """Write a protocol's page and what hangs on it; return its galleries. Without ``pictures`` it has no image."""
    shown: dict[str, _Shown] = {}
    compared: set[str] = set()
    downloads: dict[str, list[tuple[str, str]]] = {}
    for place, section in enumerate(view.sections):
        tables = {row.stored.path: table for row in section.section.rows if (table := row.pair_scores()) is not None}
        rows = comparable(section, tables)
        found = _Shown(rows[:_SIDE_BY_SIDE])
        if pictures is not None and rows:
            floor = pictures.thumbs.share(len(view.sections) - place, floor=pictures.floor)
            found = _pictures(view, section, _one_seed(section, tables), rows, pictures, floor, options)
        shown[section.slug] = found
        for gallery in found.galleries:
            site.text(gallery.href, templates.gallery(view, section, gallery))
        data = difference_data(section, tables)
        if data is not None:
            compared.add(section.slug)
            data["strip"] = [_strip_data(pair) for pair in found.strip]
            site.text(f"compare/{section.slug}.html", templates.compare(view, section, data))
        downloads[section.slug] = _downloads(site, view, section, found, options)
    page = templates.render(
        "protocol",
        root="../",
        view=view,
        shown=shown,
        compared=compared,
        downloads=downloads,
        curves_of=lambda s: [(column, svg) for column in s.plotted if (svg := s.curves(column))],
    )
    site.text(f"protocols/{view.slug}.html", page)
    return [gallery for found in shown.values() for gallery in found.galleries]


@dataclass(frozen=True)
class _Shown:
    """The images of one section; ``rows`` are the methods side by side."""

    rows: list[Row]
    strip: list[StripRow] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)
    galleries: list[Gallery] = field(default_factory=list)


def _one_seed(section: SectionView, tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Tables of the first seed of each row: an image is of one seed, and so must be the score beside it."""
    rows = [row for row in section.section.rows if row.stored.path in tables]
    alone = {row.stored.path: None if len(row.seeds) == 1 else row.stored.pair_scores() for row in rows}
    return {path: tables[path] if table is None else table for path, table in alone.items()}


def _pictures(
    view: ProtocolView,
    section: SectionView,
    tables: dict[str, pd.DataFrame],
    rows: list[Row],
    pictures: Pictures,
    floor: int,
    options: Options,
) -> _Shown:
    sample = shared_sample(tables[rows[0].stored.path], options.pairs_per_kind, name=view.name)
    strip = make_strip(section, rows, tables, pictures=pictures, sample=sample)
    beside = rows[:_SIDE_BY_SIDE]
    panels = make_panels(section, rows, tables, pictures=pictures) if strip else []
    galleries: list[Gallery] = []
    held = [row for row in section.section.rows if row.stored.path in tables]
    for place, row in enumerate(held):
        pictures.thumbs.share(len(held) - place, floor=floor)
        gallery = make_gallery(
            section,
            row,
            tables[row.stored.path],
            protocol=view.name,
            pictures=pictures,
            count=options.pairs_per_kind,
            sample=sample,
        )
        galleries += [gallery] if gallery else []
    return _Shown(beside, strip, panels, galleries)


def _downloads(
    site: Site, view: ProtocolView, section: SectionView, shown: _Shown, options: Options
) -> list[tuple[str, str]]:
    found = [("CSV", f"data/{view.name}.csv")]
    if not options.figures:
        return found
    site.text(f"tables/{section.slug}.tex", latex.section_table(section, protocol=view.name))
    found.append(("LaTeX", f"tables/{section.slug}.tex"))
    folder = site.out / "figures"
    files = section_figures(section, folder)
    if shown.strip and site.picture_bytes < options.image_budget:
        pictures = strip_figure(shown.rows, shown.strip, site.out, folder / f"{section.slug}-pairs")
        for panel in shown.panels[:1]:
            pictures += panel_figure(panel, site.out, folder / f"{section.slug}-person")
        site.picture_bytes += sum(file.stat().st_size for file in pictures)
        files += pictures
    site.files += files
    for file in files:
        name = file.stem.removeprefix(f"{section.slug}-")
        found.append((f"{name} {file.suffix[1:].upper()}", f"figures/{file.name}"))
    return found


def _strip_data(pair: StripRow) -> dict[str, Any]:
    return {
        "pair_id": pair.pair_id,
        **pair.inputs,
        "generated": [name for name, _ in pair.generated],
        "scores": [score for _, score in pair.generated],
    }
