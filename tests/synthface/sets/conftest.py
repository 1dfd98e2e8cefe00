"""A head made of formulas, a fast stand-in for rendering, and a small tree of each kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from analytic_head import analytic_head

from dgbench.core.digests import seed_of
from dgbench.core.face import Image, Landmarks
from dgbench.synthface.head.load import load_head
from dgbench.synthface.head.model import Head
from dgbench.synthface.sets import tree
from dgbench.synthface.sets.cells import Shot
from dgbench.synthface.sets.layouts import Selection
from dgbench.synthface.sets.tree import TreePlan


def drawn(head: Head, shot: Shot, *, seed: int, canvas: tuple[int, int]) -> tuple[Image, Landmarks]:
    """Stand in for rendering where a test is about files: noise and points that follow from the key."""
    rng = np.random.default_rng(seed_of(shot.key, seed, canvas))
    image = rng.integers(0, 256, (canvas[1], canvas[0], 3), dtype=np.uint8)
    points = rng.uniform(0, canvas[0], (68, 3)).astype(np.float32)
    return image, Landmarks(points, rng.random(68).astype(np.float32), "truth")


@pytest.fixture(scope="session")
def small_head() -> Head:
    return analytic_head()


@pytest.fixture(scope="session")
def real_head(assets: Path) -> Head:
    return load_head(assets / "ict_facekit" / "ict_facekit.npz")


@pytest.fixture
def no_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "render_shot", drawn)


@pytest.fixture
def rafd_plan() -> TreePlan:
    """Three people, two cameras, two expressions: 36 images."""
    only = {"camera": frozenset({"045", "090"}), "expression": frozenset({"happy", "neutral"})}
    return TreePlan("rafd", 0, 64, Selection(identities=3, only=only))
