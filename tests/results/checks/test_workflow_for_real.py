"""The reusable workflow in somebody else's repository, step by step and with nothing replaced but the runner."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

_ROOT = Path(__file__).parents[3]
_FLOW = yaml.safe_load((_ROOT / ".github" / "workflows" / "leaderboard.yml").read_text(encoding="utf-8"))

# The repository that uses it: one module, and a build backend of its own so that pip needs no other package.
_METHOD = """
import dgbench, numpy as np
class Mine(dgbench.Reenactor):
    name, needs, motion = "mine", frozenset({"source", "reference"}), "absolute"
    def reenact(self, tasks):
        return [%s for task in tasks]
"""
_PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
_BACKEND = """
import zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    info = "theirs-1.0.dist-info"
    with zipfile.ZipFile(f"{folder}/theirs-1.0-py3-none-any.whl", "w") as wheel:
        wheel.write("theirs.py")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: theirs\\nVersion: 1.0\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/entry_points.txt", "[dgbench.methods]\\nmine = theirs:Mine\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return "theirs-1.0-py3-none-any.whl"
"""
# The lines that docs/leaderboard.md shows.
_LINES = """
jobs:
  dgbench:
    uses: OWNER/dgbench/.github/workflows/leaderboard.yml@SHA
    with:
      package: git+https://github.com/OWNER/dgbench@SHA
      protocol: synthface-mini-cross@1
      method: my-method
      baseline: dgbench-baseline
"""


class _Runner:
    """Runs the workflow's scripts in ``repository`` with the environment that the workflow gives them."""

    def __init__(self, repository: Path, **inputs: str) -> None:
        declared = _FLOW[True]["workflow_call"]["inputs"]
        assert inputs.keys() <= declared.keys()
        self.repository = repository
        self.inputs = {name: inputs.get(name, held.get("default", "")) for name, held in declared.items()}
        assert all(self.inputs[name] for name, held in declared.items() if held.get("required"))
        site = repository.parent / "site"
        self.summary = repository.parent / "summary.md"
        (job,) = _FLOW["jobs"].values()
        self.steps = {step["name"]: step["run"] for step in job["steps"] if "run" in step}
        own = {name: value.format(**self.inputs) for name, value in _expressions(job["env"]).items()}
        self.environment = os.environ | own | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "PIP_TARGET": str(site), "PIP_UPGRADE": "1", "PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1", "OMP_NUM_THREADS": "1", "GITHUB_STEP_SUMMARY": str(self.summary),
        }  # fmt: skip

    def run(self, *names: str) -> subprocess.CompletedProcess[str]:
        """Run steps by name until one fails; the last one's outcome."""
        for name in names:
            command = ["bash", "-c", self.steps[name]]
            done = subprocess.run(
                command, cwd=self.repository, env=self.environment, capture_output=True, text=True, check=False
            )
            if done.returncode:
                break
        return done


def _expressions(environment: dict[str, str]) -> dict[str, str]:
    """``${{ inputs.x }}`` as ``str.format`` fills it."""
    texts = {name: value.replace("${{ inputs.", "{").replace(" }}", "}") for name, value in environment.items()}
    assert all(value.startswith("{") and value.endswith("}") for value in texts.values())
    return texts


def test_the_documented_lines_call_this_workflow_with_inputs_that_it_has() -> None:
    text = (_ROOT / "docs" / "leaderboard.md").read_text(encoding="utf-8")
    assert _LINES.strip() in text
    (job,) = yaml.safe_load(_LINES)["jobs"].values()
    assert job["uses"].partition("@")[0].endswith("/.github/workflows/leaderboard.yml")
    inputs = _FLOW[True]["workflow_call"]["inputs"]
    assert job["with"].keys() <= inputs.keys()
    assert {name for name, held in inputs.items() if held.get("required")} <= job["with"].keys()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_made_up_repository_runs_its_method_and_is_stopped_when_it_gets_worse(tmp_path: Path) -> None:
    """Slow because it installs, runs, scores and reports 384 pairs as a runner would, twice."""
    repository = tmp_path / "theirs"
    repository.mkdir()
    (repository / "pyproject.toml").write_text(_PYPROJECT)
    (repository / "backend.py").write_text(_BACKEND)
    (repository / "theirs.py").write_text(_METHOD % "task.reference")
    asked = {"protocol": "synthface-mini-cross@1", "method": "mine", "package": "."}
    first = _Runner(repository, **asked)
    done = first.run("Install", "Run and score", "Tables and report", "Hold against the baseline")
    assert (done.returncode, done.stdout.strip()) == (0, "no baseline given"), done.stderr
    assert "| 1 | mine |" in first.summary.read_text() and "reported by its author" in first.summary.read_text()
    out = repository / "dgbench-out"
    assert (out / "report" / "index.html").is_file() and (out / "leaderboards" / "overall.csv").is_file()
    shutil.copytree(out / "runs" / "method" / "scores" / "embedded", repository / "dgbench-baseline")
    shutil.rmtree(out)

    (repository / "theirs.py").write_text(_METHOD % "np.zeros_like(task.reference)")
    second = _Runner(repository, baseline="dgbench-baseline", **asked)
    done = second.run("Install", "Run and score", "Hold against the baseline")
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "ssim" in said and "Traceback" not in said
    record = json.loads((out / "runs" / "method" / "scores" / "embedded" / "record.json").read_text())
    assert record["method"]["name"] == "mine" and record["coverage"]["generated"] == 384


@pytest.mark.slow
def test_the_history_job_passes_in_a_fresh_clone_and_fails_on_an_edited_score(tmp_path: Path) -> None:
    if not (_ROOT / ".git").exists():
        pytest.skip("not a git checkout, so there is nothing to clone")
    flow = yaml.safe_load((_ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    steps = [step for step in flow["jobs"]["history"]["steps"] if "run" in step]
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(_ROOT), str(clone)], check=True, capture_output=True)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python").write_text("#!/bin/sh\nexit 0\n")  # dgbench is installed already
    (tools / "python").chmod(0o755)
    path = f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "BASE": "HEAD"}

    def play() -> subprocess.CompletedProcess[str]:
        (step,) = steps
        command = ["bash", "-c", step["run"]]
        return subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False)

    done = play()
    assert done.returncode == 0, done.stdout + done.stderr
    record = sorted((clone / "results").glob("*/v*/dg/*/record.json"))[0]
    data = json.loads(record.read_text())
    data["metrics"][0]["value"] += 0.01
    record.write_text(json.dumps(data))
    done = play()
    assert done.returncode == 1 and "[changed]" in done.stdout and "[score]" in done.stdout
