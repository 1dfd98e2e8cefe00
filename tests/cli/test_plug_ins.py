"""Plug-ins from the command line, and the line itself: -h, completion, named values, nothing heavy at import."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dgbench.cli import verbs

RUN = ("run", "--protocol", "synthface-mini-self@1", "--out", "out", "--limit", "1")
METHOD = """
import dgbench

@dgbench.register
class Mine(dgbench.Reenactor):
    name = "mine"
    needs = frozenset({"source"})

    def reenact(self, tasks):
        return [task.source.copy() for task in tasks]
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(METHOD)
    return tmp_path


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


@pytest.mark.parametrize(
    ("code", "arguments", "words"),
    [
        ("class Mine:\n    pass\n", (*RUN, "--method", "./bad.py:Mine"), "is not a subclass of dgbench.Reenactor"),
        ("raise ValueError('no\\nway')\n", (*RUN, "--method", "./bad.py:Mine"), "(ValueError: no way)"),
        ("1 / 0\n", ("methods", "list", "--plugin", "./bad.py"), "cannot be imported (ZeroDivisionError"),
        (METHOD, ("methods", "list", "--plugin", "./mine.py", "--plugin", "./bad.py"), "two plug-ins bring a method"),
        (METHOD.replace('"mine"', '"dg"'), (*RUN, "--method", "./bad.py:Mine"), "name 'dg' is taken by dgbench"),
        (METHOD, ("metrics", "list", "./bad.py:Mine"), "is not a subclass of dgbench.PairMetric or dgbench.SetMetric"),
        ("", (*RUN, "--method", "./nowhere.py:Mine"), "nowhere.py: no such file"),
        ("", ("methods", "list", "--baselines", "./nowhere"), "nowhere: no such folder of baselines"),
    ],
)
@pytest.mark.slow
def test_bad_plug_ins_are_one_line_and_exit_2(dgbench, home, code, arguments, words):
    (home / "bad.py").write_text(code)
    done = dgbench(*arguments)
    assert done.returncode == 2, done.stderr
    assert len(lines(done.stderr)) == 1 and words in done.stderr
    assert not (home / "out").exists()


@pytest.mark.slow
def test_a_method_in_a_file_runs_by_reference_by_name_and_in_a_suite(dgbench, home):
    for number, (method, env) in enumerate([("./mine.py:Mine", {}), ("mine", {"DGBENCH_PLUGINS": "./mine.py"})]):
        done = dgbench(*RUN[:3], "--out", f"out{number}", "--limit", 2, "--method", method, env=env)
        assert done.returncode == 0, done.stderr
        assert json.loads((home / f"out{number}" / "run.json").read_text())["method"] == "mine"
    (home / "suite").mkdir()
    (home / "suite" / "mine.py").write_text(METHOD)
    (home / "suite" / "suite.yaml").write_text(
        "name: s\nprotocols: [synthface-mini-self@1]\nmethods: [{name: ./mine.py:Mine}]\nruns: runs\nresults: results\n"
    )
    done = dgbench("suite", "suite/suite.yaml", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["done"][0]["label"] == "mine"
    (record,) = (home / "suite" / "results").glob("synthface-mini-self/v1/mine/*/record.json")
    assert json.loads(record.read_text())["coverage"]["generated"] > 2


def test_importing_dgbench_and_its_classes_imports_no_torch():
    code = (
        "import sys, dgbench\n"
        "dgbench.PairMetric, dgbench.SetMetric, dgbench.MetricCard, dgbench.Pair, dgbench.Manifest, dgbench.Dataset\n"
        "dgbench.Reenactor, dgbench.register\n"
        "print(sorted({'torch', 'numba', 'matplotlib', 'ray', 'pooch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_name_that_is_public_is_there():
    import dgbench

    for name in dgbench.__all__:
        assert getattr(dgbench, name) is not None, name
    assert set(dgbench._HOME) | {"__version__"} == set(dgbench.__all__)


@pytest.mark.parametrize("verb", sorted(verbs.VERBS))
def test_help_names_things_and_no_python_types(verb):
    command = verbs._command(verb)
    context = command.make_context(verb, [], resilient_parsing=True)
    text = command.get_help(context)
    assert re.search(r"^  -h, --help ", text, re.MULTILINE)
    assert "--plugin MODULE" in text
    assert not re.search(r"<(str|int|float|path|list|bool)|\b(TEXT|INTEGER|FLOAT)\b|[A-Z]_[A-Z]+ <", text), text


def test_h_is_help_everywhere_and_soon(dgbench):
    started = time.perf_counter()
    done = dgbench("-h")
    assert done.returncode == 0 and "Commands:" in done.stdout
    assert time.perf_counter() - started < 10, "0.3 s on a quiet machine"
    assert dgbench("protocols", "-h").returncode == 0


def test_the_shell_completes_verbs(dgbench):
    env = {"_DGBENCH_COMPLETE": "complete_bash", "COMP_WORDS": "dgbench met", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv[0] = 'dgbench'; from dgbench.cli.app import script; script()"],
        capture_output=True, text=True, env={**os.environ, **env}, check=False,
    )  # fmt: skip
    assert {"methods", "metrics"} <= set(done.stdout.split()), done.stderr
