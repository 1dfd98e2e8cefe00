"""The two heads that SynthFace's tests render: the scanned one where it is, and the one made of formulas."""

from __future__ import annotations

from pathlib import Path

import pytest
from analytic_head import analytic_head

from dgbench.synthface.head.load import load_head
from dgbench.synthface.head.model import Head


@pytest.fixture(scope="session")
def head_file(assets: Path) -> Path:
    path = assets / "ict_facekit" / "ict_facekit.npz"
    if not path.exists():
        pytest.skip("needs the scanned head: ict_facekit/ict_facekit.npz in DGBENCH_TEST_ASSETS")
    return path


@pytest.fixture(scope="session")
def scanned(head_file: Path) -> Head:
    return load_head(head_file)


@pytest.fixture(scope="session")
def simple() -> Head:
    return analytic_head()
