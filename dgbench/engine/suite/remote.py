"""A job's command on another node, and what it made there brought into the run folder here."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import DgbenchError, UsageError, WorkFailedError
from dgbench.core.pair import PAIR_ID
from dgbench.engine.run.data import open_data
from dgbench.engine.run.inputs import recorded_inputs
from dgbench.engine.run.plan import RunFolder, RunPlan, read_plan
from dgbench.engine.run.shard_lock import lock_shard
from dgbench.engine.run.state import journal_state, undone
from dgbench.engine.suite.jobs import Job, JobResult, RunPart, arguments, result_of
from dgbench.io.atomic import write_bytes
from dgbench.io.journal import Journal
from dgbench.io.parent import PARENT
from dgbench.protocols.registry import load_protocol


@dataclass(frozen=True)
class Delivery:
    """A finished part: its plan, its journal lines, the inputs it saw, and its images by pair id."""

    plan: RunPlan
    lines: list[dict[str, Any]]
    inputs: dict[str, str]
    images: dict[str, bytes]


def run_remote(job: Job, mark: str | None) -> JobResult | Delivery:
    """Run a job's command on this node: in the shared folder, or in a scratch folder and return what it made.

    Args:
        job: the job.
        mark: a file in the shared folder, which this node must see; ``None`` to run in a scratch folder.
    """
    if mark is not None and not Path(mark).is_file():
        return JobResult(
            UsageError(
                f"{Path(mark).parent}: node {socket.gethostname()} does not see this folder; put the suite's runs on "
                "storage that all nodes share, or give --pull"
            )
        )
    if mark is not None or not isinstance(job, RunPart):
        return _command(job, arguments(job))
    with tempfile.TemporaryDirectory(prefix="dgbench-") as scratch:
        result = _command(job, arguments(job, runs=scratch))
        if result.error:
            return result
        folder = RunFolder(Path(scratch) / job.cell.folder)
        state = journal_state(folder)
        done = [pair_id for pair_id, line in state.items() if line["status"] == "ok"]
        return Delivery(
            plan=read_plan(folder),
            lines=list(state.values()),
            inputs=recorded_inputs(folder),
            images={pair_id: folder.image(pair_id).read_bytes() for pair_id in done},
        )


def _command(job: Job, words: list[str]) -> JobResult:
    process = subprocess.Popen(  # noqa: S603 - this interpreter, this package
        [sys.executable, "-m", "dgbench", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, PARENT: str(os.getpid())},
    )
    try:
        output, _ = process.communicate()
    except BaseException:  # the task is cancelled: the batch at hand is finished
        process.terminate()
        process.wait()
        raise
    return result_of(job, process.returncode, output.decode(errors="replace"))


def is_here(job: RunPart) -> bool:
    """Whether every pair of the part has its result in the run folder already: then nothing need be run away."""
    loaded = load_protocol(job.cell.protocol)
    try:
        opened = open_data(loaded, job.suite.data.get(loaded.protocol.dataset), weights=job.suite.weights)
    except DgbenchError:
        return False  # the job itself will say what is wrong
    mine = [pair for pair in opened.pairs if job.shard.owns(pair)]
    return not undone(RunFolder(job.suite.runs / job.cell.folder), mine)


def merge_shard(job: RunPart, delivery: Delivery) -> JobResult:
    """Write a delivered part into the run folder: inputs and images first, its journal last."""
    folder = RunFolder(job.suite.runs / job.cell.folder)
    try:
        with lock_shard(folder, delivery.plan, job.shard):
            for line in delivery.lines:
                pair_id = line["pair_id"]
                if line["status"] != "ok":
                    continue
                data = delivery.images.get(pair_id, b"")
                if not PAIR_ID.fullmatch(pair_id) or sha256_bytes(data) != line["sha256"]:
                    raise WorkFailedError(f"{job.name}: what came back for pair {pair_id!r} is not what was made")
                write_bytes(folder.image(pair_id), data, durable=False)
            with Journal(folder.inputs / f"{job.shard.name}.jsonl") as inputs:
                inputs.append({"key": key, "sha256": value} for key, value in delivery.inputs.items())
            with Journal(folder.journals / f"{job.shard.name}.jsonl") as journal:
                journal.append(delivery.lines)
            recorded_inputs(folder)  # nodes whose copies of the data differ are refused
    except DgbenchError as error:
        return JobResult(error)
    return JobResult()
