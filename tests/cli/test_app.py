"""The command line as a whole: lists every verb without importing them, one line per error, stated exit codes."""

from __future__ import annotations

import importlib
import json
import os
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


@pytest.mark.slow
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


def test_wrong_options_are_exit_2_and_json_too(dgbench: Dgbench) -> None:
    for words in (
        ("protocols", "show"),
        ("protocols", "show", "a", "--nothing"),
        ("nothing",),
        ("run", "--limit", "x"),
    ):
        shown = dgbench(*words)
        assert (shown.returncode, shown.stdout) == (2, "")
        assert "Usage: " in shown.stderr
        assert "Traceback" not in shown.stderr
        done = dgbench(*words, "--json")
        assert json.loads(done.stdout)["exit_code"] == done.returncode == 2
        assert done.stderr == f"dgbench: {json.loads(done.stdout)['error']}\n"
    assert dgbench("protocols").returncode == dgbench().returncode == 2


_VERB = """
from dgbench.cli import app, output
from dgbench.cli.protocols import lists
from dgbench.core.errors import WorkFailedError
def list_(*, as_json: output.AsJson = False) -> None:
    {body}
lists.list_ = list_
app.main()
"""


def _ended(body: str, *arguments: str) -> tuple[int, str, str]:
    """Return exit code and both streams of ``protocols list`` with another body."""
    command = [sys.executable, "-c", _VERB.format(body=body), "protocols", "list", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def test_ctrl_c_is_one_line_and_failed_work() -> None:
    # What is started in the background ignores Ctrl-C from birth, this test's run among it.
    listen = "import os, signal, time; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code, said, told = _ended(f"{listen}; os.kill(os.getpid(), signal.SIGINT); time.sleep(9)")
    assert (code, said) == (1, "")
    assert told.startswith("dgbench: interrupted; ")
    assert told.count("\n") == 1
    code, said, told = _ended("raise KeyboardInterrupt", "--json")
    assert json.loads(said)["exit_code"] == code == 1
    assert told.count("\n") == 1


def test_a_result_and_a_late_error_are_one_json_object() -> None:
    body = "output.emit({'failed': 1}, 'one failed', as_json=as_json); raise WorkFailedError('1 of 2 failed')"
    assert _ended(body) == (1, "one failed\n", "dgbench: 1 of 2 failed\n")
    assert _ended(body, "--json") == (1, '{"failed": 1}\n', "dgbench: 1 of 2 failed\n")


@pytest.mark.parametrize("words", [("protocols", "list"), ("--help",), ("protocols", "show", "nothing", "--json")])
def test_a_reader_that_went_away_is_told_nothing(words: tuple[str, ...]) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    command = [sys.executable, "-c", "from dgbench.cli.app import script; script()", *words]
    done = subprocess.run(command, stdout=writes, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(writes)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


@pytest.mark.parametrize(
    ("words", "redirection", "line"),
    [
        ("protocols list", ">&-", "cannot be written to standard output (it is closed)"),
        ("protocols list --json", ">/dev/full", "cannot be written to standard output (No space left on device)"),
        ("--help", ">/dev/full", "standard output cannot be written (No space left on device)"),
    ],
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_one_line(words: str, redirection: str, line: str) -> None:
    command = f'"{sys.executable}" -c "from dgbench.cli.app import script; script()" {words} {redirection}'
    done = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert line in done.stderr


def test_closed_streams_are_not_taken_by_files(tmp_path: Path) -> None:
    code = "import os; from dgbench.cli import app; app._open_standard_streams(); print(os.open('f', os.O_CREAT) > 2)"
    command = f'"{sys.executable}" -c "{code}" <&- 2>&-'
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        ["sh", "-c", command], stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=env, timeout=60, check=False
    )
    assert done.stdout == "True\n"


def test_protocols_list_show_and_version(dgbench: Dgbench) -> None:
    listed = json.loads(dgbench("protocols", "list", "--json").stdout)["protocols"]
    assert {"frll-self@1", "frll-cross@1"} <= {row["name"] for row in listed}
    shown = dgbench("protocols", "show", "frll-cross@1").stdout
    assert "792" in shown
    assert "CC BY 4.0" in shown
    assert dgbench("--version").stdout.startswith("dgbench 0.")
