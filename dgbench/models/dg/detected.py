"""F_l: landmarks found in the image where the data have true ones, to see what a detector's errors cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Protocol

import numpy as np
import torch

from dgbench.core.face import Failure, Image, Landmarks
from dgbench.methods.contract import LoadContext, Need, Task
from dgbench.models.dg.reenactor import DualGenerator


class LandmarkDetector:
    """The embedded network ``landmarks-train`` on the whole image, which one face fills; it never judges."""

    def __init__(self) -> None:
        from dgbench.networks.embedded.store import load_landmarks

        self._network, self.sha256 = load_landmarks("landmarks-train")

    @torch.inference_mode()
    def find(self, image: Image) -> Landmarks | None:
        """Return the landmarks in a uint8 HWC RGB square, with visibility in [0, 1]; ``None`` where no face is."""
        tensor = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255
        found = self._network(tensor)
        if float(found.face[0]) < 0:
            return None
        points = (found.points[0] * image.shape[0]).numpy().astype(np.float32)
        return Landmarks(points, found.visibility[0].sigmoid().numpy().astype(np.float32), "synthface-landmarks-train")


class Pictures(Protocol):
    """Images by key, squares of ``size``."""

    size: int

    def image(self, key: str) -> Image:
        """Return uint8 HWC RGB."""


class DetectedSource:
    """An image source whose landmarks are those that the detector finds."""

    def __init__(self, source: Pictures) -> None:
        self._source, self._detector, self.size = source, LandmarkDetector(), source.size

    def image(self, key: str) -> Image:
        """Return the source's image."""
        return self._source.image(key)

    def landmarks(self, key: str) -> Landmarks | None:
        """Return what the detector finds in it."""
        return self._detector.find(self.image(key))


class DetectedDualGenerator(DualGenerator):
    """Method ``dg-detected``: ``dg`` on landmarks that F_l finds in source and reference, whatever the data know.

    What the detector costs is the difference to ``dg`` with the same checkpoint.
    """

    name: ClassVar[str] = "dg-detected"
    needs: ClassVar[frozenset[Need]] = frozenset({"source", "reference"})

    def load(self, context: LoadContext) -> None:
        """See :meth:`DualGenerator.load`."""
        super().load(context)
        self._detector = LandmarkDetector()

    def parameters(self) -> dict[str, str | int | float | bool]:
        """See :meth:`DualGenerator.parameters`; the detector's weights too."""
        return super().parameters() | {"landmark_detector_sha256": self._detector.sha256}

    def reenact(self, tasks: Sequence[Task]) -> list[Image | Failure]:
        """See :meth:`DualGenerator.reenact`."""
        return super().reenact([self._with_landmarks(task) for task in tasks])

    def _with_landmarks(self, task: Task) -> Task:
        source, reference = (
            None if image is None else self._detector.find(image) for image in (task.source, task.reference)
        )
        return replace(task, source_landmarks=source, reference_landmarks=reference)
