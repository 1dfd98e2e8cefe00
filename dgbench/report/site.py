"""The static site: every page of a results folder, made without a server and asking nothing of one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

import dgbench
from dgbench.core.errors import UsageError
from dgbench.core.protocol import Protocol
from dgbench.io.atomic import write_bytes, write_text
from dgbench.report import latex
from dgbench.report.differences import comparable, difference_data
from dgbench.report.figures import section_figures, strip_figure
from dgbench.report.gallery import Gallery, StripRow, make_gallery, make_strip, shared_sample
from dgbench.report.images import InputImages, RunImages, Thumbnails
from dgbench.report.pages import Templates, counts, matrices, method_stats, versions
from dgbench.report.views import ProtocolView, SectionView, card_views, method_views, protocol_views
from dgbench.results.board import Row, make_boards
from dgbench.results.leaderboard import render as render_leaderboard
from dgbench.results.published import load_published
from dgbench.results.released import released_versions
from dgbench.results.store import find_records

#: Lists the site's files, so that the next build into the same folder removes what it does not make.
MANIFEST = "report.json"
#: Methods side by side on a page and in a figure; the page of differences has them all.
_STRIP_METHODS = 8
#: What a figure of images may take; with less left in the budget it is not made.
_STRIP_FIGURE_BYTES = 3_000_000
_STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True)
class Options:
    """What goes into a report.

    Attributes:
        runs: folder of run folders with images; without it the report has no images.
        protocols_root: folder with ``<id>/v<N>/protocol.yaml``, for titles and licences.
        inputs: gives a protocol's source, reference and target images; called with ``id@version``.
        licensed_images: show images of protocols whose licence does not let them be shown to others.
        figures: also write PDF, PNG and LaTeX.
        pairs_per_kind: how many worst, median, best, failed and shared pairs a gallery has.
        image_size: side of a thumbnail in pixels.
        image_budget: bytes of images in all; past it, further images, and pairs left without any, are not shown.
    """

    runs: Path | None = None
    protocols_root: Path | None = None
    inputs: Callable[[str], InputImages | None] | None = None
    licensed_images: bool = False
    figures: bool = True
    pairs_per_kind: int = 8
    image_size: int = 128
    image_budget: int = 12_000_000


@dataclass
class _Site:
    """The files made so far, and what several pages need."""

    out: Path
    files: list[Path] = field(default_factory=list)

    def text(self, name: str, content: str) -> None:
        write_text(self.out / name, content)
        self.files.append(self.out / name)


def build_report(results_root: Path, out: Path, *, options: Options | None = None) -> list[Path]:
    """Write the report of every record under ``results_root`` into ``out`` and return its files; begin at index.html.

    Raises:
        UsageError: no such results, a damaged record, or ``out`` holds something that is no report.
    """
    options = options or Options()
    earlier = _earlier_files(out)
    published = load_published(results_root)
    records = find_records(results_root)
    protocols = _load_protocols(options.protocols_root)
    views = protocol_views(make_boards(records, published), protocols)
    site = _Site(out)
    for asset in sorted(_STATIC.iterdir()):
        write_bytes(out / "assets" / asset.name, asset.read_bytes())
        site.files.append(out / "assets" / asset.name)
    templates = Templates(counts(views, records), version=dgbench.__version__)
    thumbs = Thumbnails(out, size=options.image_size, budget=options.image_budget)
    runs = RunImages.under(options.runs) if options.runs else RunImages()
    galleries: dict[str, list[Gallery]] = {}
    for view in views:
        galleries.update(_protocol_pages(site, templates, view, runs, thumbs, options))
    every = [gallery for found in galleries.values() for gallery in found]
    methods = method_views(views)
    for method in methods:
        mine = [g for g in every if g.row.name == method.name]
        curves = [
            (p, s, s.columns[0], svg) for p, s, rows in method.ranked() if (svg := s.curves(s.columns[0], only=rows))
        ]
        page = templates.render(
            "method", root="../", view=method, galleries=mine, curves=curves, versions=versions(method)
        )
        site.text(f"methods/{method.slug}.html", page)
    site.text("methods.html", templates.render("methods", methods=[(m, method_stats(m)) for m in methods]))
    site.text("metrics.html", templates.render("cards", page="metrics", cards=card_views(views)))
    site.text("published.html", templates.render("published", published=published))
    for name, text in render_leaderboard(results_root).items():
        if name.endswith(".csv"):
            site.text(f"data/{name}", text)
    site.text("index.html", templates.render("index", views=views, matrices=matrices(views)))
    site.files += thumbs.files
    names = sorted(file.relative_to(out).as_posix() for file in site.files)
    for stale in sorted(earlier - set(names)):
        (out / stale).unlink(missing_ok=True)
    site.text(MANIFEST, json.dumps({"version": dgbench.__version__, "files": names}, indent=1) + "\n")
    return site.files


def _protocol_pages(
    site: _Site, templates: Templates, view: ProtocolView, runs: RunImages, thumbs: Thumbnails, options: Options
) -> dict[str, list[Gallery]]:
    """Write a protocol's page, its differences, galleries, figures and tables; return its galleries by section."""
    may_show = options.licensed_images or (view.protocol is not None and view.protocol.images_may_be_shown)
    inputs = options.inputs(view.name) if options.inputs and may_show and runs.folders and view.sections else None
    galleries: dict[str, list[Gallery]] = {}
    strips: dict[str, str] = {}
    compared: set[str] = set()
    downloads: dict[str, list[tuple[str, str]]] = {}
    for section in view.sections:
        tables = {row.stored.path: table for row in section.section.rows if (table := row.pair_scores()) is not None}
        # an image is of one seed, so the score beside it must be that seed's, not the row's mean
        seen = {
            row.stored.path: tables[row.stored.path] if len(row.seeds) == 1 else table
            for row in section.section.rows
            if row.stored.path in tables and (table := row.stored.pair_scores()) is not None
        }
        strip: list[StripRow] = []
        rows = comparable(section, tables)
        if may_show and rows:
            sample = shared_sample(tables[rows[0].stored.path], options.pairs_per_kind, name=view.name)
            strip = make_strip(section, rows, seen, runs=runs, inputs=inputs, thumbs=thumbs, sample=sample)
            galleries[section.slug] = [
                gallery
                for row in section.section.rows
                if row.stored.path in tables
                and (
                    gallery := make_gallery(
                        section,
                        row,
                        seen[row.stored.path],
                        protocol=view.name,
                        runs=runs,
                        inputs=inputs,
                        thumbs=thumbs,
                        count=options.pairs_per_kind,
                        sample=sample,
                    )
                )
            ]
        if strip:
            strips[section.slug] = templates.strip(rows[:_STRIP_METHODS], strip)
        for gallery in galleries.get(section.slug, []):
            site.text(gallery.href, templates.gallery(view, section, gallery))
        data = difference_data(section, tables)
        if data is not None:
            compared.add(section.slug)
            data["strip"] = [_strip_data(pair) for pair in strip]
            site.text(f"compare/{section.slug}.html", templates.compare(view, section, data))
        downloads[section.slug] = _downloads(site, view, section, rows, strip, thumbs, options)
    page = templates.render(
        "protocol",
        root="../",
        view=view,
        galleries=galleries,
        strips=strips,
        compared=compared,
        downloads=downloads,
        curves_of=lambda s: [(column, svg) for column in s.columns if (svg := s.curves(column))],
    )
    site.text(f"protocols/{view.slug}.html", page)
    return galleries


