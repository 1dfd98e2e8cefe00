"""Who does a suite's jobs: this process, commands side by side on this machine, or a Ray cluster (``cluster``)."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol

from dgbench.core.errors import UsageError
from dgbench.engine.suite.jobs import Job, JobResult, RunPart, arguments, perform, result_of
from dgbench.io.parent import PARENT

_POLL_S = 0.05
#: What numeric libraries read how many threads they may use from.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")


class Executor(Protocol):
    """Takes jobs and gives back results in the order in which they are done."""

    @property
    def size(self) -> int:
        """How many jobs are worth having under way at once."""

    @property
    def threads(self) -> int | None:
        """Threads that one scoring may use, ``None`` for all cores."""

    def start(self, job: Job) -> None:
        """Begin a job."""

    def finished(self) -> tuple[Job, JobResult] | None:
        """Wait a moment for a job to be done; ``None`` where none was."""

    def stop(self) -> None:
        """Ask the jobs under way to finish their batch, and wait for them."""


class ThisProcess:
    """This process does the jobs, one after another."""

    size = 1
    threads: int | None = None

    def __init__(self) -> None:
        self._waiting: list[Job] = []

    def start(self, job: Job) -> None:
        """Take a job; it is done when its result is asked for."""
        self._waiting.append(job)

    def finished(self) -> tuple[Job, JobResult] | None:
        """Do the next job now."""
        if not self._waiting:
            return None
        job = self._waiting.pop(0)
        return job, perform(job)

    def stop(self) -> None:
        """Forget what was not begun; a job that is under way hears of the stop by itself."""
        self._waiting.clear()


class Commands:
    """``size`` commands side by side, each a ``dgbench run`` or ``dgbench score`` of its own.

    Use it as a context manager: at its end no process is left, and where this process is killed they end with it.
    """

    def __init__(self, size: int, *, devices: int = 0) -> None:
        """``devices`` is how many CUDA devices jobs for ``cuda`` are spread over."""
        self.size, self._devices = size, devices
        self.threads: int | None = max(1, _cores() // size)
        self._slots: list[tuple[Job, subprocess.Popen[bytes], IO[bytes]] | None] = [None] * size

    def __enter__(self) -> Commands:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, process, _ in filter(None, self._slots):
            process.kill()
            process.wait()

    def start(self, job: Job) -> None:
        """Start a job's command."""
        number = self._slots.index(None)
        if isinstance(job, RunPart) and job.device == "cuda" and self._devices > 1:
            job = RunPart(job.suite, job.cell, job.shard, f"cuda:{number % self._devices}")
        output = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the slot
        threads = dict.fromkeys(_THREADS, str(self.threads))
        process = subprocess.Popen(  # noqa: S603 - this interpreter, this package
            [sys.executable, "-m", "dgbench", *arguments(job)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.DEVNULL,  # the error is in the output too
            env={**os.environ, **threads, PARENT: str(os.getpid())},
            start_new_session=True,  # Ctrl-C is told to this process, which asks them
        )
        self._slots[number] = (job, process, output)

    def finished(self) -> tuple[Job, JobResult] | None:
        """Wait half a second for a command to end."""
        for _ in range(10):
            for number, slot in enumerate(self._slots):
                if slot is not None and slot[1].poll() is not None:
                    self._slots[number] = None
                    return slot[0], _result(*slot)
            time.sleep(_POLL_S)
        return None

    def stop(self) -> None:
        """Ask every command to finish its batch, and wait for it."""
        for _, process, _ in filter(None, self._slots):
            process.terminate()
        for _, process, output in filter(None, self._slots):
            process.wait()
            output.close()
        self._slots = [None] * self.size


def _result(job: Job, process: subprocess.Popen[bytes], output: IO[bytes]) -> JobResult:
    with output:
        output.seek(0)
        return result_of(job, process.returncode, output.read().decode(errors="replace"))


@contextlib.contextmanager
def make_executor(
    *,
    workers: int | None = None,
    cluster: str | None = None,
    shared: Path,
    device: str = "cpu",
    cpus: int = 1,
    gpus: float = 1,
    pull: bool = False,
) -> Iterator[Executor]:
    """Yield what was asked for: a Ray cluster, ``workers`` commands side by side, or this process alone.

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
        ) as nodes:
            yield nodes
    elif workers is not None and workers > 1:
        with Commands(workers, devices=_devices(device)) as commands:
            yield commands
    else:
        yield ThisProcess()


def _devices(device: str) -> int:
    """How many CUDA devices ``cuda`` may mean; no torch is loaded for a run on the CPU."""
    if device != "cuda":
        return 0
    import torch

    return torch.cuda.device_count()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
