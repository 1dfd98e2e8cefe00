"""One thing that is wrong with a results folder."""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """Where, what kind (``schema``, ``name``, ``digest``, ``score``, …), and what to do, in one line."""

    place: str
    kind: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message} [{self.kind}]"
