"""How verbs speak: a result as text for people or, with ``--json``, as one JSON object for scripts."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

#: The ``--json`` switch that every verb has.
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]

#: The JSON objects that were printed: the first stays the only one.
_printed: list[dict[str, Any]] = []


def emit(data: dict[str, Any], text: str, *, as_json: bool) -> None:
    """Print ``text``, or ``data`` as one JSON object; NaN and infinity are refused rather than printed."""
    print(json.dumps(data, ensure_ascii=False, allow_nan=False, sort_keys=True) if as_json else text)
    if as_json:
        _printed.append(data)


def report(message: str, code: int, *, as_json: bool) -> int:
    """Say why a verb ends with ``code``: one line on stderr and, where no result was printed, one JSON object.

    A verb that prints its result and then ends with an error, because some of the work failed, has named the
    failures in that result.
    """
    line = " ".join(message.split())
    if as_json and not _printed:
        print(json.dumps({"error": line, "exit_code": code}))
    print(f"dgbench: {line}", file=sys.stderr)
    return code
