"""A suite on a Ray cluster of two nodes, one of which is killed midway: the leaderboard of one process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_suite import results_of, small_suite

from dgbench.core.errors import MissingError, UsageError
from dgbench.engine.suite.cluster import RayCluster
from dgbench.engine.suite.jobs import Job, JobResult
from dgbench.engine.suite.runner import run_suite


def test_without_ray_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingError, match=r"pip install 'dgbench\[cluster\]'"):
        RayCluster("local", shared=tmp_path)


class FakeRay:
    """Ray as far as a cluster's size is looked at."""

    def __init__(self, **resources: float) -> None:
        self.resources = resources

    def cluster_resources(self) -> dict[str, float]:
        return self.resources


@pytest.mark.parametrize(("device", "gpus", "offered"), [("cuda", 1, {}), ("cuda:0", 2, {"GPU": 1.0})])
def test_a_cluster_without_the_gpus_is_said_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, gpus: float, offered: dict[str, float]
) -> None:
    monkeypatch.setattr("dgbench.engine.suite.cluster._import_ray", lambda: FakeRay(CPU=4.0, **offered))
    monkeypatch.setattr(RayCluster, "_connect", lambda *_: None)
    with pytest.raises(UsageError, match=rf"offers \d GPUs and a run on {device} asks for {gpus}.*grows by itself"):
        RayCluster("auto", shared=tmp_path, device=device, gpus=gpus)
    assert RayCluster("auto", shared=tmp_path, device="cpu", gpus=gpus).size == 8


class TwoNodes:
    """A head of one CPU, where the driver is, and a second node of one CPU that can be killed."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        quiet = {"include_dashboard": False, "object_store_memory": 80 << 20}
        self.cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **quiet})
        self.second: Any = self.cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
        self.cluster.wait_for_nodes()

    def kill_second(self) -> None:
        self.cluster.remove_node(self.second, allow_graceful=False)


@pytest.fixture
def nodes() -> Iterator[TwoNodes]:
    pytest.importorskip("ray", reason="the cluster extra is not installed: pip install 'dgbench[cluster]'")
    two = TwoNodes()
    yield two
    two.cluster.shutdown()


class Watched(RayCluster):
    """Kills the second node after the first answer, with tasks under way on it."""

    nodes: TwoNodes | None = None
    under_way: int = 0

    def finished(self) -> tuple[Job, JobResult] | None:
        done = super().finished()
        if done and self.nodes is not None:
            self.under_way = len(self._jobs)
            self.nodes.kill_second()
            self.nodes = None
        return done


@pytest.mark.slow  # about 35 s: two Ray nodes are started, and every task loads its own judges
def test_a_node_is_killed_midway_and_the_leaderboard_is_that_of_one_process(tmp_path: Path, nodes: TwoNodes) -> None:
    (tmp_path / "one").mkdir()
    run_suite(small_suite(tmp_path / "one"))
    (tmp_path / "two").mkdir()
    suite = small_suite(tmp_path / "two")
    with Watched(nodes.cluster.address, shared=suite.runs) as crew:
        crew.nodes = nodes
        outcomes, _ = run_suite(suite, executor=crew, parts=2)
        assert crew.nodes is None and crew.under_way >= 2
    assert not [o.error for o in outcomes if o.error]
    assert results_of(tmp_path / "two") == results_of(tmp_path / "one")

    # The nodes that are left share no folder: runs come back to the driver, and what is here is not run again.
    (tmp_path / "far").mkdir()
    suite = small_suite(tmp_path / "far")
    for _ in range(2):
        with RayCluster(nodes.cluster.address, shared=suite.runs, pull=True) as crew:
            outcomes, _ = run_suite(suite, executor=crew)
        assert not [o.error for o in outcomes if o.error]
        assert results_of(tmp_path / "far") == results_of(tmp_path / "one")


def test_a_cluster_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the cluster extra is not installed")
    with pytest.raises(UsageError, match="no Ray cluster answers there") as caught:
        RayCluster("127.0.0.1:1", shared=tmp_path)
    assert "\n" not in str(caught.value)
