"""A small suite on drawn faces, and what of its outcome may not depend on who did the work."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from drawn_frll import make_copy

from dgbench.engine.suite.file import Suite, read_suite

TEXT = """
name: small
protocols: [frll-self@1]
methods: [{name: copy-source}, {name: target}, {name: shuffled}]
judges: [embedded]
data: {frll: frll}
runs: runs
results: results
"""
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def write_suite(folder: Path, *, people: int = 6, text: str = TEXT) -> Path:
    """Draw the data and write ``folder/suite.yaml``."""
    make_copy(folder / "frll", people=people)
    path = folder / "suite.yaml"
    path.write_text(text)
    return path


def small_suite(folder: Path, **options: Any) -> Suite:
    """Return the suite, its data drawn under ``folder``."""
    return read_suite(write_suite(folder, **options))


def results_of(folder: Path) -> dict[str, bytes]:
    """Every file under ``folder/results`` by name; moments are blanked, which no two runs share."""
    found = {}
    for path in sorted((folder / "results").rglob("*")):
        if not path.is_file() or path.name.startswith("."):
            continue
        data = path.read_bytes()
        if path.name == "record.json":
            record = json.loads(data)
            record["created"] = ""
            data = json.dumps(record, sort_keys=True).encode()
        elif path.suffix in (".md", ".csv"):
            data = _DAY.sub("DAY", data.decode()).encode()
        found[path.relative_to(folder).as_posix()] = data
    return found
