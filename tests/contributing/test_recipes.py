"""CONTRIBUTING.md's recipes and the README's class, word for word, in a copy of the checkout or a folder apart."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from doc_pages import ROOT, run_page

PAGE = ROOT / "CONTRIBUTING.md"
_ADD = re.compile(r"<!-- add to: (?P<file>\S+) after: (?P<after>.+?) -->\n```\w+\n(?P<text>.*?)```", re.DOTALL)
pytestmark = pytest.mark.slow


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what a contributor has, without history."""
    copy = tmp_path / "checkout"
    copy.mkdir()
    skip = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in ("dgbench", "protocols", "baselines"):
        shutil.copytree(ROOT / name, copy / name, ignore=skip)
    for name in ("tests/metrics", "tests/golden", "tests/support"):
        shutil.copytree(ROOT / name, copy / name, ignore=skip)
    (copy / "tests" / "datasets").mkdir()
    for name in ("tests/conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, copy / name)
    return copy


def follow(section: str, checkout: Path) -> list[str]:
    """Do what a section says: lines added where it says, files written, commands run."""
    text = PAGE.read_text(encoding="utf-8")
    begin = text.index(f"## {section}\n")
    for added in _ADD.finditer(text, begin, text.index("\n## ", begin)):
        file = checkout / added["file"]
        before = file.read_text(encoding="utf-8")
        assert before.count(f"{added['after']}\n") == 1, f"{added['file']} has no line '{added['after']}'"
        file.write_text(before.replace(f"{added['after']}\n", f"{added['after']}\n{added['text']}"), encoding="utf-8")
    return run_page(PAGE, checkout, section=section, env={"PYTHONPATH": str(checkout)})


def style(checkout: Path, *files: str) -> None:
    """The code of a recipe is as clean as ours."""
    for what in (("check",), ("format", "--check")):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *what, "--no-cache", *files], cwd=checkout, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_add_a_metric(checkout: Path) -> None:
    (printed,) = follow("Add a metric", checkout)
    assert "mse@1: MSE, lower is better" in printed
    golden = json.loads((checkout / "dgbench" / "doctor" / "golden.json").read_text())
    assert 0 < golden["mse"] < 1
    assert '"mse"' in (checkout / "dgbench" / "results" / "records" / "cards.json").read_text()
    style(checkout, "dgbench/metrics/mse.py", "tests/metrics/test_mse.py")


def test_add_a_data_set_with_its_protocol(checkout: Path) -> None:
    (printed,) = follow("Add a data set with its protocol", checkout)
    assert "duo: 8 rows" in printed
    released = (checkout / "protocols" / "duo-self" / "v1" / "protocol.yaml").read_text()
    assert "expected_pairs: 2\n" in released and "pairs_sha256:" in released
    assert "duo-self@1" in (checkout / "protocols" / "RELEASED.json").read_text()
    style(checkout, "dgbench/datasets/duo.py", "dgbench/protocols/samplers/duo.py", "tests/datasets/test_duo.py")


def test_add_a_method(checkout: Path) -> None:
    (printed,) = follow("Add a method", checkout)
    assert "mirror on synthface-mini-self@1: 8/8 pairs generated" in printed
    assert (checkout / "runs" / "mirror" / "run.json").is_file()
    style(checkout, "dgbench/methods/sanity/mirror.py")


@pytest.mark.slow
def test_the_readmes_class_runs_from_the_command_line(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(text[text.index("## A method, and Python") : text.index("## Why these numbers")])
    (printed,) = run_page(page, home)
    assert re.findall(r"^(pass|fail|skip) ", printed, re.MULTILINE) == ["pass"] * 11
    assert json.loads((home / "runs/average/scores/embedded/record.json").read_text())["method"]["name"] == "average"
    done = subprocess.run(
        [sys.executable, "evaluate.py"], cwd=home, capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert names == ["ssim", "csim", "1.0"]
