"""What a training was asked to be, kept beside it, so that a resumed one is the same but for a larger budget."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from dgbench.core.errors import UsageError
from dgbench.io.atomic import write_json

FILE = "plan.json"


class TrainingPlan(BaseModel):
    """The settings that must not change between sittings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    protocols: tuple[str, ...]
    size: int
    seed: int
    perceptual: str | None
    perceptual_sha256: str | None
    change_sha256: str | None
    images_sha256: str


def hold_plan(out: Path, plan: TrainingPlan, *, resume: bool, begun: bool) -> None:
    """Keep ``plan`` in a new folder, or compare it with the one that a begun training holds.

    Raises:
        UsageError: ``out`` holds a training and ``resume`` was not asked for; nothing to resume; or another plan.
    """
    path = out / FILE
    if begun and not resume:
        raise UsageError(f"{out}: holds a training; add --resume to go on with it, or choose another --out")
    if resume and not begun:
        raise UsageError(f"{out}: holds no training to go on with; leave out --resume")
    if begun:
        try:
            held = TrainingPlan.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise UsageError(f"{path}: damaged; choose another --out") from error
        if changed := [name for name in TrainingPlan.model_fields if getattr(held, name) != getattr(plan, name)]:
            was, now = getattr(held, changed[0]), getattr(plan, changed[0])
            raise UsageError(f"{out}: was begun with {changed[0]} {was}, not {now}; a resumed training changes nothing")
    write_json(path, plan.model_dump(mode="json"))
