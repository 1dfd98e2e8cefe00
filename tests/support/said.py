"""What one verb of the command line answered: its exit code and both streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Said(NamedTuple):
    code: int
    out: str
    err: str


Verb = Callable[..., Said]
