"""On how many nodes a training runs is torchrun's to say."""

from __future__ import annotations

import pytest

from dgbench.training.loop import nodes_of


def test_nodes_follow_from_torchruns_count_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    monkeypatch.setenv("WORLD_SIZE", "32")
    assert nodes_of(8) == 1, "without torchrun the number is somebody else's"
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "run")
    assert [nodes_of(8), nodes_of(32), nodes_of(1)] == [4, 1, 32]
