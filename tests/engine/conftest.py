"""Fixtures of the engine's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from drawn_frll import make_copy

MakeCopy = Callable[..., Path]


@pytest.fixture
def frll_copy(tmp_path: Path) -> MakeCopy:
    """Return a maker of small drawn copies of FRLL."""
    return lambda people=8, *, name="frll": make_copy(tmp_path / name, people=people)
