"""What lies beside weights that dgbench let a method's authors' script train, and what a record declares of it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from dgbench.core.digests import sha256_file
from dgbench.core.errors import UsageError
from dgbench.core.record import PlainText

FILE = "training.json"


class TrainingNote(BaseModel):
    """The content of ``training.json``, beside the checkpoint and the configuration that it was trained with.

    Attributes:
        method: the baseline's name.
        size: side in pixels of the images that the networks take.
        config, config_sha256: the configuration, a file beside this one.
        checkpoint, checkpoint_sha256: the weights, a file beside this one.
        protocols: names of the protocols whose training people were seen.
        training_data: what records declare.
        people, images: who was seen, and in how many images.
        images_sha256: digest of their pixels as exported.
        budget: as it was asked for (``4h``, ``2000steps``), the last one where it was extended.
        steps, samples, seconds, sittings: what was used over all sittings.
        seconds_of: whether ``seconds`` are a processor's or a GPU's.
        finished: whether the budget was used up.
        perceptual: what the perceptual loss looked at; ``None`` where the method has none.
        loss_substitution: what differs from the authors' losses, in words; "" where nothing does.
        commit: the checkout's commit.
        versions: packages of the method's interpreter, dgbench's own under ``dgbench``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    method: str
    size: int
    config: str
    config_sha256: str
    checkpoint: str
    checkpoint_sha256: str
    protocols: tuple[str, ...]
    training_data: tuple[PlainText, ...]
    people: tuple[str, ...]
    images: int
    images_sha256: str
    seed: int
    budget: str
    steps: int
    samples: int
    seconds: float
    seconds_of: Literal["cpu", "gpu"]
    sittings: int
    finished: bool
    perceptual: str | None
    perceptual_sha256: str | None
    loss_substitution: str
    commit: str | None
    trainer_sha256: str
    versions: dict[str, str]

    def parameters(self) -> dict[str, str | int | float | bool]:
        """Return what a record says of the training: budget asked for and used, and what stood in for a loss.

        Two seeds of one recipe differ in ``training_seed``, steps, samples and seconds, and in nothing else.
        """
        return {
            "training_seed": self.seed,
            "train.size": self.size,
            "train.budget": self.budget,
            "train.steps": self.steps,
            "train.samples": self.samples,
            "train.seconds": round(self.seconds),
            "train.seconds_of": self.seconds_of,
            "train.loss_substitution": self.loss_substitution or "none",
            "train.config_sha256": self.config_sha256,
        }


def note_beside(checkpoint: Path) -> TrainingNote | None:
    """Return the note beside a checkpoint file, or ``None`` where there is none.

    Raises:
        UsageError: the file is damaged, or describes another checkpoint.
    """
    path = checkpoint.parent / FILE
    if not checkpoint.is_file() or not path.is_file():
        return None
    try:
        note = TrainingNote.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise UsageError(f"{path}: not a training note ({where}: {first['msg']}); train again or remove it") from error
    if note.checkpoint_sha256 != sha256_file(checkpoint):
        raise UsageError(
            f"{path} describes {note.checkpoint} with another content than {checkpoint.name}; give that checkpoint, "
            "or move yours to a folder of its own"
        )
    return note
