"""The features role: one vector per image for set metrics; identity features (open) and Inception (standard)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dgbench.core.card import JudgeNetwork
from dgbench.core.face import Image
from dgbench.networks.detector import Detector
from dgbench.networks.identity import IdentityNetwork


class FeatureNetwork(ABC):
    """Maps whole images to vectors; ``name`` is ``fid`` for the official Inception alone, else ``fd[<judge>]``."""

    network: JudgeNetwork
    name: str
    dimension: int

    @abstractmethod
    def features(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32 (N, dimension); equal for any split of ``images`` into calls."""


class IdentityFeatures(FeatureNetwork):
    """The identity network's unit embedding as a feature space: ``fd[mobilefacenet]``.

    Each image is aligned by its own detection, or by its central square where no face is found, so that every
    image has a vector and a method cannot gain by images without a face.
    """

    def __init__(self, detector: Detector, identity: IdentityNetwork, *, dimension: int) -> None:
        self._detector, self._identity = detector, identity
        self.network = identity.network.model_copy(update={"role": "features"})
        self.name = f"fd[{identity.network.name}]"
        self.dimension = dimension

    def features(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """See :meth:`FeatureNetwork.features`."""
        if not images:
            return np.zeros((0, self.dimension), dtype=np.float32)
        found = self._detector.detect(images)
        faces = [self._identity.align(i, f.points if f else None, None)[0] for i, f in zip(images, found, strict=True)]
        return self._identity.embed(faces)
