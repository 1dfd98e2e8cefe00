"""A small copy of FRLL made of drawn faces: real names, real protocol, no real person, no network needed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from dgbench.datasets.frll import PEOPLE
from dgbench.protocols.frozen_points import read_points
from dgbench.protocols.registry import load_protocol


def make_copy(folder: Path, *, people: int = 8) -> Path:
    """Draw a copy of the first ``people`` test people whose crop points are shipped with the protocol."""
    loaded = load_protocol("frll-cross@1")
    known = read_points(loaded.folder / "landmarks.csv.gz", sha256=str(loaded.protocol.landmarks_sha256))
    for person in [p for p in PEOPLE if f"frll/{p}/03" in known][:people]:
        _draw(folder / "neutral_front" / f"{person}_03.jpg", int(person), smile=False)
        _draw(folder / "smiling_front" / f"{person}_08.jpg", int(person), smile=True)
    return folder


def _draw(path: Path, number: int, *, smile: bool) -> None:
    """Draw one person's face: colour and proportions by number, mouth by expression."""
    rng = np.random.default_rng(number)
    image = np.full((96, 96, 3), rng.integers(60, 230, 3), np.uint8)
    cv2.ellipse(image, (48, 50), (26 + int(rng.integers(0, 5)), 36), 0, 0, 360, rng.integers(80, 255, 3).tolist(), -1)
    for x in (37, 59):
        cv2.circle(image, (x, 44), 4, rng.integers(0, 80, 3).tolist(), -1)
    cv2.ellipse(image, (48, 66), (10, 6 if smile else 1), 0, 0, 180, (40, 40, 160), 2)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)
