"""A results folder as CI sees it: published records and the leaderboard made from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from fabricated_records import lock_cards, write_run

from dgbench.results.records import card_lock
from dgbench.results.records.store import publish
from dgbench.results.tables.leaderboard import build


@pytest.fixture
def made_up_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock of cards in which the made-up ones are released, in place of the package's."""
    monkeypatch.setattr(card_lock, "FILE", lock_cards(tmp_path / "cards.json"))
    return tmp_path / "cards.json"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Three ranked methods, one with failures, published and built."""
    root = tmp_path / "repo" / "results"
    root.mkdir(parents=True)
    for method, quality, failures in (("oracle", 0.9, 0), ("dg", 0.6, 3), ("warp", 0.3, 0)):
        publish(write_run(tmp_path / "runs", method, quality, failures=failures), root)
    build(root)
    return root
