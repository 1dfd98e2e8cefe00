"""On how many nodes a training runs is torchrun's to say, and two of them train what one process does."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from dgbench.training.dg.loop import nodes_of


def test_nodes_follow_from_torchruns_count_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    monkeypatch.setenv("WORLD_SIZE", "32")
    assert nodes_of(8) == 1, "without torchrun the number is somebody else's"
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "run")
    assert [nodes_of(8), nodes_of(32), nodes_of(1)] == [4, 1, 32]


_CONFIG = """
phases:
  - {stage: self, network: idsg, steps: 2}
  - {stage: self, network: rfg, steps: 2}
rfg: {adversarial_from: 4}
"""


@pytest.mark.slow  # about 20 s: four processes that each load torch and the training images
def test_two_nodes_train_the_model_that_one_process_trains(tmp_path: Path) -> None:
    """Two torchrun agents on this machine, stopped after two steps and resumed, as a cluster's requeued job is."""
    config = tmp_path / "few.yaml"
    config.write_text(_CONFIG)
    verb = [
        "dgbench",
        "train",
        "dg",
        "--preset",
        "small",
        "--config",
        str(config),
        "--protocol",
        "synthface-mini-train",
    ]
    port = _free_port()

    def nodes(*more: str) -> None:
        agents = []
        for rank in range(2):
            launch = ["-m", "torch.distributed.run", "--nnodes", "2", "--node-rank", str(rank), "--nproc-per-node", "1"]
            launch += ["--master-addr", "127.0.0.1", "--master-port", str(port), "--module"]
            command = [sys.executable, *launch, *verb, "--out", str(tmp_path / "two"), *more]
            agents.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        words = []
        for agent in agents:
            said, _ = agent.communicate(timeout=300)
            assert agent.returncode == 0, said
            words.append(said)
        assert sum("steps on 896 images" in said for said in words) == 1, "one process speaks for all"

    nodes("--stop-after", "2")
    assert not (tmp_path / "two" / "dg.json").exists()
    nodes("--resume")
    alone = [sys.executable, "-m", *verb, "--out", str(tmp_path / "one")]
    assert subprocess.run(alone, check=False, capture_output=True, timeout=300).returncode == 0
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    assert one.keys() == two.keys()
    for name, value in one.items():
        # Two halves of a batch add up in another order, and Adam's first steps magnify what is near zero.
        assert torch.allclose(value.float(), two[name].float(), atol=1e-3), name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
