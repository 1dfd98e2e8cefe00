"""The report as files: complete, linked, closed in itself, honest about licences, the same for the same records."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
import yaml
from fabricated_records import write_run
from PIL import Image

from dgbench.core.errors import UsageError
from dgbench.report.site import Options, build_report
from dgbench.results.records.rules import Rules

_ROOT = Path(__file__).parents[2]


class _Page(HTMLParser):
    """Collects links, ids, images without a description, and everything a browser would load by itself."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: list[str] = []
        self.bare_images = 0
        self.headings: list[int] = []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = {key: value or "" for key, value in attrs}
        if tag == "a" and "href" in held:
            self.links.append(held["href"])
        if tag in ("img", "script", "iframe", "source") and "src" in held:
            self.loads.append(held["src"])
        if tag == "link":
            self.loads.append(held.get("href", ""))
        if tag == "img" and not held.get("alt"):
            self.bare_images += 1
        if "id" in held:
            self.ids.append(held["id"])
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))


def _pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def test_every_link_and_image_of_every_page_is_there(site: Path) -> None:
    pages = {file: _Page(file) for file in _pages(site)}
    assert len(pages) > 20
    for file, page in pages.items():
        for link in [*page.links, *page.loads]:
            if link.startswith(("https://", "data:")):
                continue
            path, fragment = urldefrag(link)
            target = (file.parent / unquote(path)).resolve() if path else file
            assert target.is_file(), f"{file.name} points at {link}"
            if fragment:
                assert fragment in (pages[target] if target in pages else _Page(target)).ids, f"{file.name}: {link}"


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for file in _pages(site):
        assert not [load for load in _Page(file).loads if load.startswith(("http", "//"))], file
    for file in (site / "assets").iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|@import|fetch\(|XMLHttpRequest|url\(", text), file


def test_images_have_descriptions_and_headings_do_not_jump(site: Path) -> None:
    for file in _pages(site):
        page = _Page(file)
        assert page.bare_images == 0, file
        assert page.headings[0] == 1 and page.headings.count(1) == 1, file
        assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False)), file
        assert len(page.ids) == len(set(page.ids)), file


def test_a_protocol_page_shows_ranks_reasons_flags_and_failures(site: Path) -> None:
    text = (site / "protocols" / "frll-cross-v1.html").read_text(encoding="utf-8")
    assert "FRLL, another person" in text and "Judges: embedded" in text and "Judges: open" in text
    assert "coverage 48/96" in text
    assert "4 no-face" in text
    assert "same data set" in text
    assert text.count('class="plot interval-plot"') == 8
    assert text.count('class="plot curve-plot"') == 6


def test_values_over_few_images_are_marked_and_bin_edges_are_not_rounded(tmp_path: Path) -> None:
    file = write_run(tmp_path / "runs", "dg", 0.6, protocol="frll-cross") / "record.json"
    data = json.loads(file.read_text())
    data["metrics"][3]["note"] = "small N: N=48 < 5000, biased upwards; rank by kd"
    file.write_text(json.dumps(data))
    protocol = yaml.safe_load((_ROOT / "protocols" / "frll-cross" / "v1" / "protocol.yaml").read_text())
    folder = tmp_path / "released" / "protocols" / "frll-cross" / "v1"
    folder.mkdir(parents=True)
    (folder / "protocol.yaml").write_text(yaml.safe_dump(protocol | {"pose_bins": [0.0, 7.5, 22.5]}))
    options = Options(protocols_root=tmp_path / "released" / "protocols", figures=False)
    build_report(tmp_path / "runs", tmp_path / "site", options=options)
    text = (tmp_path / "site" / "protocols" / "frll-cross-v1.html").read_text(encoding="utf-8")
    assert '<abbr title="small N: N=48 &lt; 5000, biased upwards; rank by kd">†</abbr>' in text
    assert "† Over fewer than 5,000 images" in text
    assert "0 / 7.5 / 22.5°" in text
    assert "†</abbr>" in (tmp_path / "site" / "methods" / "dg.html").read_text(encoding="utf-8")


