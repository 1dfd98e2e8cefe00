"""The command line: verbs, one line per error, and exit codes 0 done, 1 failed work, 2 bad input, 3 missing."""

from __future__ import annotations

import json
import logging
import sys
import warnings

import typer

from dgbench.cli import verbs
from dgbench.core.errors import DgbenchError

app = typer.Typer(
    name="dgbench",
    help="Benchmark suite for face reenactment: protocols, methods, metrics, leaderboards.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
verbs.register(app)


def main() -> None:
    """Run the command line; every error a user is meant to read becomes one line on stderr and an exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    logging.captureWarnings(capture=True)
    warnings.filterwarnings("ignore", category=FutureWarning)
    as_json = "--json" in sys.argv[1:]
    try:
        app()
    except DgbenchError as error:
        sys.exit(_report(str(error), error.exit_code, as_json=as_json))
    except KeyboardInterrupt:
        sys.exit(_report("interrupted; finished work is kept, run the same command to go on", 1, as_json=as_json))
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away: nothing is left to tell it
        sys.exit(1)


def _report(message: str, code: int, *, as_json: bool) -> int:
    line = " ".join(message.split())
    if as_json:
        print(json.dumps({"error": line, "exit_code": code}))
    print(f"dgbench: {line}", file=sys.stderr)
    return code
