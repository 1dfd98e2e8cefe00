"""Who may work on a run folder: one plan a folder, one process a part, one way of cutting it at a time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from dgbench.engine.run.plan import RunFolder, RunPlan, Shard, read_plan, write_or_check_plan
from dgbench.io.atomic import remove_stale
from dgbench.io.locks import BusyError, folder_lock, refuse_if_held

#: How long a process waits for another one that is just claiming the same folder.
_CLAIM_S = 60.0
_POLL_S = 0.2


@contextlib.contextmanager
def lock_shard(
    folder: RunFolder,
    plan: RunPlan,
    shard: Shard,
    *,
    wait_s: float = 0.0,
    accept_edited: bool = False,
    fresh: bool = False,
) -> Iterator[None]:
    """Write or check the plan of the folder and hold the lock of ``shard`` of it for the block.

    With ``fresh`` the run begins anew; of a run in parts, the first part that finds results of other code begins anew
    for all of them, and the others go on from there.

    Parts of two cuts overlap (2/3 and 1/1 share pairs), so while a part of another cut is held, this one waits or is
    refused: otherwise two processes would do the same pairs.

    Raises:
        BusyError: another process holds this part, or a part of another cut, still after ``wait_s`` seconds.
        UsageError: the folder holds another run.
    """
    until = time.monotonic() + wait_s
    with contextlib.ExitStack() as held:
        while True:
            try:
                with folder_lock(folder.root, purpose="claim", timeout_s=_CLAIM_S):
                    anew = fresh and _begins_anew(folder, plan, shard)
                    if anew:
                        for part in sorted(folder.journals.glob("*-of-*/")):
                            refuse_if_held(part)
                    write_or_check_plan(folder, plan, accept_edited=accept_edited, fresh=anew)
                    _refuse_other_cuts(folder, shard)
                    held.enter_context(folder_lock(folder.journals / shard.name, purpose=f"run {plan.method}"))
                remove_stale(folder.images)
                break
            except BusyError:
                if time.monotonic() >= until:
                    raise
                time.sleep(_POLL_S)
        yield


def _begins_anew(folder: RunFolder, plan: RunPlan, shard: Shard) -> bool:
    return shard.count == 1 or not folder.plan.exists() or read_plan(folder).method_code != plan.method_code


def _refuse_other_cuts(folder: RunFolder, shard: Shard) -> None:
    """The caller holds the folder's claim, so nobody can take a part while this looks."""
    for part in sorted(folder.journals.glob("*-of-*/")):
        if not part.name.endswith(f"-of-{shard.count}"):
            refuse_if_held(part)
