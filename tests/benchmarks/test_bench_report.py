"""A report at scale: 50 methods on many protocols of 5,000 pairs each, its size and how fast its pages open.

As many metrics as a real record has, since the pages grow with their number.

Opening is compared with a bare HTML table of one protocol's values opened by the same browser in the same run. By
default two protocols are built and the size is scaled up to twenty; DGBENCH_BENCH_FULL=1 builds all twenty.
"""

from __future__ import annotations

import os
import shutil
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fabricated_records import write_run

from dgbench.report.site import Options, build_report

METHODS, PAIRS, PEOPLE, PROTOCOLS = 50, 5000, 100, 20
METRICS = (
    *("ssim", "csim", "psnr", "l1", "pose", "landmark_nme", "expression", "detection", "akd", "csim_fallback"),
    *("csim_target", "csim_ceiling", "csim_impostor", "pose_yaw", "pose_pitch", "pose_roll"),
)
BUILT = PROTOCOLS if os.environ.get("DGBENCH_BENCH_FULL") else 2


@pytest.fixture(scope="module")
def big_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("big")
    for protocol in range(BUILT):
        for method in range(METHODS):
            write_run(
                root / "runs",
                f"method-{method:02d}",
                0.3 + 0.012 * ((method * 7 + protocol) % METHODS),
                pairs=PAIRS,
                people=PEOPLE,
                failures=method,
                metrics=METRICS,
                protocol=f"scale{protocol:02d}-cross",
                run=f"method-{method:02d}-{protocol:02d}-aabbccdd",
            )
    build_report(root / "runs", root / "site", options=Options())
    return root / "site"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    pytest.importorskip("selenium", reason="selenium is not installed (extra 'dev')")
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip("chromium and chromium-driver are not installed (Debian: apt-get install chromium chromium-driver)")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    flags = "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-sync"
    for flag in (*flags.split(), "disable-component-update", f"user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(f"--{flag}")
    window = webdriver.Chrome(options=options, service=Service(driver))
    yield window
    window.quit()


def _opening(browser: Any, file: Path) -> float:
    """Median milliseconds from navigation to the end of the load event, over five openings."""
    script = "const e = performance.getEntriesByType('navigation')[0]; return e.loadEventEnd - e.startTime"
    times = []
    for _ in range(5):
        browser.get(file.as_uri())
        times.append(float(browser.execute_script(script)))
    return statistics.median(times)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_report_of_fifty_methods_is_small(big_site: Path) -> None:
    """Slow because it makes and reads five hundred thousand pair scores for each metric."""
    kinds: dict[str, int] = {}
    for file in big_site.rglob("*"):
        if file.is_file():
            kind = file.relative_to(big_site).parts[0]
            kinds[kind] = kinds.get(kind, 0) + file.stat().st_size
    scaled = sum(kinds.values()) * PROTOCOLS / BUILT
    print(f"{scaled / 1e6:.1f} MB for {PROTOCOLS} protocols; built {BUILT}: {dict(sorted(kinds.items()))}")
    assert scaled < 20e6


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_its_heaviest_pages_open_about_as_fast_as_a_bare_table(big_site: Path, chromium: Any, tmp_path: Path) -> None:
    """Slow for the same reason; the peer is one protocol's values as a plain table without styles, plots or scripts."""
    import pandas as pd

    bare = tmp_path / "bare.html"
    values = pd.read_csv(next((big_site / "data").glob("scale00-*.csv")))
    bare.write_text("<!doctype html><meta charset=utf-8>" + values.to_html(), encoding="utf-8")
    peer = _opening(chromium, bare)
    pages = [big_site / "index.html", *(max((big_site / kind).iterdir(), key=lambda file: file.stat().st_size)
             for kind in ("protocols", "compare", "methods"))]  # fmt: skip
    for page in pages:
        took = _opening(chromium, page)
        size = page.stat().st_size / 1e3
        print(f"{page.relative_to(big_site)}: {took:.0f} ms ({size:.0f} kB); bare table {peer:.0f} ms")
        assert took < 12 * max(peer, 20.0), "a page that opens far slower than its own bare table"
