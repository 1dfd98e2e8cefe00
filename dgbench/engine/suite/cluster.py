"""A suite's jobs as tasks of a Ray cluster: with CPU and GPU resources, retried where a node or worker dies."""

from __future__ import annotations

import logging
import os
import socket
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any

from dgbench.core.errors import MissingError, UsageError, WorkFailedError
from dgbench.engine.suite.jobs import Job, JobResult, RunPart, unforeseen
from dgbench.engine.suite.remote import Delivery, is_here, merge_shard, run_remote
from dgbench.io.atomic import write_text

_POLL_S = 0.5
_CONNECT_S = 10.0
#: How often Ray begins a task again whose worker or node died.
RETRIES = 3


class RayCluster:
    """A Ray cluster as an executor; leaving the context leaves the cluster.

    The suite's folders lie on storage that every node sees, which is tried before any work; or runs are made in each
    node's own scratch folder and pulled to the driver (``pull``), and then scored on the driver's node.
    """

    threads: int | None

    def __init__(
        self,
        address: str,
        *,
        shared: Path,
        workers: int | None = None,
        cpus: int = 1,
        gpus: float = 1,
        device: str = "cpu",
        pull: bool = False,
    ) -> None:
        """Join a cluster.

        Args:
            address: ``local`` for a cluster of this machine alone, ``auto`` for the one this machine belongs to, or
                what ``ray.init`` takes (``HOST:PORT``, ``ray://HOST:PORT``).
            shared: the folder for runs, which the nodes must see unless ``pull``.
            workers: how many CPUs a local cluster offers; all by default.
            cpus: CPUs that a task takes; also the threads of a scoring.
            gpus: GPUs that a run on ``cuda`` takes; may be a fraction.
            device: what the runs are going to ask for.
            pull: bring results to the driver instead of sharing a folder.

        Raises:
            MissingError: Ray is not installed. UsageError: no cluster answers there, or it is too small for one task.
        """
        self._ray = _import_ray()
        self._connect(address, workers)
        self._shared, self._cpus, self._gpus, self._pull = shared, cpus, gpus, pull
        self.threads = cpus
        offered = self._ray.cluster_resources()
        total = int(offered.get("CPU", 0))
        if total < cpus:
            raise UsageError(f"--cluster {address}: offers {total} CPUs and a task asks for {cpus}")
        if device.startswith("cuda") and offered.get("GPU", 0) < gpus:
            raise UsageError(  # Ray would wait for such a node, silently and for ever
                f"--cluster {address}: offers {offered.get('GPU', 0):g} GPUs and a run on {device} asks for {gpus:g}; "
                "add a node that has them first (a cluster that grows by itself is asked only once it has one), or "
                "run with --device cpu"
            )
        # Twice what fits: a node that becomes free finds its next task waiting.
        self.size = 2 * (total // cpus)
        self._jobs: dict[Any, Job] = {}
        self._mark = shared / f".cluster-{uuid.uuid4().hex}"

    def __enter__(self) -> RayCluster:
        write_text(self._mark, "a node that sees this file shares the folder\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._mark.unlink(missing_ok=True)
        self._ray.shutdown()

    def start(self, job: Job) -> None:
        """Hand a job to the cluster."""
        options: dict[str, Any] = {"num_cpus": self._cpus, "max_retries": RETRIES, "name": job.name}
        if isinstance(job, RunPart) and job.device.startswith("cuda"):
            options["num_gpus"] = self._gpus
            job = RunPart(job.suite, job.cell, job.shard, "cuda")  # Ray shows a task its own devices alone
        away = self._pull and isinstance(job, RunPart) and not is_here(job)
        if self._pull and not away:
            options["scheduling_strategy"] = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
                self._ray.get_runtime_context().get_node_id(), soft=False
            )
        task = self._ray.remote(**options)(run_remote).remote(job, None if away else str(self._mark))
        self._jobs[task] = job

    def finished(self) -> tuple[Job, JobResult] | None:
        """Wait half a second for a task to be done, and bring in what it made elsewhere."""
        ready, _ = self._ray.wait(list(self._jobs), num_returns=1, timeout=_POLL_S)
        if not ready:
            return None
        job = self._jobs.pop(ready[0])
        try:
            result = self._ray.get(ready[0])
        except self._ray.exceptions.RayTaskError as error:
            return job, JobResult(unforeseen(job, error.cause))
        except self._ray.exceptions.RayError as error:
            said = " ".join(str(error).split())[:200]
            failure = WorkFailedError(f"{job.name}: lost {RETRIES + 1} times by the cluster ({said}); run it again")
            return job, JobResult(failure)
        if isinstance(result, Delivery):
            assert isinstance(job, RunPart)
            result = merge_shard(job, result)
        return job, result

    def stop(self) -> None:
        """Ask the tasks under way to finish their batch, and wait for them."""
        for task in self._jobs:
            self._ray.cancel(task, force=False)
        self._ray.wait(list(self._jobs), num_returns=len(self._jobs), timeout=60) if self._jobs else None
        self._jobs.clear()

    def _connect(self, address: str, workers: int | None) -> None:
        options: dict[str, Any] = {
            "address": address,
            "log_to_driver": False,
            "logging_level": logging.ERROR,
            "runtime_env": {"env_vars": {k: v for k, v in os.environ.items() if k.startswith("DGBENCH_")}},
        }
        if address == "local":
            options |= {"include_dashboard": False, "num_cpus": workers}
        try:
            _require_open_port(address)
            self._ray.init(**options)
        except (ConnectionError, ValueError, RuntimeError, OSError, self._ray.exceptions.RayError) as error:
            said = " ".join(str(error).split())[:200]
            raise UsageError(
                f"--cluster {address}: no Ray cluster answers there ({said}); start one with `ray start --head`, "
                "or use --cluster local"
            ) from error


def _require_open_port(address: str) -> None:
    """Ray waits minutes for a host that is not there; a look at the port tells in seconds.

    Raises:
        OSError: nobody listens there.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S).close()


def _import_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    try:
        import ray
        import ray.util.scheduling_strategies
    except ImportError as error:
        raise MissingError(
            "--cluster needs Ray, which is not installed here: pip install 'dgbench[cluster]' (or use --workers N, "
            "which needs nothing more)"
        ) from error
    return ray
