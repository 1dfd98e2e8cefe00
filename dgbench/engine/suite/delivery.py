"""A part run where the run folder is not seen: made in a scratch folder there, packed, and brought in here."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import DgbenchError, WorkFailedError
from dgbench.core.pair import PAIR_ID
from dgbench.engine.run.data import open_data
from dgbench.engine.run.plan import RunFolder, RunPlan, read_plan
from dgbench.engine.run.shard_lock import lock_shard
from dgbench.engine.run.state import journal_state, undone
from dgbench.engine.suite.jobs import Answer, RunPart, perform
from dgbench.io.atomic import write_bytes
from dgbench.io.journal import Journal
from dgbench.protocols.registry import load_protocol


@dataclass(frozen=True)
class Delivery:
    """A finished part: its plan, its journal lines, and its images by pair id."""

    plan: RunPlan
    lines: list[dict[str, Any]]
    images: dict[str, bytes]


def perform_away(job: RunPart) -> Answer | Delivery:
    """Run a part in a scratch folder of this node and return it whole."""
    with tempfile.TemporaryDirectory(prefix="dgbench-") as scratch:
        answer = perform(replace(job, suite=job.suite.model_copy(update={"runs": Path(scratch)})))
        if answer.error:
            return answer
        folder = RunFolder(Path(scratch) / job.cell.folder)
        state = journal_state(folder)
        done = [pair_id for pair_id, line in state.items() if line["status"] == "ok"]
        return Delivery(
            plan=read_plan(folder),
            lines=list(state.values()),
            images={pair_id: folder.image(pair_id).read_bytes() for pair_id in done},
        )


def is_here(job: RunPart) -> bool:
    """Whether every pair of the part has its result in the run folder already: then nothing need be run away."""
    loaded = load_protocol(job.cell.protocol)
    try:
        opened = open_data(loaded, job.suite.data.get(loaded.protocol.dataset), weights=job.suite.weights)
    except DgbenchError:
        return False  # the job itself will say what is wrong
    mine = [pair for pair in opened.pairs if job.shard.owns(pair)]
    return not undone(RunFolder(job.suite.runs / job.cell.folder), mine)


def bring_in(job: RunPart, delivery: Delivery) -> Answer:
    """Write a delivered part into the run folder, images first, its journal last."""
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
            with Journal(folder.journals / f"{job.shard.name}.jsonl") as journal:
                journal.append(delivery.lines)
    except DgbenchError as error:
        return Answer(error=error)
    return Answer()
