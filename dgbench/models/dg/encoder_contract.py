"""What every frozen face encoder offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Image, Landmarks


class FaceEncoder(ABC):
    """Source image (and, for some, its landmarks) → identity features. Frozen; results depend on one image alone."""

    dimension: int
    needs_landmarks: ClassVar[bool] = False

    @abstractmethod
    def encode(self, images: Sequence[Image], landmarks: Sequence[Landmarks | None]) -> NDArray[np.float32]:
        """Return float32 (N, dimension) for uint8 HWC RGB images and their landmarks in the images' pixels."""
