"""How long a third-party method trains: seconds of its processor, or steps."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dgbench.core.errors import UsageError

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600}


@dataclass(frozen=True)
class TrainingBudget:
    """One of ``seconds`` and ``steps`` is above 0; ``text`` is how it was asked for."""

    text: str
    seconds: float = 0.0
    steps: int = 0

    @classmethod
    def parse(cls, text: str) -> TrainingBudget:
        """Read ``4h``, ``90m``, ``600s`` or ``2000steps``.

        Seconds are those of the processor over all threads, or of the clock where a GPU does the work.

        Raises:
            UsageError: neither, or nothing at all.
        """
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|min|h|steps)", text.strip())
        amount = float(found[1]) if found else 0.0
        if found is None or amount <= 0 or (found[2] == "steps" and amount != int(amount)):
            raise UsageError(f"--budget '{text}': write a time such as 4h, 90m or 600s, or a count such as 2000steps")
        if found[2] == "steps":
            return cls(text=text.strip(), steps=int(amount))
        return cls(text=text.strip(), seconds=amount * _UNITS[found[2]])
