"""Benchmarks measure ratios, which mean something only where nothing else runs: not beside another test worker."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def _alone() -> None:
    if os.environ.get("PYTEST_XDIST_WORKER"):
        pytest.skip("benchmarks need the machine to themselves: run `pytest tests/benchmarks -n 0`")
