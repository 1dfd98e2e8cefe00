"""Square images between the protocol's size and the model's."""

from __future__ import annotations

import cv2
import numpy as np

from dgbench.core.face import Image


def resized(image: Image, size: int) -> Image:
    """Return a square uint8 image at ``size`` pixels: area means to shrink, Lanczos to enlarge."""
    if image.shape[0] == size:
        return image
    shrink = image.shape[0] > size
    return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LANCZOS4))
