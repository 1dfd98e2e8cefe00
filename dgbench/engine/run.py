"""Running a method over a protocol's pairs: resumable, one journal line per pair, no failure lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from dgbench.core.digests import seed_of, sha256_bytes, sha256_file
from dgbench.core.errors import DgbenchError, UsageError, WorkFailedError
from dgbench.core.face import Failure, Image, Landmarks
from dgbench.core.pair import Pair
from dgbench.engine.data import OpenData, open_data
from dgbench.engine.interrupt import graceful_stop
from dgbench.engine.plan import RunFolder, RunPlan, Shard, claim, method_digest, read_plan
from dgbench.io.atomic import write_bytes
from dgbench.io.images import ImageError, encode_png
from dgbench.io.journal import Journal, read_journal
from dgbench.io.locks import folder_lock
from dgbench.methods.contract import LoadContext, Reenactor, Task
from dgbench.protocols.pairs_file import pair_set_digest
from dgbench.protocols.registry import LoadedProtocol

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class RunSummary:
    """What a call of :func:`run_method` left behind: counts over the shard that it was given."""

    folder: Path
    expected: int
    covered: int
    planned: int
    generated: int
    failed: dict[str, int]

    @property
    def complete(self) -> bool:
        """Whether every planned pair is done, well or badly."""
        return self.generated + sum(self.failed.values()) == self.planned


def run_method(
    loaded: LoadedProtocol,
    method: Reenactor,
    *,
    out: Path,
    data: Path | None = None,
    checkpoint: Path | None = None,
    weights: Path | None = None,
    device: str = "cpu",
    shard: Shard | None = None,
    limit: int | None = None,
    seed: int = 0,
    retry_failed: bool = False,
    progress: Progress | None = None,
) -> RunSummary:
    """Run a method over a protocol and keep images and journal under ``out``; pairs already done are not redone.

    Args:
        loaded: the protocol.
        method: an unloaded method.
        out: the run folder; new, or holding an unfinished run of the same plan.
        data: the copy of the data, raw or prepared.
        checkpoint: weights for the method.
        weights: folder of network weights, for crops that need a detector and for judges.
        device: ``cpu`` or ``cuda[:N]``.
        shard: which part of the pairs to do; another process may do another part at the same time.
        limit: only the first N covered pairs by id: for trying things; such a run never ranks.
        seed: the run seed; each pair's seed follows from protocol, pair and this.
        retry_failed: try the pairs again that failed before.
        progress: called with (done, planned) after every batch.

    Raises:
        WorkFailedError: interrupted, or the disk is full; the same command resumes.
        UsageError, MissingError: nothing was run.
    """
    shard = shard or Shard()
    opened = open_data(loaded, data, weights=weights)
    pairs = opened.pairs[:limit] if limit else opened.pairs
    _require_landmarks(method, opened, pairs)
    folder, mine = RunFolder(out), [pair for pair in pairs if shard.owns(pair)]
    order = _Order(loaded, method, pairs, checkpoint=checkpoint, seed=seed, limit=limit, data=data)
    if not (order.is_held_by(folder) and not _todo(folder, mine, retry_failed)):
        method.load(
            LoadContext(
                size=loaded.protocol.frame.size, device=device, checkpoint=checkpoint, weights=weights, seed=seed
            )
        )
        plan = order.plan()
        with folder_lock(out, purpose="claim", timeout_s=30):
            claim(folder, plan)
        with folder_lock(folder.journals / shard.name, purpose=f"run {plan.method}"):
            todo = _todo(folder, mine, retry_failed)
            if todo:
                _work(method, opened, todo, folder=folder, shard=shard, plan=plan, progress=progress, planned=len(mine))
    return _summary(out, opened, mine, journal_state(folder))


def _todo(folder: RunFolder, mine: list[Pair], retry_failed: bool) -> list[Pair]:
    done = journal_state(folder)
    return [pair for pair in mine if not _is_done(done.get(pair.pair_id), folder, retry_failed)]


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


def journal_state(folder: RunFolder) -> dict[str, dict[str, Any]]:
    """Return the last journal line of every pair over all shards (journals read in name order)."""
    state: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.journals.glob("*.jsonl")):
        for record in read_journal(path):
            if not isinstance(record.get("pair_id"), str) or record.get("status") not in ("ok", "failed"):
                raise UsageError(f"{path}: a line without pair_id and status; not a run's journal")
            before = state.get(record["pair_id"])
            if before is None or before["status"] == "failed" or record["status"] == "ok":
                state[record["pair_id"]] = record
    return state


class _Order:
    """What was asked for. The plan needs a loaded method, whose settings and training data come with its weights."""

    def __init__(
        self,
        loaded: LoadedProtocol,
        method: Reenactor,
        pairs: list[Pair],
        *,
        checkpoint: Path | None,
        seed: int,
        limit: int | None,
        data: Path | None,
    ) -> None:
        self._method, self._data = method, data
        self._known = {
            "protocol": loaded.protocol.name,
            "protocol_digest": loaded.protocol.digest,
            "method": method.name,
            "checkpoint_sha256": checkpoint_digest(checkpoint) if checkpoint else None,
            "seed": seed,
            "limit": limit,
            "pair_set": pair_set_digest([pair.pair_id for pair in pairs]),
        }

    def is_held_by(self, folder: RunFolder) -> bool:
        """Whether a run folder holds this order, as far as it is known without loading the method."""
        if not folder.plan.exists():
            return False
        held = read_plan(folder)
        return all(getattr(held, name) == value for name, value in self._known.items())

    def plan(self) -> RunPlan:
        """Return the plan; the method is loaded."""
        parameters = self._method.parameters()
        known: dict[str, Any] = self._known
        return RunPlan(
            **known,
            method_digest=method_digest(self._method.name, parameters, known["checkpoint_sha256"]),
            motion=self._method.motion,
            parameters=parameters,
            training_data=self._method.training_data,
            data=str(self._data) if self._data else None,
        )


def checkpoint_digest(path: Path) -> str:
    """Return the digest of a checkpoint: of the file, or of all files in the folder with their names.

    Raises:
        UsageError: nothing is there.
    """
    if path.is_file():
        return sha256_file(path)
    if path.is_dir():
        files = sorted(item for item in path.rglob("*") if item.is_file() and not item.name.startswith("."))
        listing = "\n".join(f"{item.relative_to(path).as_posix()} {sha256_file(item)}" for item in files)
        return sha256_bytes(listing.encode())
    raise UsageError(f"{path}: no such checkpoint")


def _is_done(record: dict[str, Any] | None, folder: RunFolder, retry_failed: bool) -> bool:
    if record is None:
        return False
    if record["status"] == "failed":
        return not retry_failed
    return folder.image(record["pair_id"]).is_file()


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
) -> None:
    builder = TaskBuilder(method, opened, protocol=plan.protocol, seed=plan.seed)
    finished = planned - len(todo)
    with Journal(folder.journals / f"{shard.name}.jsonl") as journal, graceful_stop() as stop:
        for batch, tasks in _prepared(builder, list(_chunks(todo, max(1, method.batch_size)))):
            started = perf_counter()
            results = _reenact(method, tasks, size=opened.source.size)
            seconds = (perf_counter() - started) / len(batch)
            journal.append([commit(folder, pair, result, seconds) for pair, result in zip(batch, results, strict=True)])
            finished += len(batch)
            if progress:
                progress(finished, planned)
            if stop.asked and finished < planned:
                raise WorkFailedError(
                    f"{folder.root}: interrupted after {finished} of {planned} pairs; run the same command to go on"
                )


class TaskBuilder:
    """Makes the task of a pair: exactly what the method asks for, or the failure that stands in its way."""

    def __init__(self, method: Reenactor, opened: OpenData, *, protocol: str, seed: int) -> None:
        self._needs = method.needs
        self._source = opened.source
        self._pairs = opened.pairs
        self._protocol, self._seed = protocol, seed

    def task(self, pair: Pair) -> Task | Failure:
        """Build one task."""
        seed = seed_of(self._protocol, pair.pair_id, self._seed)
        wanted: dict[str, Image | None] = {}
        points: dict[str, Landmarks | None] = {}
        try:
            for what, key in self._keys(pair, seed).items():
                wanted[what] = self._source.image(key) if key else None
            for what, key in (("source_landmarks", pair.source), ("reference_landmarks", pair.reference)):
                if what in self._needs:
                    points[what] = self._source.landmarks(key)
                    if points[what] is None:
                        return Failure(
                            "missing", f"{key}: no landmarks; run the method on a store made by `dgbench data prepare`"
                        )
        except ImageError as error:
            return Failure(error.kind, str(error))
        return Task(pair_id=pair.pair_id, seed=seed, **wanted, **points)  # type: ignore[arg-type]

    def _keys(self, pair: Pair, seed: int) -> dict[str, str | None]:
        keys = {"source": pair.source, "reference": pair.reference, "target": pair.target}
        chosen: dict[str, str | None] = {what: key for what, key in keys.items() if what in self._needs}
        if "decoy" in self._needs:
            others = [p for p in self._pairs if p.source_identity != pair.source_identity] or self._pairs
            other = others[seed % len(others)]
            chosen["decoy"] = other.target or other.reference
        return chosen


def _chunks(pairs: list[Pair], size: int) -> Iterator[list[Pair]]:
    for start in range(0, len(pairs), size):
        yield pairs[start : start + size]


def _prepared(builder: TaskBuilder, batches: list[list[Pair]]) -> Iterator[tuple[list[Pair], list[Task | Failure]]]:
    """Yield each batch with its tasks, the next batch being decoded while this one is worked on."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        upcoming = pool.submit(lambda pairs: [builder.task(pair) for pair in pairs], batches[0])
        for number, batch in enumerate(batches):
            tasks = upcoming.result()
            if number + 1 < len(batches):
                upcoming = pool.submit(lambda pairs: [builder.task(pair) for pair in pairs], batches[number + 1])
            yield batch, tasks


