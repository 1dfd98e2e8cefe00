"""The static site: every page of a results folder, made without a server and asking nothing of one."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from pydantic import ValidationError

import dgbench
from dgbench.core.errors import UsageError
from dgbench.core.protocol import Protocol
from dgbench.io.atomic import write_bytes
from dgbench.io.yaml_file import read_yaml
from dgbench.report.gallery import Gallery
from dgbench.report.images import Pictures, RunImages, Thumbnails
from dgbench.report.pages import Templates, counts, matrices, method_stats, versions
from dgbench.report.protocol_page import Options, Site, may_show, protocol_page
from dgbench.report.views import card_views, method_views, protocol_views
from dgbench.results.boards.board import make_boards
from dgbench.results.records.published import load_published
from dgbench.results.records.released import released_versions
from dgbench.results.records.rules import rules_beside
from dgbench.results.records.store import find_records
from dgbench.results.tables.leaderboard import OVERALL, render_boards

__all__ = ["MANIFEST", "Options", "build_report"]

#: Lists the site's files, so that the next build into the same folder removes what it does not make.
MANIFEST = "report.json"
#: A table over this size is stored compressed; pandas and R read it as it is.
_LARGE = 1_000_000
_STATIC = Path(__file__).parent / "static"


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
    boards = make_boards(records, published, rules=options.rules or rules_beside(results_root))
    views = protocol_views(boards, protocols)
    site = Site(out)
    for asset in sorted(_STATIC.iterdir()):
        write_bytes(out / "assets" / asset.name, asset.read_bytes())
        site.files.append(out / "assets" / asset.name)
    templates = Templates(counts(views, records), version=dgbench.__version__)
    thumbs = Thumbnails(out, size=options.image_size, budget=options.image_budget)
    runs = RunImages.under(options.runs) if options.runs else RunImages()
    every: list[Gallery] = []
    waiting = [view.name for view in views if may_show(view, options)]
    for view in views:
        pictures = None
        if view.name in waiting:
            inputs = options.inputs(view.name) if options.inputs else None
            pictures = Pictures(runs, inputs, thumbs, thumbs.share(len(waiting)))
            waiting.remove(view.name)
        every += protocol_page(site, templates, view, pictures, options)
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
    for name, text in render_boards(boards, published).items():
        if name == OVERALL:
            overall = write_overall(site, text)
        elif name.endswith(".csv"):
            site.text(f"data/{name}", text)
    site.text("index.html", templates.render("index", views=views, matrices=matrices(views), overall=overall))
    site.files += thumbs.files
    names = sorted(file.relative_to(out).as_posix() for file in site.files)
    for stale in sorted(earlier - set(names)):
        (out / stale).unlink(missing_ok=True)
    site.text(MANIFEST, json.dumps({"version": dgbench.__version__, "files": names}, indent=1) + "\n")
    return site.files


def write_overall(site: Site, text: str) -> str:
    """Write the table of all values, compressed where it is large; return its name below the site."""
    name, content = f"data/{OVERALL}", text.encode()
    if len(content) > _LARGE:
        name, content = f"{name}.gz", gzip.compress(content, mtime=0)
    write_bytes(site.out / name, content)
    site.files.append(site.out / name)
    return name


def _load_protocols(root: Path | None) -> dict[str, Protocol]:
    """Protocol files by ``id@version``; a report needs none, so a damaged one is an error and an absent one is not."""
    if root is None or not root.is_dir():
        return {}
    protocols: dict[str, Protocol] = {}
    for name, folder in released_versions(root).items():
        file = folder / "protocol.yaml"
        try:
            protocols[name] = Protocol.model_validate(read_yaml(file, what="a protocol"))
        except ValidationError as error:
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
