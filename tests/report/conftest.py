"""A report of made-up records with tiny images, built once, and a headless browser where there is one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import fabricated_records as fabricated
import numpy as np
import pytest
from PIL import Image

from dgbench.report.images import Role
from dgbench.report.site import Options, build_report

_ROOT = Path(__file__).parents[2]


METHODS = {"oracle": 0.95, "dg": 0.62, "blur": 0.6, "first-order-model": 0.45, "partial": 0.9}


def fill_runs(root: Path, *, protocol: str = "frll-cross", judges: str = "embedded") -> None:
    """Write scored runs with images: ``dg`` with failures and home training data, ``partial`` without full coverage."""
    for index, (method, quality) in enumerate(METHODS.items()):
        options: dict[str, object] = {"protocol": protocol, "judges": judges, "run": f"{method}-{judges}-00112233"}
        failures = 4 if method == "dg" else 0
        if method == "dg":
            options["training_data"] = ("frll-train@1",)
        if method == "partial":
            options["expected"] = 96
        folder = fabricated.write_run(root, method, quality, failures=failures, **options)
        images = folder.parent.parent / "images"
        images.mkdir(exist_ok=True)
        for pair in range(failures, 48):
            colour = (40 * index % 256, 5 * pair, 120)
            Image.new("RGB", (16, 16), colour).save(images / f"p{pair:05d}.png")


class Inputs:
    """Flat colours in place of photographs; every seventh pair has no target."""

    def image(self, pair_id: str, role: Role) -> np.ndarray | None:
        number = int(pair_id[1:])
        if role == "target" and number % 7 == 0:
            return None
        shade = {"source": 60, "reference": 130, "target": 200}[role]
        return np.full((16, 16, 3), (shade, number, 90), dtype=np.uint8)


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of run folders, two judge sets, with the printed numbers of the repository."""
    root = tmp_path_factory.mktemp("runs")
    fill_runs(root)
    fill_runs(root, judges="open")
    fill_runs(root, protocol="voxceleb1-self")
    shutil.copytree(_ROOT / "results" / "published", root / "published")
    return root


@pytest.fixture(scope="session")
def site(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of those runs."""
    out = tmp_path_factory.mktemp("report") / "site"
    options = Options(
        runs=runs, protocols_root=_ROOT / "protocols", inputs=lambda name: Inputs(), pairs_per_kind=4, image_size=32
    )
    build_report(runs, out, options=options)
    return out


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """Headless Chromium through its driver; skips with a reason where one of the two is absent."""
    selenium = pytest.importorskip("selenium", reason="selenium is not installed (extra 'dev')")
    binary = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip("chromium and chromium-driver are not installed (Debian: apt-get install chromium chromium-driver)")
    assert selenium
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1280,900",
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    window = webdriver.Chrome(options=options, service=Service(driver))
    yield window
    window.quit()
