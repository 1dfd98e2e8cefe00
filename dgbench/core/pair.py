"""A pair: which image gives the identity, which gives pose and expression, and where the truth is."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator

Relation = Literal["self", "cross"]

#: A pair id is a file name on every system: no separators, no leading dot or dash, at most 120 characters.
PAIR_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,119}")


class Pair(BaseModel):
    """One unit of work. ``source``, ``reference`` and ``target`` are manifest keys; ids are strings.

    ``target`` is the image of the source person in the reference's pose and expression, or ``None`` where no
    such image exists. Yaws are degrees, + = the nose points to image-right; ``bin`` names the pose bin
    ("" where the protocol has none).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pair_id: str
    relation: Relation
    source: str
    reference: str
    target: str | None = None
    source_identity: str
    reference_identity: str
    yaw_source: float | None = None
    yaw_reference: float | None = None
    bin: str = ""

    @field_validator("pair_id")
    @classmethod
    def _is_a_file_name(cls, value: str) -> str:
        if not PAIR_ID.fullmatch(value) or value.endswith("."):
            raise ValueError(f"pair_id {value!r} is not a safe file name ({PAIR_ID.pattern})")
        return value

    @property
    def keys(self) -> tuple[str, ...]:
        """The manifest keys that this pair needs, each once, in the order source, reference, target."""
        return tuple(dict.fromkeys(key for key in (self.source, self.reference, self.target) if key))
