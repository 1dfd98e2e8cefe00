"""How verbs speak: a result as text for people or, with ``--json``, as one JSON object for scripts."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

#: The ``--json`` switch that every verb has.
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def emit(data: dict[str, Any], text: str, *, as_json: bool) -> None:
    """Print ``text``, or ``data`` as one JSON object; NaN and infinity are refused rather than printed."""
    print(json.dumps(data, ensure_ascii=False, allow_nan=False, sort_keys=True) if as_json else text)
