"""The pages of docs that are commands: each runs word for word, in a folder of its own, as a stranger would run it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from doc_pages import ROOT, run_page

from dgbench.protocols.registry import load_protocol

DOCS = ROOT / "docs"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.mark.slow
def test_plug_in_my_method(home: Path) -> None:
    checked, named, worker = run_page(DOCS / "plug-in-my-method.md", home)
    assert re.findall(r"^(pass|fail|skip) ", checked, re.MULTILINE) == ["pass"] * 11
    assert "record: runs/average/scores/embedded/record.json" in checked
    record = json.loads((home / "runs/average/scores/embedded/record.json").read_text())
    assert record["method"]["name"] == "average"
    assert record["coverage"]["generated"] == load_protocol("synthface-mini-cross@2").protocol.expected_pairs
    assert "average" in named.split()
    assert "average on synthface-mini-self@1: 8/8 pairs generated" in named
    assert "mytoy on synthface-mini-self@1: 8/8 pairs generated" in worker


@pytest.mark.slow
def test_add_a_metric(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (printed,) = run_page(DOCS / "add-a-metric.md", home)
    assert "ms_ssim@1: MS-SSIM, higher is better" in printed
    assert "Structural similarity over three scales" in printed
    record = json.loads((home / "runs/copy-source/scores/embedded-only-ms_ssim+ssim/record.json").read_text())
    first, second = record["metrics"]
    assert first["name"] == "ms_ssim" and second["name"] == "ssim"
    assert 0 < second["value"] < first["value"] < 1, "several scales forgive what one does not"
    assert "ms_ssim               1.0000" in printed


@pytest.mark.slow
def test_add_a_dataset_and_protocol(home: Path) -> None:
    indexed, released = run_page(DOCS / "add-a-dataset-and-protocol.md", home)
    assert "studio: 12 rows" in indexed
    lock = json.loads((home / "my-protocols" / "RELEASED.json").read_text())
    assert "studio-turn@1" in json.dumps(lock)
    record = json.loads((home / "runs/copy-source/scores/embedded/record.json").read_text())
    assert record["coverage"]["expected"] == record["coverage"]["generated"] == 4
    assert "4/4" in released


@pytest.mark.slow
def test_use_it_in_ci(home: Path) -> None:
    run_page(DOCS / "ci.md", home)
    scored = json.loads((home / "score.json").read_text())
    assert [metric["name"] for metric in scored["record"]["metrics"]] == ["ssim", "psnr"]
    assert "copy-source" in (home / "results" / "leaderboards" / "synthface-mini-self@1.md").read_text()