def _downloads(
    site: _Site,
    view: ProtocolView,
    section: SectionView,
    rows: list[Row],
    strip: list[StripRow],
    thumbs: Thumbnails,
    options: Options,
) -> list[tuple[str, str]]:
    found = [("CSV", f"data/{view.name}.csv")]
    if not options.figures:
        return found
    site.text(f"tables/{section.slug}.tex", latex.section_table(section, protocol=view.name))
    found.append(("LaTeX", f"tables/{section.slug}.tex"))
    files = section_figures(section, site.out / "figures")
    if strip and thumbs.left > _STRIP_FIGURE_BYTES:
        pictures = strip_figure(section, rows[:_STRIP_METHODS], strip, site.out, site.out / "figures")
        thumbs.spend(sum(file.stat().st_size for file in pictures))
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


def _load_protocols(root: Path | None) -> dict[str, Protocol]:
    """Protocol files by ``id@version``; a report needs none, so a damaged one is an error and an absent one is not."""
    if root is None or not root.is_dir():
        return {}
    protocols: dict[str, Protocol] = {}
    for name, folder in released_versions(root).items():
        file = folder / "protocol.yaml"
        try:
            protocols[name] = Protocol.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
            raise UsageError(f"{file}: not a protocol ({' '.join(str(error).split())[:160]})") from error
    return protocols


def _earlier_files(out: Path) -> set[str]:
    """The files of an earlier report in ``out``.

    Raises:
        UsageError: ``out`` is not empty and holds no report: nothing of the user's is to be mixed with or removed.
    """
    file = out / MANIFEST
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return set()
    try:
        names = json.loads(file.read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{out}: is not empty and holds no report of dgbench; give --out a new folder") from error
    return {
        name
        for name in names
        if isinstance(name, str) and ".." not in Path(name).parts and not Path(name).is_absolute()
    }
