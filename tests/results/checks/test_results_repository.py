"""The template of docs/results-repository with two colliding pull requests, step by step as a runner plays it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from forgery import PROTOCOL, ROOT, commit, git

_FLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "results.yml").read_text(encoding="utf-8"))
_TEMPLATE = ROOT / "docs" / "results-repository"


def _submit(place: Path, method: str, *, owner: bool = True) -> None:
    """What a pull request holds: records and, of a new name, its entry; no table."""
    shutil.copytree(ROOT / "results" / PROTOCOL / "v1" / method, place / "results" / PROTOCOL / "v1" / method)
    if owner:
        with (place / "results" / "methods.yaml").open("a") as file:
            file.write(f"{method}: {{contact: the authors of {method}}}\n")
    commit(place, f"submit {method}")


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A bare repository made of the template and one record."""
    place = tmp_path / "first"
    shutil.copytree(_TEMPLATE, place)
    git(place, "init", "-q", "-b", "main")
    _submit(place, "target")
    git(tmp_path, "clone", "-q", "--bare", str(place), str(tmp_path / "origin.git"))
    return tmp_path / "origin.git"


def _clone(origin: Path, name: str) -> Path:
    place = origin.parent / name
    git(origin.parent, "clone", "-q", str(origin), str(place))
    return place


def _play(place: Path, job: str, *steps: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run named steps of a job until one fails; pip alone is left out, since dgbench is installed already."""
    tools = place.parent / "tools"
    tools.mkdir(exist_ok=True)
    python = f'#!/bin/sh\nif [ "$1 $2" = "-m pip" ]; then exit 0; fi\nexec "{sys.executable}" "$@"\n'
    for name, script in (("python", python), ("dgbench", f'#!/bin/sh\nexec "{sys.executable}" -m dgbench "$@"\n')):
        (tools / name).write_text(script)
        (tools / name).chmod(0o755)
    scripts = {step["name"]: step["run"] for step in _FLOW["jobs"][job]["steps"] if "run" in step}
    given = os.environ | {
        "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1",
        "DGBENCH_CACHE": str(place.parent / "cache"), "PACKAGE": "here", "RESULTS": "results", "PROTOCOLS": "",
        "BASE": "origin/main", "AUTHOR": "NONE", "BRANCH": "main", "VERIFIED_ONLY": "false",
    } | environment  # fmt: skip
    assert _FLOW["jobs"][job]["env"].keys() <= given.keys()
    for step in steps:
        done = subprocess.run(
            ["bash", "-c", scripts[step]], cwd=place, env=given, capture_output=True, text=True, check=False
        )
        if done.returncode:
            break
    return done


_CHECK = ("Install", "Changed rows", "Check")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_pull_requests_pass_merge_without_conflict_and_the_tables_follow(origin: Path) -> None:
    """Slow because each step starts dgbench anew, as a runner does."""
    for method in ("dg", "copy-source"):
        branch = _clone(origin, f"pull-{method}")
        git(branch, "checkout", "-q", "-b", method)
        _submit(branch, method)
        done = _play(branch, "check", *_CHECK)
        assert done.returncode == 0, done.stdout + done.stderr
        said = (branch / "changed-rows.md").read_text()
        place = {"dg": "[12]", "copy-source": "sanity baseline"}[method]
        assert said.startswith("1 row(s) of the leaderboard change")
        assert re.search(rf"\| {method} \| – \| {place} \|", said)
        git(branch, "push", "-q", "origin", method)
    main = _clone(origin, "merge")
    for method in ("dg", "copy-source"):
        git(main, "merge", "-q", "--no-edit", f"origin/{method}")  # fails on a conflict
    git(main, "push", "-q", "origin", "main")
    runner = _clone(origin, "runner")
    late = _clone(origin, "late-runner")
    done = _play(runner, "publish", "Install", "Build and push the tables", "Report")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "dg" in (runner / "site" / "index.html").read_text(encoding="utf-8")
    done = _play(late, "publish", "Build and push the tables")
    assert done.returncode == 0 and "the tables are what the records say" in done.stdout, done.stderr
    page = git(origin, "show", f"main:results/leaderboards/{PROTOCOL}@1.md")
    assert [line.split(" | ")[1] for line in page.splitlines() if line.startswith(("| 1 ", "| 2 "))] == ["dg"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_strangers_record_under_a_known_name_fails_until_a_maintainer_confirms_it(origin: Path) -> None:
    branch = _clone(origin, "pull")
    git(branch, "checkout", "-q", "-b", "again")
    (old,) = (branch / "results" / PROTOCOL / "v1" / "target").iterdir()
    from forgery import forge

    shutil.copytree(ROOT / "results" / PROTOCOL / "v1" / "dg", branch / "results" / PROTOCOL / "v1" / "dg")
    forge(branch / "results", "dg", "target", run_id="0-aaaaaaaaaaaaaaa1", supersedes=old.name)
    shutil.rmtree(branch / "results" / PROTOCOL / "v1" / "dg")
    commit(branch, "target, by us")
    done = _play(branch, "check", *_CHECK)
    assert done.returncode == 1 and "is a new record under the name target" in done.stdout
    reason = f"{PROTOCOL}/v1/target/0-aaaaaaaaaaaaaaa1: measured anew with the repaired loader\n"
    (branch / "results" / "corrections.yaml").write_text(reason)
    commit(branch, "and a reason")
    done = _play(branch, "check", *_CHECK)
    assert done.returncode == 1 and "only a maintainer writes corrections" in done.stdout
    done = _play(branch, "check", *_CHECK, AUTHOR="MEMBER")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_protocols_folder_that_a_pull_request_brings_decides_nothing(origin: Path) -> None:
    branch = _clone(origin, "pull")
    folder = branch / "protocols" / PROTOCOL / "v1"
    shutil.copytree(ROOT / "protocols" / PROTOCOL / "v1", folder)
    text = (folder / "protocol.yaml").read_text()
    (folder / "protocol.yaml").write_text(text.replace("primary_metric: ssim", "primary_metric: detection"))
    commit(branch, "our own rules")
    done = _play(branch, "check", *_CHECK)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No row of the leaderboard changes." in (branch / "changed-rows.md").read_text()


def test_the_template_calls_the_workflow_with_inputs_that_it_has() -> None:
    jobs = yaml.safe_load((_TEMPLATE / ".github" / "workflows" / "results.yml").read_text(encoding="utf-8"))["jobs"]
    inputs = _FLOW[True]["workflow_call"]["inputs"]
    assert {job["with"]["mode"] for job in jobs.values()} == set(_FLOW["jobs"])
    for job in jobs.values():
        assert job["with"].keys() <= inputs.keys()
        assert {name for name, held in inputs.items() if held.get("required")} <= job["with"].keys()
    assert (_TEMPLATE / ".gitignore").read_text().split() == [".lock", ".lock-owner.json"]
