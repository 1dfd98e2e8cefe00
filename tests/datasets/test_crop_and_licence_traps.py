"""Two traps of the licensed sets: crops that lose turned faces, and pixels or lists that may not be passed on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import dgbench
from dgbench.core.protocol import Frame
from dgbench.networks.align import apply
from dgbench.preprocess.crop import crop_matrix
from dgbench.protocols.registry import list_protocols, protocols_root

SHAPE = (1024, 681)  # a RaFD photograph: height, width
FACE = np.array([[-45.0, -60], [45, -60], [0, 0], [-35, 60], [35, 60]])


@pytest.mark.parametrize("centre", [(340, 480), (130, 470), (560, 500), (340, 260)])
def test_a_face_anywhere_in_the_photograph_is_whole_in_the_crop(centre: tuple[int, int]) -> None:
    """RaFD's turned faces leave any fixed box: the crop must follow the points and keep one scale."""
    points = FACE + centre
    matrix = crop_matrix(Frame(size=256, crop="eye-mouth"), points, shape=SHAPE)
    moved = apply(matrix, points)
    assert moved.min() > 0.2 * 256
    assert moved.max() < 0.85 * 256
    middle = crop_matrix(Frame(size=256, crop="eye-mouth"), FACE + np.array([340, 480]), shape=SHAPE)
    assert matrix[0, 0] == pytest.approx(middle[0, 0])


def test_protocol_folders_hold_rules_and_lists_of_names_alone() -> None:
    allowed = {"protocol.yaml", "CARD.md", "pairs.csv.gz", "landmarks.csv.gz", "RELEASED.json"}
    assert {path.name for path in protocols_root().rglob("*") if path.is_file()} <= allowed


def test_no_list_of_a_licensed_sets_own_file_names_is_shipped() -> None:
    """Multi-PIE and VoxCeleb names are not a grammar of ours: their pairs are built from the user's copy."""
    for loaded in list_protocols():
        if loaded.protocol.dataset in ("multipie", "voxceleb1", "voxceleb2"):
            assert loaded.protocol.pairs == "built"
            assert not (loaded.folder / "pairs.csv.gz").exists()


def test_the_package_holds_no_picture_or_video_file() -> None:
    root = Path(dgbench.__file__).parent
    pictures = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".mp4", ".mpg", ".avi", ".ppm", ".tif"}
    assert [path for path in root.rglob("*") if path.suffix.lower() in pictures] == []
