"""Running a method over a protocol's pairs: resumable, one journal line per pair, no failure lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from dgbench.core.errors import UsageError
from dgbench.core.face import Failure
from dgbench.core.pair import Pair
from dgbench.engine.run.call_method import CallLimit, call_method
from dgbench.engine.run.data import OpenData, open_data
from dgbench.engine.run.inputs import InputLog
from dgbench.engine.run.interrupt import StoppedError, end_now, graceful_stop
from dgbench.engine.run.plan import RunFolder, RunPlan, Shard
from dgbench.engine.run.request import RunRequest
from dgbench.engine.run.shard_lock import lock_shard
from dgbench.engine.run.state import commit, journal_state, undone
from dgbench.engine.run.tasks import TaskBuilder, prepared
from dgbench.io.journal import Journal
from dgbench.io.space import picture_bytes, require_space
from dgbench.methods.contract import LoadContext, Reenactor, Task
from dgbench.methods.devices import check_device
from dgbench.methods.registry import check_checkpoint
from dgbench.methods.worker import IsolatedReenactor
from dgbench.protocols.registry import LoadedProtocol

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class RunSummary:
    """What a call of :func:`run_method` left behind: counts over the shard that it was given.

    ``done_now`` pairs were done by this call; the rest was found in the folder.
    """

    folder: Path
    expected: int
    covered: int
    planned: int
    generated: int
    failed: dict[str, int]
    done_now: int = 0

    @property
    def planned_done(self) -> int:
        """Planned pairs that have a result, good or bad."""
        return self.generated + sum(self.failed.values())

    @property
    def complete(self) -> bool:
        """Whether every planned pair is done, well or badly."""
        return self.planned_done == self.planned


def run_method(
    loaded: LoadedProtocol,
    method: Reenactor,
    *,
    out: Path,
    label: str | None = None,
    data: Path | None = None,
    checkpoint: Path | None = None,
    weights: Path | None = None,
    device: str = "cpu",
    shard: Shard | None = None,
    limit: int | None = None,
    seed: int = 0,
    retry_failed: bool = False,
    accept_edited: bool = False,
    fresh: bool = False,
    wait_s: float = 0.0,
    pair_timeout_s: float | None = None,
    end_hung: bool = False,
    progress: Progress | None = None,
) -> RunSummary:
    """Run a method over a protocol and keep images and journal under ``out``; pairs already done are not redone.

    Args:
        loaded: the protocol.
        method: an unloaded method.
        out: the run folder; new, or holding an unfinished run of the same plan.
        label: the name under which the run is recorded, where one method runs with several models.
        data: the copy of the data, raw or prepared.
        checkpoint: weights for the method.
        weights: folder of network weights, for crops that need a detector and for judges.
        device: ``cpu`` or ``cuda[:N]``.
        shard: which part of the pairs to do; another process may do another part at the same time.
        limit: only the first N covered pairs by id: for trying things; such a run never ranks.
        seed: the run seed; each pair's seed follows from protocol, pair and this.
        retry_failed: try the pairs again that failed before.
        accept_edited: go on with a run although the method's code has changed since; the record says so.
        fresh: remove what an earlier call made of this run, and begin anew.
        wait_s: how long to wait for another process that holds this part, such as a dying earlier try.
        pair_timeout_s: seconds that a pair may take of a method in this process; a worker has its own limit.
        end_hung: end the process where a method is over its time in code that cannot be interrupted; its batch is then
            kept as timed out. For commands, not for use as a library.
        progress: called with (done, planned) after every batch.

    Raises:
        WorkFailedError: interrupted (:class:`StoppedError`), the disk is full or will be, or another process does
            this part; the same command resumes.
        UsageError, MissingError: nothing was run.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"limit {limit}: a run has at least one pair")
    # A third-party method computes with the PyTorch of its own interpreter, which looks for its device itself.
    check_device(device, here=not isinstance(method, IsolatedReenactor))
    shard = shard or Shard()
    opened = open_data(loaded, data, weights=weights)
    pairs = opened.pairs[:limit]
    _require_landmarks(method, opened, pairs)
    require_runnable(method, loaded, pairs, checkpoint=checkpoint)
    folder, mine = RunFolder(out), [pair for pair in pairs if shard.owns(pair)]
    request = RunRequest(loaded, method, pairs, label=label, checkpoint=checkpoint, seed=seed, limit=limit, data=data)
    here = method.environment
    todo: list[Pair] = []
    held = not fresh and request.is_held_by(folder, accept_edited=accept_edited)
    if not (held and not undone(folder, mine, retry_failed=retry_failed, environment=here)):
        method.load(
            LoadContext(
                size=loaded.protocol.frame.size, device=device, checkpoint=checkpoint, weights=weights, seed=seed
            )
        )
        plan = request.plan()
        with lock_shard(folder, plan, shard, wait_s=wait_s, accept_edited=accept_edited, fresh=fresh):
            todo = undone(folder, mine, retry_failed=retry_failed, environment=here)
            if todo:
                require_space(out, len(todo) * picture_bytes(opened.source.size), what=f"{len(todo)} images")
                _work(
                    method,
                    opened,
                    todo,
                    folder=folder,
                    shard=shard,
                    plan=plan,
                    progress=progress,
                    planned=len(mine),
                    pair_timeout_s=None if isinstance(method, IsolatedReenactor) else pair_timeout_s,
                    end_hung=end_hung,
                )
    return _summary(out, opened, mine, journal_state(folder), done_now=len(todo))


