"""What a task says of its pair besides the images."""

from __future__ import annotations

import pytest
from drawn_frll import make_copy

from dgbench.engine.run.data import open_data
from dgbench.engine.run.tasks import TaskBuilder
from dgbench.methods.registry import create
from dgbench.methods.worker_protocol import entry_of
from dgbench.protocols.registry import load_protocol


@pytest.mark.parametrize(("protocol", "same"), [("frll-self@1", True), ("frll-cross@1", False)])
def test_a_task_and_the_line_to_a_worker_say_whether_both_images_show_one_person(protocol, same, tmp_path):
    make_copy(tmp_path, people=6)
    opened = open_data(load_protocol(protocol), tmp_path)
    task = TaskBuilder(create("copy-source"), opened, protocol=protocol, seed=0).task(opened.pairs[0])
    assert task.same_person is same
    assert entry_of(task, source=None, reference=None, out="o")["same_person"] is same
