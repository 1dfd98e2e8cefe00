"""A results folder of any size: committed records under new names, so that each is sound and none is measured anew."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from dgbench.core.digests import sha256_bytes

ROOT = Path(__file__).parents[2]


def write_many(place: Path, count: int) -> Path:
    """Write ``count`` records over the ten protocols of the repository's results; return the results folder."""
    results = place / "results"
    folders = sorted(file.parent for file in (ROOT / "results").glob("*/v*/*/*/record.json"))
    shutil.copytree(ROOT / "protocols", place / "protocols", dirs_exist_ok=True)
    for number in range(count):
        folder = folders[number % len(folders)]
        data = json.loads((folder / "record.json").read_text())
        name = f"m{number:05d}"
        data["method"] |= {"name": name, "digest": sha256_bytes(name.encode()), "parameters": {}}
        data["run_id"] = f"0-{number:016x}"
        out = results / data["protocol"]["id"] / "v1" / name / data["run_id"]
        out.mkdir(parents=True)
        for file in ("pair_scores.parquet", "environment.json"):
            (out / file).write_bytes((folder / file).read_bytes())
        (out / "record.json").write_text(json.dumps(data, indent=2, sort_keys=True) + "\n")
    return results
