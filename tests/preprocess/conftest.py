"""Judges without networks, and a manifest of images written on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from disc_faces import DiscDetector, DiscLandmarks, DiscPose
from PIL import Image as Pillow

from dgbench.core.face import Image
from dgbench.datasets.manifest import Manifest, make_frames
from dgbench.networks.judges import Judges


@pytest.fixture
def disc_judges() -> Judges:
    return Judges("open", detector=DiscDetector(), landmarks=DiscLandmarks(), pose=DiscPose())


@pytest.fixture
def image_set(tmp_path: Path) -> Callable[..., Manifest]:
    """Write images and return their manifest: key k/NAME, camera as given."""

    def make(images: dict[str, Image | bytes], *, camera: str | None = "05_1") -> Manifest:
        root = tmp_path / "data"
        rows = []
        for name, image in images.items():
            path = root / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(image, bytes):
                path.write_bytes(image)
            else:
                Pillow.fromarray(image).save(path)
            rows.append(
                {
                    "key": f"k/{name}",
                    "dataset": "multipie",
                    "subject": "001",
                    "camera": camera,
                    "path": f"{name}.png",
                    "container": "image",
                }
            )
        return Manifest("multipie", root, make_frames(rows))

    return make