def _reenact(method: Reenactor, tasks: list[Task | Failure], *, size: int) -> list[Image | Failure]:
    """Call the method on what could be prepared, and hold its answers against the contract."""
    ready = [task for task in tasks if isinstance(task, Task)]
    answers: list[object] = []
    if ready:
        try:
            answers = list(method.reenact(ready))
        except DgbenchError:
            raise
        except Exception as error:  # noqa: BLE001 - other people's code: its failure is a result, and it is kept
            answers = _one_by_one(method, ready, error)
        if len(answers) != len(ready):
            raise UsageError(f"method '{method.name}' answered {len(answers)} images to {len(ready)} tasks")
    rest = iter(answers)
    return [_checked(next(rest), size) if isinstance(task, Task) else task for task in tasks]


def _one_by_one(method: Reenactor, tasks: list[Task], error: Exception) -> list[object]:
    """Try a batch that raised pair by pair, so that one bad pair fails alone and not with its neighbours."""
    if len(tasks) == 1:
        return [Failure("error", f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")]
    answers: list[object] = []
    for task in tasks:
        try:
            answers.extend(method.reenact([task]))
        except DgbenchError:
            raise
        except Exception as alone:  # noqa: BLE001 - as above
            answers.extend(_one_by_one(method, [task], alone))
    return answers


def _checked(answer: object, size: int) -> Image | Failure:
    if isinstance(answer, Failure):
        return answer
    if not isinstance(answer, np.ndarray) or answer.dtype != np.uint8:
        what = f"{answer.dtype} array" if isinstance(answer, np.ndarray) else type(answer).__name__
        return Failure("error", f"the method gave a {what}, not a uint8 image")
    if answer.shape != (size, size, 3):
        return Failure("wrong-size", f"the method gave shape {answer.shape}, the protocol wants {(size, size, 3)}")
    return answer


def commit(folder: RunFolder, pair: Pair, result: Image | Failure, seconds: float) -> dict[str, Any]:
    """Write one result and return its journal line: image first, line second, so a line always has its image."""
    if isinstance(result, Failure):
        return {"pair_id": pair.pair_id, "status": "failed", "kind": result.kind, "message": result.message}
    data = encode_png(result)
    write_bytes(folder.image(pair.pair_id), data, durable=False)
    return {
        "pair_id": pair.pair_id,
        "status": "ok",
        "sha256": sha256_bytes(data),
        "seconds": round(seconds, 4),
    }


def _summary(out: Path, opened: OpenData, mine: list[Pair], state: dict[str, dict[str, Any]]) -> RunSummary:
    records = [state[pair.pair_id] for pair in mine if pair.pair_id in state]
    return RunSummary(
        folder=out,
        expected=opened.expected,
        covered=len(opened.pairs),
        planned=len(mine),
        generated=sum(record["status"] == "ok" for record in records),
        failed=dict(Counter(str(record["kind"]) for record in records if record["status"] == "failed")),
    )
