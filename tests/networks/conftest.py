from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest


def read(path: Path, size: int) -> np.ndarray:
    image = cv2.imread(str(path))[..., ::-1]
    return np.ascontiguousarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA))


@pytest.fixture(scope="session")
def photographs(assets: Path) -> dict[str, np.ndarray]:
    """Twelve people of the London set, neutral (03) and smiling (08), at 256 px, by ``NNN_03``."""
    people = sorted(path.name[:3] for path in (assets / "frll" / "neutral_front").glob("*_03.jpg"))[:12]
    names = [(f"{person}_03", "neutral_front") for person in people]
    names += [(f"{person}_08", "smiling_front") for person in people]
    return {name: read(assets / "frll" / folder / f"{name}.jpg", 256) for name, folder in names}
