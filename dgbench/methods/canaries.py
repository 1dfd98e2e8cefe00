"""Canaries: methods whose place in every table is known beforehand, so that a metric that lies is seen at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import cv2
import numpy as np

from dgbench.core.face import Failure, Image
from dgbench.core.record import Motion
from dgbench.methods.contract import LoadContext, Need, Reenactor, Task


class _Canary(Reenactor):
    motion: ClassVar[Motion] = "none"

    def load(self, context: LoadContext) -> None:
        self.size = context.size

    def reenact(self, tasks: Sequence[Task]) -> list[Image | Failure]:
        return [self.one(task) for task in tasks]

    @abstractmethod
    def one(self, task: Task) -> Image | Failure:
        """Return the image for one task."""


class CopySource(_Canary):
    """Shows the source unchanged: the best identity, nobody's pose."""

    name = "copy-source"
    needs: ClassVar[frozenset[Need]] = frozenset({"source"})

    def one(self, task: Task) -> Image | Failure:
        """Return the source."""
        return _given(task.source, "source")


class CopyReference(_Canary):
    """Shows the reference unchanged: the right pose and expression, the wrong person on cross pairs."""

    name = "copy-reference"
    needs: ClassVar[frozenset[Need]] = frozenset({"reference"})

    def one(self, task: Task) -> Image | Failure:
        """Return the reference."""
        return _given(task.reference, "reference")


class Target(_Canary):
    """Shows the target itself: the oracle that no method can beat."""

    name = "target"
    needs: ClassVar[frozenset[Need]] = frozenset({"target"})

    def one(self, task: Task) -> Image | Failure:
        """Return the target."""
        return _given(task.target, "target")


class BlurredTarget(_Canary):
    """Shows the target blurred (Gaussian, sigma 1/64 of the side): right in all but sharpness."""

    name = "blurred-target"
    needs: ClassVar[frozenset[Need]] = frozenset({"target"})

    def one(self, task: Task) -> Image | Failure:
        """Return the blurred target."""
        image = _given(task.target, "target")
        return image if isinstance(image, Failure) else cv2.GaussianBlur(image, (0, 0), self.size / 64)

    def parameters(self) -> dict[str, str | int | float | bool]:
        """Return the blur's width as a share of the side."""
        return {"sigma_share": 1 / 64}


class Shuffled(_Canary):
    """Shows the target of another pair: real faces, right for nobody."""

    name = "shuffled"
    needs: ClassVar[frozenset[Need]] = frozenset({"decoy"})

    def one(self, task: Task) -> Image | Failure:
        """Return another pair's target."""
        return _given(task.decoy, "decoy")


class Black(_Canary):
    """Shows a black frame: there is no face, and every metric must say so."""

    name = "black"
    needs: ClassVar[frozenset[Need]] = frozenset()

    def one(self, task: Task) -> Image | Failure:
        """Return a black frame."""
        return np.zeros((self.size, self.size, 3), np.uint8)


def _given(image: Image | None, what: str) -> Image | Failure:
    return Failure("missing", f"this pair has no {what}") if image is None else image
