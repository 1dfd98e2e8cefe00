"""A pool of processes on this machine: jobs side by side, and a process that dies is replaced and its job redone."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
from collections import Counter
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any

from dgbench.core.errors import WorkFailedError
from dgbench.engine.suite.jobs import Answer, Job, RunPart, perform

_LOG = logging.getLogger(__name__)
_POLL_S = 0.5
#: How often a job is begun again after the process that did it died.
RETRIES = 3


@dataclass
class _Worker:
    process: Any
    connection: Connection
    job: Job | None = None


class ProcessPool:
    """``size`` processes that each do one job at a time; a crew of :func:`dgbench.engine.suite.runner.run_suite`.

    Use it as a context manager: at its end no process is left.
    """

    def __init__(self, size: int, *, devices: int = 0) -> None:
        """Prepare a pool.

        Args:
            size: how many processes.
            devices: how many CUDA devices to spread jobs for ``cuda`` over.
        """
        self.size = size
        self.threads: int | None = max(1, _cores() // size)
        self._devices = devices
        # Not forked: the parent may hold threads of numeric libraries, which do not survive a fork.
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._deaths: Counter[str] = Counter()

    def __enter__(self) -> ProcessPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.connection.close()
            if worker.job is not None:
                worker.process.kill()
        for worker in self._workers:
            worker.process.join()

    def start(self, job: Job) -> None:
        """Give a job to an idle process, or to a new one."""
        number = next((n for n, worker in enumerate(self._workers) if worker.job is None), len(self._workers))
        if number == len(self._workers):
            self._workers.append(self._hire())
        if isinstance(job, RunPart) and job.device == "cuda" and self._devices > 1:
            job = RunPart(job.suite, job.cell, job.shard, f"cuda:{number % self._devices}")
        worker = self._workers[number]
        worker.job = job
        with contextlib.suppress(OSError):  # it has died meanwhile: that is seen when its answer is waited for
            worker.connection.send(job)

    def finished(self) -> tuple[Job, Answer] | None:
        """Wait half a second for an answer; replace a process that died, and begin its job again."""
        busy = {worker.connection: worker for worker in self._workers if worker.job is not None}
        for connection in wait(list(busy), timeout=_POLL_S):
            worker = busy[connection]  # type: ignore[index]
            job = worker.job
            assert job is not None
            try:
                answer = worker.connection.recv()
            except (EOFError, OSError):
                answer = self._replace(worker, job)
                if answer is None:
                    continue
            worker.job = None
            return job, answer
        return None

    def stop(self) -> None:
        """Ask every process to finish its batch, and wait for it."""
        for worker in self._workers:
            if worker.job is not None:
                worker.process.terminate()
        for worker in self._workers:
            if worker.job is not None:
                with contextlib.suppress(EOFError, OSError):
                    worker.connection.recv()
                worker.job = None

    def _replace(self, worker: _Worker, job: Job) -> Answer | None:
        """Put a new process in the place of a dead one; return an answer only where the job killed too many."""
        worker.process.join()
        code = worker.process.exitcode
        self._deaths[job.name] += 1
        self._workers.remove(worker)
        if self._deaths[job.name] > RETRIES:
            return Answer(
                error=WorkFailedError(
                    f"{job.name}: its process died {RETRIES + 1} times (last: {_how(code)}); finished pairs are kept"
                )
            )
        _LOG.warning("%s: its process died (%s); begun again", job.name, _how(code))
        self.start(job)
        return None

    def _hire(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, self.threads), daemon=False)
        process.start()
        theirs.close()
        return _Worker(process, ours)


def _serve(connection: Connection, threads: int) -> None:
    """Do jobs until the pool closes the connection. The pool answers Ctrl-C; SIGTERM stops the job at hand."""
    os.setsid()
    _go_down_with_the_parent()
    _limit_threads(threads)
    while True:
        try:
            job = connection.recv()
        except (EOFError, OSError):
            return
        answer = perform(job)
        with contextlib.suppress(OSError):
            connection.send(answer)


def _go_down_with_the_parent() -> None:
    """A pool that is killed cannot stop its processes, and one that worked on would hold its part's lock."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _limit_threads(threads: int) -> None:
    import cv2
    import torch

    cv2.setNumThreads(threads)
    torch.set_num_threads(threads)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _how(code: int | None) -> str:
    return f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
