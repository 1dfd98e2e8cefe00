"""A metric card: everything that decides a metric's value, so that its digest can enter every record."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from dgbench.core.digests import digest

JudgeSet = Literal["embedded", "open", "standard"]
JUDGE_SETS: tuple[JudgeSet, ...] = ("embedded", "open", "standard")


class JudgeNetwork(BaseModel):
    """A network that measures, by role (detector, identity, landmarks, pose, features) and content."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: str
    name: str
    sha256: str


class MetricCard(BaseModel):
    """Definition of one metric. Two values may be compared only where their cards' digests are equal.

    ``floor`` is what a pair that could not be generated or measured scores in the headline value, in the
    metric's own unit; ``None`` for set metrics, which have no per-pair value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: int
    title: str
    unit: str = ""
    definition: str
    direction: Literal["higher", "lower"]
    level: Literal["pair", "set"]
    floor: float | None
    failure_rule: str
    needs_target: bool = False
    compat: bool = False
    judges: tuple[JudgeNetwork, ...] = ()
    parameters: dict[str, str | int | float | bool] = {}

    @property
    def digest(self) -> str:
        """sha256 over every field."""
        return digest(self.model_dump(mode="json"))
