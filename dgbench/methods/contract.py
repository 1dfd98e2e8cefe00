"""The contract of a reenactment method that runs in this process: load once, reenact batches, fail per pair."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from dgbench.core.face import Failure, Image, Landmarks
from dgbench.core.record import Motion

Need = Literal["source", "reference", "target", "decoy", "source_landmarks", "reference_landmarks", "gallery"]


@dataclass(frozen=True)
class LoadContext:
    """What a method may use to get ready: image size, device name (``cpu``, ``cuda:0``), checkpoint, run seed."""

    size: int
    device: str = "cpu"
    checkpoint: Path | None = None
    weights: Path | None = None
    seed: int = 0


@dataclass(frozen=True)
class Gallery:
    """Every image that is an input of some pair of the run, for the ``memory`` sanity baseline alone.

    Attributes:
        keys: manifest keys, sorted bytewise.
        image: key → uint8 HWC RGB in the protocol's frame.
        landmarks: key → its landmarks, ``None`` where none are known.
    """

    keys: tuple[str, ...]
    image: Callable[[str], Image]
    landmarks: Callable[[str], Landmarks | None]


@dataclass(frozen=True)
class Task:
    """One pair as a method sees it. Images are uint8 HWC RGB in the protocol's frame (size × size).

    Only what the method's ``needs`` names is set. ``seed`` depends on protocol, pair and run seed alone: a
    method that draws random numbers must draw them from it, so that order and batches change nothing. ``target``
    and ``decoy`` (the target of another pair, drawn by the pair's seed) and
    ``gallery`` are for sanity baselines alone. ``same_person`` says that source and reference show one person.
    """

    pair_id: str
    seed: int
    source: Image | None = None
    reference: Image | None = None
    target: Image | None = None
    decoy: Image | None = None
    source_landmarks: Landmarks | None = None
    reference_landmarks: Landmarks | None = None
    same_person: bool = False
    gallery: Gallery | None = None


class Reenactor(ABC):
    """A method. Results may depend on nothing but the task: not on other tasks, the batch, or the order.

    ``environment`` names what it runs in, where that is not this process: failures of another one are tried again.
    """

    name: ClassVar[str]
    needs: ClassVar[frozenset[Need]]
    motion: ClassVar[Motion] = "absolute"
    training_data: tuple[str, ...] = ()
    environment: str = ""
    batch_size: int = 16

    def load(self, context: LoadContext) -> None:
        """Get ready (weights, device). Called once, before any task.

        Raises:
            MissingError: weights or a package are not here. UsageError: the checkpoint is of another kind.
        """

    def parameters(self) -> dict[str, str | int | float | bool]:
        """Return the settings that change the output; they enter the method's digest in the record."""
        return {}

    @abstractmethod
    def reenact(self, tasks: Sequence[Task]) -> list[Image | Failure]:
        """Return one uint8 HWC RGB image of the protocol's size, or one failure, per task, in order."""
