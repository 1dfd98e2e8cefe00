"""A part run by its command in a scratch folder, and brought into the run folder whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from small_suite import TEXT, small_suite

from dgbench.core.errors import UsageError, WorkFailedError
from dgbench.engine.run.inputs import recorded_inputs
from dgbench.engine.run.plan import RunFolder, Shard
from dgbench.engine.suite.file import cells
from dgbench.engine.suite.jobs import RunPart, perform, result_of
from dgbench.engine.suite.remote import Delivery, is_here, merge_shard, run_remote


@pytest.mark.slow  # starts a command
def test_a_part_made_elsewhere_is_brought_in_whole(tmp_path: Path) -> None:
    suite = small_suite(
        tmp_path, text=TEXT.replace("{name: copy-source}, {name: target}, {name: shuffled}", "{name: target}")
    )
    (cell,) = cells(suite)
    job = RunPart(suite, cell, Shard(1, 2))
    delivery = run_remote(job, None)
    assert isinstance(delivery, Delivery) and delivery.images and not is_here(job)

    name = next(iter(delivery.images))
    refused = merge_shard(job, replace(delivery, images=delivery.images | {name: b"other"}))
    assert f"what came back for pair '{name}' is not what was made" in str(refused.error)
    assert merge_shard(job, delivery).error is None and is_here(job)

    here = RunFolder(suite.runs / cell.folder)
    alone = suite.model_copy(update={"runs": tmp_path / "alone"})
    assert perform(RunPart(alone, cell, Shard(1, 2))).error is None
    there = RunFolder(alone.runs / cell.folder)
    assert {name: there.image(name).read_bytes() for name in delivery.images} == delivery.images
    assert recorded_inputs(here) == recorded_inputs(there)


def test_a_node_that_does_not_see_the_folder_says_so(tmp_path: Path) -> None:
    suite = small_suite(tmp_path)
    result = run_remote(RunPart(suite, cells(suite)[0], Shard()), str(tmp_path / "elsewhere" / "mark"))
    assert not isinstance(result, Delivery) and isinstance(result.error, UsageError)
    assert "does not see this folder" in str(result.error)


def test_how_a_command_ended_is_its_jobs_result(tmp_path: Path) -> None:
    suite = small_suite(tmp_path)
    job = RunPart(suite, cells(suite)[0], Shard())
    assert result_of(job, 0, "{}").error is None
    missing = result_of(job, 3, 'noise\n{"error": "no weights", "exit_code": 3}\n')
    assert (str(missing.error), getattr(missing.error, "exit_code", 0), missing.died) == ("no weights", 3, False)
    stopped = result_of(job, 1, '{"error": "interrupted", "exit_code": 1, "stopped": true}')
    assert type(stopped.error).__name__ == "StoppedError"
    for code, how in ((-9, "signal SIGKILL"), (137, "exit code 137")):
        died = result_of(job, code, "")
        assert died.died and isinstance(died.error, WorkFailedError) and how in str(died.error)
