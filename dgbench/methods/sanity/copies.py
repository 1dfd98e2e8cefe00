"""Sanity baselines that show one of the given images, or something made of it in one step."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import cv2
import numpy as np

from dgbench.core.face import Failure, Image
from dgbench.core.record import Motion
from dgbench.methods.contract import LoadContext, Need, Reenactor, Task


class SanityBaseline(Reenactor):
    """A method that needs no network: one task, one image."""

    motion: ClassVar[Motion] = "none"

    def load(self, context: LoadContext) -> None:
        """Keep the image size."""
        self.size = context.size

    def reenact(self, tasks: Sequence[Task]) -> list[Image | Failure]:
        """See :meth:`Reenactor.reenact`."""
        return [self.one(task) for task in tasks]

    @abstractmethod
    def one(self, task: Task) -> Image | Failure:
        """Return the image for one task."""


class CopySource(SanityBaseline):
    """Shows the source unchanged: the best identity there is, in the wrong pose."""

    name = "copy-source"
    needs: ClassVar[frozenset[Need]] = frozenset({"source"})

    def one(self, task: Task) -> Image | Failure:
        """Return the source."""
        return given(task.source, "source")


class CopyReference(SanityBaseline):
    """Shows the reference unchanged: the right pose and expression, the wrong person on cross pairs."""

    name = "copy-reference"
    needs: ClassVar[frozenset[Need]] = frozenset({"reference"})

    def one(self, task: Task) -> Image | Failure:
        """Return the reference."""
        return given(task.reference, "reference")


class Target(SanityBaseline):
    """Shows the target itself: the oracle that no method can beat."""

    name = "target"
    needs: ClassVar[frozenset[Need]] = frozenset({"target"})

    def one(self, task: Task) -> Image | Failure:
        """Return the target."""
        return given(task.target, "target")


class BlurredTarget(SanityBaseline):
    """Shows the target blurred (Gaussian, sigma 1/64 of the side): right in all but sharpness."""

    name = "blurred-target"
    needs: ClassVar[frozenset[Need]] = frozenset({"target"})

    def one(self, task: Task) -> Image | Failure:
        """Return the blurred target."""
        image = given(task.target, "target")
        return image if isinstance(image, Failure) else cv2.GaussianBlur(image, (0, 0), self.size / 64)

    def parameters(self) -> dict[str, str | int | float | bool]:
        """Return the blur's width as a share of the side."""
        return {"sigma_share": 1 / 64}


class BlurredSource(SanityBaseline):
    """Shows the source blurred (Gaussian, sigma 5/128 of the side): what a metric gives for doing nothing softly."""

    name = "blurred-source"
    needs: ClassVar[frozenset[Need]] = frozenset({"source"})
    SIGMA_SHARE: ClassVar[float] = 5 / 128

    def one(self, task: Task) -> Image | Failure:
        """Return the blurred source."""
        image = given(task.source, "source")
        return image if isinstance(image, Failure) else cv2.GaussianBlur(image, (0, 0), self.size * self.SIGMA_SHARE)

    def parameters(self) -> dict[str, str | int | float | bool]:
        """Return the blur's width as a share of the side."""
        return {"sigma_share": self.SIGMA_SHARE}


class LowResTarget(SanityBaseline):
    """Shows the target at 16 pixels, enlarged: an oracle of everything but detail."""

    name = "low-res-target"
    needs: ClassVar[frozenset[Need]] = frozenset({"target"})
    SIDE: ClassVar[int] = 16

    def one(self, task: Task) -> Image | Failure:
        """Return the target, shrunk by area and enlarged by cubic interpolation."""
        image = given(task.target, "target")
        if isinstance(image, Failure):
            return image
        small = cv2.resize(image, (self.SIDE, self.SIDE), interpolation=cv2.INTER_AREA)
        return cv2.resize(small, (self.size, self.size), interpolation=cv2.INTER_CUBIC).astype(np.uint8)

    def parameters(self) -> dict[str, str | int | float | bool]:
        """Return the side in pixels."""
        return {"side": self.SIDE}


class Blend(SanityBaseline):
    """Shows the mean of source and reference: half of everything, and no face of either."""

    name = "blend"
    needs: ClassVar[frozenset[Need]] = frozenset({"source", "reference"})

    def one(self, task: Task) -> Image | Failure:
        """Return the mean, halves rounded down."""
        source, reference = given(task.source, "source"), given(task.reference, "reference")
        if isinstance(source, Failure):
            return source
        if isinstance(reference, Failure):
            return reference
        return ((source.astype(np.uint16) + reference) // 2).astype(np.uint8)


class Shuffled(SanityBaseline):
    """Shows the target of another pair: a real face, of the wrong person in the wrong pose."""

    name = "shuffled"
    needs: ClassVar[frozenset[Need]] = frozenset({"decoy"})

    def one(self, task: Task) -> Image | Failure:
        """Return another pair's target."""
        return given(task.decoy, "decoy")


class Black(SanityBaseline):
    """Shows a black frame: there is no face, and every metric must say so."""

    name = "black"
    needs: ClassVar[frozenset[Need]] = frozenset()

    def one(self, task: Task) -> Image | Failure:
        """Return a black frame."""
        return np.zeros((self.size, self.size, 3), np.uint8)


def given(image: Image | None, what: str) -> Image | Failure:
    """Return the image, or the failure that the pair lacks it."""
    return Failure("missing", f"this pair has no {what}") if image is None else image
