"""docs/evaluate-my-images.md, word for word: its commands and its script, as a stranger would run them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from doc_pages import ROOT, blocks, run_page

PAGE = ROOT / "docs" / "evaluate-my-images.md"


@pytest.mark.slow
def test_the_page_runs_as_it_is_printed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (script,) = [block["text"] for block in blocks(PAGE) if block["file"]]
    assert len(script.splitlines()) <= 15
    printed = run_page(PAGE, home)
    assert len(printed) == 4 and "ssim" in printed[2]
    assert r"Method & SSIM $\uparrow$ & CSIM to source $\uparrow$ & Pose error, degrees $\downarrow$ \\" in printed[3]
    with (home / "results" / "leaderboards" / "synthface-mini-cross@2.csv").open(newline="") as handle:
        methods = {row["method"] for row in csv.DictReader(handle)}
    assert methods == {"my-method", "copy-source"}