def _require_landmarks(method: Reenactor, opened: OpenData, pairs: list[Pair]) -> None:
    """Say before any work that a copy has no landmarks at all, instead of failing every pair for it.

    Raises:
        UsageError: the method needs landmarks and the first pairs have none.
    """
    roles = [role for role in ("source", "reference") if f"{role}_landmarks" in method.needs]
    keys = [getattr(pair, role) for pair in pairs[:8] for role in roles]
    if keys and all(opened.source.landmarks(key) is None for key in keys):
        raise UsageError(
            f"method '{method.name}' needs landmarks and this copy of the data has none; make a store with "
            "`dgbench data prepare` and give it as --data"
        )


def require_runnable(method: Reenactor, loaded: LoadedProtocol, pairs: list[Pair], *, checkpoint: Path | None) -> None:
    """Say before any work that a method cannot be run so, instead of failing every pair for it.

    Raises:
        UsageError: it takes no checkpoint, the checkpoint is not there, or it shows targets and no pair has one.
    """
    check_checkpoint(method.name, checkpoint)
    if checkpoint is not None and not checkpoint.exists():
        raise UsageError(f"{checkpoint}: no such checkpoint")
    if "target" in method.needs and pairs and all(pair.target is None for pair in pairs):
        raise UsageError(
            f"method '{method.name}' needs the target, and no pair of {loaded.protocol.name} has one; "
            "choose a method that needs none, or a protocol with targets"
        )


def _work(
    method: Reenactor,
    opened: OpenData,
    todo: list[Pair],
    *,
    folder: RunFolder,
    shard: Shard,
    plan: RunPlan,
    progress: Progress | None,
    planned: int,
    pair_timeout_s: float | None,
    end_hung: bool,
) -> None:
    finished = planned - len(todo)
    inputs = InputLog(folder, shard, opened.source)
    builder = TaskBuilder(method, opened, protocol=plan.protocol, seed=plan.seed, inputs=inputs)
    with Journal(folder.journals / f"{shard.name}.jsonl") as journal, inputs, graceful_stop() as stop:

        def hung(tasks: Sequence[Task]) -> None:
            why = Failure("timeout", f"no answer within {pair_timeout_s:g} s, in code that cannot be interrupted")
            pairs = [pair for pair in todo if pair.pair_id in {task.pair_id for task in tasks}]
            journal.append([commit(folder, pair, why, 0.0, environment=method.environment) for pair in pairs])
            end_now(
                f"{folder.root}: method '{method.name}' hangs and cannot be interrupted; its {len(pairs)} pairs "
                "are kept as timed out, and the same command goes on (--retry-failed --batch-size 1 finds the one)"
            )

        limit = CallLimit(pair_timeout_s, hung if end_hung else None)
        for batch, tasks in prepared(builder, todo, max(1, method.batch_size)):
            if stop.asked:
                raise StoppedError(
                    f"{folder.root}: interrupted after {finished} of {planned} pairs; run the same command to go on"
                )
            started = perf_counter()
            results = call_method(method, tasks, size=opened.source.size, limit=limit)
            seconds = (perf_counter() - started) / len(batch)
            done = zip(batch, results, strict=True)
            journal.append([commit(folder, *one, seconds, environment=method.environment) for one in done])
            finished += len(batch)
            if progress:
                progress(finished, planned)


def _summary(
    out: Path, opened: OpenData, mine: list[Pair], state: dict[str, dict[str, Any]], *, done_now: int
) -> RunSummary:
    records = [state[pair.pair_id] for pair in mine if pair.pair_id in state]
    return RunSummary(
        folder=out,
        expected=opened.expected,
        covered=len(opened.pairs),
        planned=len(mine),
        generated=sum(record["status"] == "ok" for record in records),
        failed=dict(Counter(str(record["kind"]) for record in records if record["status"] == "failed")),
        done_now=done_now,
    )
