"""The failure budget: how many failed pairs a run may have and still be called done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dgbench.core.errors import UsageError, WorkFailedError


@dataclass(frozen=True)
class FailureBudget:
    """At most ``count`` failed pairs, or at most ``share`` of them."""

    count: int = 0
    share: float | None = None

    @classmethod
    def parse(cls, text: str) -> FailureBudget:
        """Read a count (``12``) or a share (``1%``, ``0.5%``).

        Raises:
            UsageError: neither.
        """
        try:
            if text.endswith("%"):
                share = float(text[:-1]) / 100
                if 0 <= share <= 1:
                    return cls(share=share)
            elif int(text) >= 0:
                return cls(count=int(text))
        except ValueError:
            pass
        raise UsageError(f"--max-failures '{text}': write a count such as 12, or a share such as 1%")

    def check(self, failed: int, planned: int, *, where: Path) -> None:
        """Raise if the budget is overdrawn.

        Raises:
            WorkFailedError: more pairs failed than allowed; all of them are kept and counted.
        """
        # Rounded first: 0.29 * 100 is 28.999999999999996.
        allowed = int(round(self.share * planned, 9)) if self.share is not None else self.count
        if failed > allowed:
            raise WorkFailedError(
                f"{where}: {failed} of {planned} pairs failed (allowed: {allowed}); reasons are in {where}/journal, "
                "`--retry-failed` tries them again, `--max-failures` allows them"
            )
