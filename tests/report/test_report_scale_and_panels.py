"""Axes that one floor does not flatten, people through poses, and images shared out evenly."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import fabricated_records as fabricated
import pytest
from PIL import Image

from dgbench.report import site as report_site
from dgbench.report.differences import difference_data
from dgbench.report.gallery import choose
from dgbench.report.images import Thumbnails
from dgbench.report.panels import COLUMNS, PEOPLE
from dgbench.report.plots import Mark, Series, curve_plot, interval_plot
from dgbench.report.protocol_page import Site
from dgbench.report.scale import Span, on_scale
from dgbench.report.site import Options, build_report
from dgbench.report.views import protocol_views
from dgbench.results.boards.board import make_boards
from dgbench.results.records.store import find_records

_ROOT = Path(__file__).parents[2]


def test_only_a_worst_row_that_stretches_the_axis_is_off_the_scale() -> None:
    errors = [Span(9, 11), Span(11, 15), Span(44, 49), Span(180, 180)]
    assert on_scale(errors, "lower") == [True, True, True, False]
    assert on_scale(errors, "higher") == [True] * 4, "the best row is never taken away"
    assert on_scale([Span(0.1, 0.2), Span(0.3, 0.4), Span(0.5, 0.6)], "lower") == [True] * 3
    assert on_scale([Span(1, 1)] * 4 + [Span(9, 9)], "lower") == [True] * 5, "equal rows give no scale to leave"
    assert on_scale([], "lower") == []


def test_a_row_off_the_scale_is_a_pointer_with_its_value() -> None:
    marks = [Mark(name, value, value - 1, value + 1) for name, value in (("a", 9.0), ("b", 12.0), ("c", 15.0))]
    svg = interval_plot([*marks, Mark("black", 180.0, 180.0, 180.0)], title="t", better="lower")
    assert svg.count('class="off"') == 1 and ">180.000<" in svg
    assert svg.count('class="bar"') == 3
    ticks = [float(text) for text in re.findall(r'class="tick"[^>]*>([\d.]+)<', svg)]
    assert max(tick for tick in ticks if tick != 180.0) < 30
    lines = [Series(m.label, (Mark("0", m.value), Mark("45", m.value)), i) for i, m in enumerate(marks)]
    floor = Series("black", (Mark("0", 180.0), Mark("45", 180.0)), 3)
    assert "black (off scale)" in curve_plot([*lines, floor], bins=[("0", 1), ("45", 1)], title="t", better="lower")


def test_panels_stand_on_the_page_with_references_on_top_and_the_target_below(site: Path) -> None:
    page = (site / "protocols" / "frll-cross-v1.html").read_text(encoding="utf-8")
    panels = re.findall(r'<figure class="panel">.*?</figure>', page, re.S)
    assert len(panels) == 2 * PEOPLE, "one set for each of the two judge sets"
    heads = re.findall(r'<th scope="row">(\w[^<]*)<', panels[0])
    assert heads[0] == "Reference" and heads[-1] == "Target" and "oracle" in heads
    yaws = [int(text.replace("−", "-").rstrip("°")) for text in re.findall(r"<small>([−+]?\d+°)</small>", panels[0])]
    assert yaws == sorted(yaws) and 1 < len(yaws) <= COLUMNS
    assert (site / "figures" / "frll-cross-v1-embedded-person.pdf").read_bytes().startswith(b"%PDF")
    for image in re.findall(r"<img [^>]*>", panels[0]):
        assert re.search(r'alt="(Reference|Source|Result|Target)[^"]+"', image)


def test_images_are_shared_out_so_that_no_protocol_takes_them_all(runs: Path, tmp_path: Path) -> None:
    options = Options(runs=runs, protocols_root=_ROOT / "protocols", figures=False, image_size=32,
                      image_budget=12_000, licensed_images=True)  # fmt: skip
    build_report(runs, tmp_path / "site", options=options)
    counts = {}
    for page in (tmp_path / "site" / "gallery").iterdir():
        counts[page.name.partition("--")[0]] = page.read_text(encoding="utf-8").count("<img ")
    assert set(counts) == {"frll-cross-v1-embedded", "frll-cross-v1-open", "voxceleb1-self-v1-embedded"}
    assert min(counts.values()) > 0


def test_a_share_is_never_overspent_and_the_rest_comes_later(tmp_path: Path) -> None:
    pictures = []
    for number in range(30):
        file = tmp_path / f"{number}.png"
        Image.effect_noise((32, 32), 40 + number).save(file)
        pictures.append(file)
    thumbs = Thumbnails(tmp_path / "out", size=32, budget=8000)
    floor = thumbs.share(2)
    assert floor == 4000
    first = [thumbs.add(file) for file in pictures[:15]]
    assert None in first and thumbs.left >= 4000
    thumbs.share(1)
    assert thumbs.add(pictures[20]) is not None
    assert thumbs.share(4, floor=1000) == thumbs.left - (thumbs.left - 1000) // 4


def test_kinds_of_pairs_take_turns() -> None:
    from fabricated_records import pair_table

    table = pair_table("a", quality=0.5, failures=3)
    chosen = choose(table, "csim", higher=True, count=3, sample=table["pair_id"].tolist()[10:13])
    kinds = [why[0] for why in chosen.values()]
    assert set(kinds[:5]) == {"worst", "median", "best", "failed", "sample"}
    worst = table[table["csim__measured"]].sort_values("csim")["pair_id"].iloc[0]
    assert next(iter(chosen)) == worst and chosen[worst][0] == "worst"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_panels_and_variants_can_be_read(browser: object, site: Path, theme: str) -> None:
    browser.get((site / "protocols" / "frll-cross-v1.html").as_uri())  # type: ignore[attr-defined]
    script = """
      document.documentElement.dataset.theme = arguments[0];
      const small = Array.from(document.querySelectorAll('.panel tbody th')).filter(th => th.offsetWidth < 60);
      return small.length;"""
    assert browser.execute_script(script, theme) == 0  # type: ignore[attr-defined]


def test_a_large_table_of_all_values_is_stored_compressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a,b\n1,2\n"
    small = Site(tmp_path / "small")
    assert report_site.write_overall(small, text) == "data/overall.csv"
    assert small.files[0].read_text() == text
    monkeypatch.setattr(report_site, "_LARGE", 4)
    large = Site(tmp_path / "large")
    assert report_site.write_overall(large, text) == "data/overall.csv.gz"
    assert gzip.decompress(large.files[0].read_bytes()).decode() == text


def test_of_a_long_table_the_first_metrics_are_drawn_and_their_parts_not_compared(tmp_path: Path) -> None:
    metrics = ("ssim", "csim", "psnr", "pose_error", "akd", "csim_ceiling")
    for number in range(26):
        fabricated.write_run(tmp_path, f"m{number:02d}", 0.5, pairs=12, people=4, metrics=metrics)
        if number in (1, 25):
            (board,) = make_boards(find_records(tmp_path))
            view = protocol_views([board], {})[0].sections[0]
            tables = {row.stored.path: row.pair_scores() for row in view.section.rows}
            data = difference_data(view, tables)
            assert data is not None
            compared = [metric["name"] for metric in data["metrics"]]
            drawn = [column.name for column in view.plotted]
            assert [column.name for column in view.columns] == ["ssim", "csim", "psnr", "pose_error", "akd", "fd"]
            assert drawn == ["ssim", "csim", "psnr", "pose_error", *(["akd", "fd"] if number == 1 else [])]
            assert ("csim_ceiling" in compared) is (number == 1) and "akd" in compared
