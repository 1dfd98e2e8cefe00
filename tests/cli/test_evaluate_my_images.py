"""docs/evaluate-my-images.md, word for word: its commands and its script, as a stranger would run them."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "evaluate-my-images.md"
_BLOCK = re.compile(r"(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<kind>sh|python)\n(?P<text>.*?)```", re.DOTALL)


@pytest.mark.slow
def test_the_page_runs_as_it_is_printed(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, call in (("python", ""), ("dgbench", "-m dgbench ")):
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {call}"$@"\n')
        (tools / name).chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    ran = []
    for block in _BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        if block["kind"] == "python":
            assert len(block["text"].splitlines()) <= 15
            (home / str(block["file"])).write_text(block["text"])
            continue
        done = subprocess.run(
            ["bash", "-e", "-c", block["text"]], cwd=home, capture_output=True, text=True, check=False,
            env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},
        )  # fmt: skip
        assert done.returncode == 0, f"{block['text']}{done.stderr}"
        ran.append(done.stdout)
    assert len(ran) == 4 and "ssim" in ran[2]
    with (home / "results" / "leaderboards" / "synthface-mini-cross@2.csv").open(newline="") as handle:
        methods = {row["method"] for row in csv.DictReader(handle)}
    assert methods == {"my-method", "copy-source"}
