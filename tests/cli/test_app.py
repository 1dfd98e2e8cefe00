"""The command line as a whole: lists every verb without importing them, one line per error, stated exit codes."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dgbench.cli.verbs import VERBS

Dgbench = Callable[..., "subprocess.CompletedProcess[str]"]


def test_help_names_every_verb_and_imports_nothing_heavy() -> None:
    script = (
        "import sys; sys.argv = ['dgbench', '--help']\n"
        "from dgbench.cli.app import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'pandas', 'numpy', 'cv2', 'scipy', 'pydantic'} & set(sys.modules)\n"
        "print('HEAVY', sorted(heavy))"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "HEAVY []" in shown
    for verb in VERBS:
        assert verb.split()[0] in shown


def test_importing_the_package_imports_no_torch() -> None:
    script = "import sys, dgbench; dgbench.load_protocol('frll-self@1'); print('torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
    )


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_exists_and_has_json(verb: str) -> None:
    import inspect

    module, _, name = VERBS[verb][0].partition(":")
    function = getattr(importlib.import_module(f"dgbench.cli.{module}"), name)
    assert "as_json" in inspect.signature(function).parameters
    assert function.__doc__


def test_errors_are_one_line_with_their_exit_code(dgbench: Dgbench, tmp_path: Path) -> None:
    run = ("run", "--protocol", "frll-cross@1", "--method", "copy-source", "--out", tmp_path / "r")
    cases = {
        2: ("protocols", "show", "frll-corss"),
        3: (*run, "--data", tmp_path / "none"),
    }
    for code, arguments in cases.items():
        done = dgbench(*arguments)
        assert done.returncode == code
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith("dgbench: ")
    (tmp_path / "other").mkdir()
    wrong = dgbench(*run, "--data", tmp_path / "other")
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False)
    assert not (tmp_path / "r").exists()


def test_errors_are_json_too(dgbench: Dgbench) -> None:
    done = dgbench("protocols", "show", "nothing", "--json")
    assert json.loads(done.stdout)["exit_code"] == done.returncode == 2


def test_protocols_list_show_and_version(dgbench: Dgbench) -> None:
    listed = json.loads(dgbench("protocols", "list", "--json").stdout)["protocols"]
    assert {"frll-self@1", "frll-cross@1"} <= {row["name"] for row in listed}
    shown = dgbench("protocols", "show", "frll-cross@1").stdout
    assert "792" in shown
    assert "CC BY 4.0" in shown
    assert dgbench("--version").stdout.startswith("dgbench 0.")
