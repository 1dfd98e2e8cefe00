"""The command line: verbs, one line per error, and exit codes 0 done, 1 failed work, 2 bad input, 3 missing."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from typing import Any

import typer

from dgbench.cli import verbs
from dgbench.cli.output import begin, give_up_stdout, report
from dgbench.core.errors import DgbenchError
from dgbench.io.parent import end_with_parent

#: Click's base of all errors in options and arguments, whether Typer brings its own Click or uses the package.
_WrongOptions: Any = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="dgbench",
    help="Benchmark suite for face reenactment: protocols, methods, metrics, leaderboards.",
    no_args_is_help=True,
    context_settings=verbs.HELP,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
verbs.register(app)


def main() -> None:
    """Run the command line; every error a user is meant to read becomes one line on stderr and an exit code."""
    end_with_parent()
    _open_standard_streams()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    logging.captureWarnings(capture=True)
    warnings.filterwarnings("ignore", category=FutureWarning)
    try:
        code = _run(as_json="--json" in sys.argv[1:])
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader went away: nothing is left to tell it
        give_up_stdout()
        code = 1
    except OSError as error:  # such as a help text on a full disk
        give_up_stdout()
        code = 1
        print(f"dgbench: standard output cannot be written ({error.strerror or error})", file=sys.stderr)
    sys.exit(code)


def script() -> None:
    """Run :func:`main` as a process of its own and end it at once.

    When everything is written, threads of native libraries may still be running; their destructors at interpreter exit
    have been seen to abort a finished command ("terminate called without an active exception").
    """
    code: object = 1
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def _open_standard_streams() -> None:
    """Open closed standard streams on nothing: files opened later would get their numbers, and what libraries print."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - for as long as the process lives


def _run(*, as_json: bool) -> int:
    begin()
    try:
        return int(app(standalone_mode=False) or 0)
    except DgbenchError as error:
        return report(str(error), error.exit_code, as_json=as_json, stopped=getattr(error, "stopped", False))
    except _WrongOptions as error:
        if as_json:
            return report(error.format_message(), error.exit_code, as_json=True)
        error.show()  # with the verb's usage
        return int(error.exit_code)
