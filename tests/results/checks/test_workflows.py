"""The workflows: no input reaches a shell as text; the steps call dgbench as documented and stop where they must."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

_ROOT = Path(__file__).parents[3]
_FLOWS = sorted((_ROOT / ".github" / "workflows").glob("*.yml"))
_TEMPLATES = sorted((_ROOT / "docs" / "results-repository" / ".github" / "workflows").glob("*.yml"))


def _steps(file: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"]
    return [step for job in jobs.values() for step in job.get("steps", [])]


@pytest.mark.parametrize("file", _FLOWS, ids=lambda file: file.stem)
def test_no_expression_is_pasted_into_a_script(file: Path) -> None:
    scripts = [step["run"] for step in _steps(file) if "run" in step]
    assert scripts
    assert not [script for script in scripts if "${{" in script]


@pytest.mark.parametrize("file", [*_FLOWS, *_TEMPLATES], ids=lambda file: "-".join(file.parts[-4::3]))
def test_actions_are_pinned_by_commit_and_nothing_is_installed_by_a_name_that_could_be_anybodys(file: Path) -> None:
    used = [step["uses"] for step in _steps(file) if "uses" in step]
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name) for name in used), used
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"pip install (?!--quiet (\.|\"\$(PACKAGE|INSTALL)\"))", text)
    assert "default: dgbench" not in text and "pull_request_target" not in text
    assert not re.search(r"package: \"?dgbench", text)


def _play(tmp_path: Path, *, compare_exit: int = 0, **inputs: str) -> tuple[int, list[str]]:
    """Run the reusable workflow's scripts in order with stand-ins that write down how they were called."""
    tools = tmp_path / "tools"
    tools.mkdir()
    log = tmp_path / "calls.txt"
    for name in ("dgbench", "python"):
        script = (
            f'#!/bin/sh\necho "{name} $*" >> "{log}"\n'
            'if [ "$1" = leaderboard ]; then mkdir -p dgbench-out/leaderboards\n'
            "echo > dgbench-out/leaderboards/a@1.md; fi\n"
            f'if [ "$1" = compare ]; then exit {compare_exit}; fi\n'
        )
        (tools / name).write_text(script)
        (tools / name).chmod(0o755)
    flow = _ROOT / ".github" / "workflows" / "leaderboard.yml"
    declared = yaml.safe_load(flow.read_text(encoding="utf-8"))[True]["workflow_call"]["inputs"]
    given = {name: inputs.get(name.replace("-", "_"), held.get("default", "")) for name, held in declared.items()}
    assert all(given[name] for name, held in declared.items() if held.get("required"))
    env = {"PATH": f"{tools}:{os.environ['PATH']}"} | {name.upper(): value for name, value in given.items()}
    status = 0
    for step in _steps(flow):
        if "run" in step and status == 0:
            status = subprocess.run(["bash", "-c", step["run"]], cwd=tmp_path, env=env, check=False).returncode
    return status, log.read_text().splitlines()


def test_the_three_line_use_runs_scores_shows_and_holds_against_the_baseline(tmp_path: Path) -> None:
    status, calls = _play(tmp_path, package="a", protocol="synthface-mini-cross@1", method="mine", baseline="baseline")
    assert status == 0
    assert [call.split()[1] for call in calls if call.startswith("dgbench")] == [
        "run",
        "score",
        "leaderboard",
        "report",
        "compare",
    ]
    assert "dgbench compare dgbench-out/runs/method baseline --judges embedded --fail-if-worse" in calls
    assert "--data" not in " ".join(calls) and "--checkpoint" not in " ".join(calls)


def test_a_regression_fails_the_job_after_the_report_was_kept(tmp_path: Path) -> None:
    status, calls = _play(
        tmp_path, compare_exit=1, package="a", protocol="p@1", method="m", baseline="b", data="d", checkpoint="w"
    )
    assert status == 1
    assert any(call.startswith("dgbench report") for call in calls)
    run = next(call for call in calls if call.startswith("dgbench run"))
    assert run.startswith("dgbench run --protocol p@1 --method m --out dgbench-out/runs/method --max-failures 100%")
    assert run.endswith(" --data d --checkpoint w")
    flow = _steps(_ROOT / ".github" / "workflows" / "leaderboard.yml")
    uploaded = next(place for place, step in enumerate(flow) if "upload-artifact" in step.get("uses", ""))
    held = next(place for place, step in enumerate(flow) if "compare" in step.get("run", ""))
    assert uploaded < held


def test_an_input_with_shell_in_it_stays_text(tmp_path: Path) -> None:
    _, calls = _play(
        tmp_path, package="a", protocol="p@1; touch hacked", method="$(touch hacked)", baseline="`touch hacked`"
    )
    assert not (tmp_path / "hacked").exists()
    assert any("$(touch hacked)" in call for call in calls)