def test_a_row_whose_cards_are_not_dgbenchs_shows_no_value_and_breaks_no_page(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", "evil", 0.6, protocol="frll-cross")
    options = Options(protocols_root=_ROOT / "protocols", rules=Rules(_ROOT / "protocols"))
    build_report(tmp_path / "runs", tmp_path / "site", options=options)
    text = (tmp_path / "site" / "protocols" / "frll-cross-v1.html").read_text(encoding="utf-8")
    assert "no value of ssim" in text and "Identity similarity" not in text
    assert "What csim measures" not in (tmp_path / "site" / "metrics.html").read_text(encoding="utf-8")


def test_printed_tables_stand_on_the_page_of_the_nearest_protocol(site: Path) -> None:
    text = (site / "protocols" / "voxceleb1-self-v1.html").read_text(encoding="utf-8")
    assert "HyperReenact (ICCV 2023)" in text and "never ranked with the rows above" in text
    assert "0.0972" in (site / "published.html").read_text(encoding="utf-8")


def test_a_gallery_holds_worst_median_best_and_failed_pairs(site: Path) -> None:
    file = next((site / "gallery").glob("frll-cross-v1-embedded--dg-*.html"))
    text = file.read_text(encoding="utf-8")
    for kind in ("worst", "median", "best", "failed", "sample"):
        assert f'value="{kind}"' in text
    assert text.count('<div class="missing">no-face</div>') >= 4
    worst = [float(v) for v in re.findall(r'data-why="worst[^"]*".*?data-m0="([^"]+)"', text)]
    best = [float(v) for v in re.findall(r'data-why="best[^"]*".*?data-m0="([^"]+)"', text)]
    assert len(worst) == len(best) == 4 and max(worst) < min(best)


def test_images_whose_licence_binds_need_the_flag(runs: Path, tmp_path: Path) -> None:
    protocols = tmp_path / "protocols" / "frll-cross" / "v1"
    protocols.mkdir(parents=True)
    text = (_ROOT / "protocols" / "frll-cross" / "v1" / "protocol.yaml").read_text(encoding="utf-8")
    (protocols / "protocol.yaml").write_text(text.replace("images_may_be_shown: true", "images_may_be_shown: false"))
    asked: list[str] = []

    def inputs(name: str) -> None:
        asked.append(name)

    for flag in (False, True):
        out = tmp_path / f"site-{flag}"
        options = Options(
            runs=runs,
            protocols_root=tmp_path / "protocols",
            inputs=inputs,
            licensed_images=flag,
            figures=False,
            pairs_per_kind=2,
            image_size=32,
        )
        build_report(runs, out, options=options)
        assert bool(list(out.glob("img/*"))) is flag
        assert (out / "gallery").exists() is flag
        assert bool(asked) is flag, "without the flag the data is not even opened"
    assert set(asked) == {"frll-cross@1", "voxceleb1-self@1"}


def test_thumbnails_stop_at_the_budget_and_pages_stay_whole(runs: Path, tmp_path: Path) -> None:
    budget = 3000
    options = Options(
        runs=runs,
        protocols_root=_ROOT / "protocols",
        figures=False,
        pairs_per_kind=3,
        image_size=32,
        image_budget=budget,
        licensed_images=True,
    )
    build_report(runs, tmp_path / "site", options=options)
    sizes = [file.stat().st_size for file in (tmp_path / "site" / "img").iterdir()]
    assert 0 < sum(sizes) <= budget
    for file in _pages(tmp_path / "site"):
        for load in _Page(file).loads:
            assert load.startswith("data:") or (file.parent / load).resolve().is_file()


def test_the_same_records_give_the_same_site_and_left_overs_go(runs: Path, tmp_path: Path) -> None:
    options = Options(protocols_root=_ROOT / "protocols", figures=False)
    first = build_report(runs, tmp_path / "one", options=options)
    (tmp_path / "two").mkdir()
    build_report(runs, tmp_path / "two", options=options)
    for file in first:
        name = file.relative_to(tmp_path / "one")
        assert (tmp_path / "two" / name).read_bytes() == file.read_bytes(), name
    shrunk = tmp_path / "fewer"
    shrunk.mkdir()
    build_report(shrunk, tmp_path / "one", options=options)
    assert not list((tmp_path / "one").glob("protocols/*.html"))
    assert (tmp_path / "one" / "index.html").read_text(encoding="utf-8").count("No record yet") == 1


def test_a_folder_of_the_users_is_never_mixed_with_a_report(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UsageError, match="holds no report"):
        build_report(runs, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_text_of_records_cannot_smuggle_markup_into_the_pages(tmp_path: Path) -> None:
    import fabricated_records as fabricated

    evil = "</script><script>alert(1)</script>\"'"
    for method in ("a", "b"):
        folder = fabricated.write_run(tmp_path / "runs", method, 0.5, run=f"run-{method}")
        frame = fabricated.pair_table(method, quality=0.5)
        record = fabricated.make_record(method, frame, run=f"run-{method}")
        frame["source_identity"] = evil + frame["source_identity"]
        frame["bin"] = evil + frame["bin"]
        frame["failure_kind"] = evil
        metrics = []
        for metric in record.metrics:
            card = metric.card.model_copy(update={"title": evil, "definition": evil, "unit": evil})
            bins = tuple(entry.model_copy(update={"bin": evil}) for entry in metric.bins)
            changes = {"card": card, "card_digest": card.digest, "note": evil, "bins": bins, "failures": {}}
            metrics.append(metric.model_copy(update=changes))
        changed = record.model_copy(update={"metrics": tuple(metrics), "source": evil, "notes": (evil,)})
        fabricated.write_record(folder, changed, frame, {})
    files = build_report(tmp_path / "runs", tmp_path / "site")
    pages = [file for file in files if file.suffix == ".html"]
    assert any("alert(1)" in file.read_text(encoding="utf-8") for file in pages), "the text must reach a page"
    for file in pages:
        assert "<script>alert" not in file.read_text(encoding="utf-8"), file
    assert all(file.is_relative_to(tmp_path / "site") for file in files)


def test_figures_and_tables_for_papers_are_made(site: Path) -> None:
    slug = "frll-cross-v1-embedded"
    for kind in ("intervals", "curves", "pairs"):
        assert (site / "figures" / f"{slug}-{kind}.pdf").read_bytes().startswith(b"%PDF")
        with Image.open(site / "figures" / f"{slug}-{kind}.png") as picture:
            assert picture.width > 300
    table = (site / "tables" / f"{slug}.tex").read_text(encoding="utf-8")
    assert table.count(r"\begin{tabular}") == table.count(r"\end{tabular}") == 1
    assert r"pose\_error $\downarrow$" in table
    assert "coverage 48/96" in table and table.index("oracle") < table.index("partial")
    lines = [line for line in table.splitlines() if line.endswith(r"\\")]
    assert len({line.count(" & ") for line in lines}) == 1
