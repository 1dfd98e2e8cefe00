"""Who does a suite's jobs: this process, a pool of processes (``pool``), or a Ray cluster (``cluster``)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from dgbench.core.errors import UsageError
from dgbench.engine.suite.jobs import Answer, Job, perform


class Crew(Protocol):
    """Takes jobs and gives back answers in the order in which they are done."""

    @property
    def size(self) -> int:
        """How many jobs are worth having under way at once."""

    @property
    def threads(self) -> int | None:
        """Threads that one scoring may use, ``None`` for all cores."""

    def start(self, job: Job) -> None:
        """Begin a job."""

    def finished(self) -> tuple[Job, Answer] | None:
        """Wait a moment for a job to be done; ``None`` where none was."""

    def stop(self) -> None:
        """Ask the jobs under way to finish their batch and stop; their answers still come."""


class Alone:
    """This process does the jobs, one after another."""

    size = 1
    threads: int | None = None

    def __init__(self) -> None:
        self._waiting: list[Job] = []

    def start(self, job: Job) -> None:
        """Take a job; it is done when its answer is asked for."""
        self._waiting.append(job)

    def finished(self) -> tuple[Job, Answer] | None:
        """Do the next job now."""
        if not self._waiting:
            return None
        job = self._waiting.pop(0)
        return job, perform(job)

    def stop(self) -> None:
        """Forget what was not begun; a job that is under way hears of the stop by itself."""
        self._waiting.clear()


@contextlib.contextmanager
def hire(
    *,
    workers: int | None = None,
    cluster: str | None = None,
    shared: Path,
    device: str = "cpu",
    cpus: int = 1,
    gpus: float = 1,
    pull: bool = False,
) -> Iterator[Crew]:
    """Yield the crew that was asked for: a Ray cluster, ``workers`` processes, or this process alone.

    Raises:
        UsageError: options that do not fit, or no cluster answers. MissingError: Ray is not installed.
    """
    if cluster is None and (pull or cpus != 1 or gpus != 1):
        raise UsageError("--cpus, --gpus and --pull are for --cluster")
    if cluster is not None:
        if workers is not None and cluster != "local":
            raise UsageError("--workers is for this machine; the size of a Ray cluster is set where it is started")
        from dgbench.engine.suite.cluster import RayCluster

        with RayCluster(
            cluster, shared=shared, workers=workers, cpus=cpus, gpus=gpus, device=device, pull=pull
        ) as crew:
            yield crew
    elif workers is not None and workers > 1:
        from dgbench.engine.suite.pool import ProcessPool

        with ProcessPool(workers, devices=_devices(device)) as pool:
            yield pool
    else:
        yield Alone()


def _devices(device: str) -> int:
    """How many CUDA devices ``cuda`` may mean; no torch is loaded for a run on the CPU."""
    if device != "cuda":
        return 0
    import torch

    return torch.cuda.device_count()
