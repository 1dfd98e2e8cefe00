"""How verbs speak: a result as text for people or, with ``--json``, as one JSON object for scripts."""

from __future__ import annotations

import json
import os
import sys
from typing import Annotated, Any

import typer

from dgbench.core.errors import WorkFailedError
from dgbench.core.text import visible

#: The ``--json`` switch that every verb has.
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


class _Printed:
    """Whether this call has printed its JSON object: the first stays the only one."""

    result = False


def begin() -> None:
    """Forget what an earlier call in this process printed."""
    _Printed.result = False


def emit(data: dict[str, Any], text: str, *, as_json: bool) -> None:
    """Print ``text``, or ``data`` as one JSON object; NaN and infinity are refused rather than printed.

    Control signs, which a name or note from outside may hold, are written out: a terminal would act on them.
    """
    line = json.dumps(data, ensure_ascii=False, allow_nan=False, sort_keys=True) if as_json else text
    _Printed.result = as_json
    try:
        if sys.stdout is None:
            raise OSError("it is closed")
        print(visible(line, keep="\n\t"), flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        give_up_stdout()
        raise WorkFailedError(
            f"the work is done, but its result cannot be written to standard output ({error.strerror or error})"
        ) from error


def give_up_stdout() -> None:
    """Turn standard output to nothing: what is in its buffer would fail again when Python ends."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def report(message: str, code: int, *, as_json: bool, stopped: bool = False) -> int:
    """Say why a verb ends with ``code``: one line on stderr and, where no result was printed, one JSON object.

    A verb that prints its result and then ends with an error, because some of the work failed, has named the
    failures in that result. ``stopped`` says that a signal ended it and the same command goes on.
    """
    line = visible(" ".join(message.split()))
    if as_json and not _Printed.result and sys.stdout is not None:
        print(json.dumps({"error": line, "exit_code": code} | ({"stopped": True} if stopped else {})))
    print(f"dgbench: {line}", file=sys.stderr)
    return code
