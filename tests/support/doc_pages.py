"""Runs a page of docs as a reader would: its files are written, its commands run in order, all of them by bash."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: A file to write is named in a comment before its block; a block of sh is run; all others are for the eye.
_BLOCK = re.compile(r"(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)```", re.DOTALL)


def blocks(page: Path, *, section: str = "") -> list[re.Match[str]]:
    """Return the blocks of a page, or of one of its sections (by heading)."""
    text = page.read_text(encoding="utf-8")
    if section:
        begin = re.search(rf"^(#+) {re.escape(section)}$", text, re.MULTILINE)
        assert begin, f"{page.name} has no section '{section}'"
        rest = text[begin.end() :]
        end = re.search(rf"^#{{1,{len(begin[1])}}} ", rest, re.MULTILINE)
        text = rest[: end.start()] if end else rest
    return list(_BLOCK.finditer(text))


def run_page(page: Path, home: Path, *, section: str = "", env: dict[str, str] | None = None) -> list[str]:
    """Run a page in ``home``; every block of sh must end with 0. Returns what each printed.

    One shell runs all, so that what a block exports is there for the next one.
    """
    tools = home.parent / f"{home.name}-bin"
    tools.mkdir()
    for name, call in (("python", ""), ("dgbench", "-m dgbench "), ("pytest", "-m pytest ")):
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {call}"$@"\n')
        (tools / name).chmod(0o755)
    script = ["set -e"]
    count = 0
    for block in blocks(page, section=section):
        if block["file"]:
            path = home / block["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["text"], encoding="utf-8")
        elif block["kind"] == "sh":
            script += [f"exec > '{tools}/{count}.out'", block["text"]]
            count += 1
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)], cwd=home, stderr=subprocess.PIPE, text=True, check=False,
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", **(env or {})},
    )  # fmt: skip
    printed = [file.read_text() for number in range(count) if (file := tools / f"{number}.out").exists()]
    assert done.returncode == 0, f"{page.name}: {done.stderr}\n" + "\n".join(printed)
    return printed
