"""The command line: verbs, one line per error, and exit codes 0 done, 1 failed work, 2 bad input, 3 missing."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from typing import Any

import typer

from dgbench.cli import verbs
from dgbench.cli.output import begin, report
from dgbench.core.errors import DgbenchError

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
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    logging.captureWarnings(capture=True)
    warnings.filterwarnings("ignore", category=FutureWarning)
    try:
        code = _run(as_json="--json" in sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # the reader went away: nothing is left to tell it, nor at the flush when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)


def _run(*, as_json: bool) -> int:
    begin()
    try:
        return int(app(standalone_mode=False) or 0)
    except DgbenchError as error:
        return report(str(error), error.exit_code, as_json=as_json)
    except _WrongOptions as error:
        if as_json:
            return report(error.format_message(), error.exit_code, as_json=True)
        error.show()  # with the verb's usage
        return int(error.exit_code)
