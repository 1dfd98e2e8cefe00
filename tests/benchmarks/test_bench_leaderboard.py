"""What checking a results folder costs: all records anew, and again when nothing changed.

The number of records is DGBENCH_BENCH_RECORDS (120 by default; 10,000 for a report).
"""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import pytest
from many_records import write_many

from dgbench.results.checks.check import check
from dgbench.results.tables.leaderboard import build

RECORDS = int(os.environ.get("DGBENCH_BENCH_RECORDS", "120"))


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_check_of_many_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = write_many(tmp_path, RECORDS)
    build(results)
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        assert check(results, readmes=[], cache_file=tmp_path / "clean.json") == []
        seconds.append(time.perf_counter() - start)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    with capsys.disabled():
        print(
            f"\n{RECORDS} records: {seconds[0]:.1f} s anew, {seconds[1]:.1f} s again; "
            f"at most {own:.0f} MB here and {children:.0f} MB in a worker"
        )
    assert seconds[1] < seconds[0]
