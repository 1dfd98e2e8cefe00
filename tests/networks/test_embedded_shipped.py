"""The weights that ship: they load, see faces where there are some, and tell strangers apart."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from dgbench.networks.embedded.store import NAMES, load_identity, load_landmarks
from dgbench.networks.judges import Judges, load_judges
from dgbench.training.judges.data import EVALUATION_FIRST, Faces, read_faces, render_people
from dgbench.training.judges.evaluate import find, identity_report, landmark_report


@pytest.fixture(scope="module")
def judges() -> Judges:
    return load_judges("embedded")


@pytest.fixture(scope="module")
def faces(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Faces:
    """Unseen people, few, since each takes about a second to build."""
    from dgbench.synthface.head.load import load_head

    head = load_head(assets / "ict_facekit" / "ict_facekit.npz")
    folder = tmp_path_factory.mktemp("faces")
    return read_faces(render_people(head, folder, first=EVALUATION_FIRST + 5000, people=8, images=14))


def test_everything_ships_within_eight_megabytes() -> None:
    folder = files("dgbench.networks").joinpath("weights")
    sizes = [len(folder.joinpath(f"{name}.safetensors").read_bytes()) for name in NAMES]
    assert sum(sizes) <= 8_000_000


def test_roles_and_names(judges: Judges) -> None:
    assert {network.role for network in judges.networks} == {"detector", "identity", "landmarks", "pose", "features"}
    assert judges.features_name == "fd[synthface]"
    measuring = next(network for network in judges.networks if network.role == "identity")
    assert measuring.name == "synthface-identity-measure-2+mirror"
    assert measuring.sha256 == load_identity("identity-measure-2")[1] != load_identity("identity-train")[1]


@pytest.mark.parametrize("size", [64, 128, 256])
def test_what_is_no_face_is_not_detected(judges: Judges, size: int) -> None:
    rng = np.random.default_rng(0)
    images = [np.full((size, size, 3), value, np.uint8) for value in (0, 60, 128, 255)]
    images.append(rng.integers(0, 256, (size, size, 3), dtype=np.uint8))
    ramp = np.linspace(0, 255, size).astype(np.uint8)
    images.append(np.repeat(np.repeat(ramp[None, :, None], size, 0), 3, 2))
    for seen in judges.observe(images):
        assert not seen.detected and seen.pose is None and seen.landmarks is None
        assert seen.alignment == "fixed-box" and seen.embedding is not None


@pytest.mark.slow
def test_unseen_people_are_found_and_told_apart(faces: Faces) -> None:
    found = find(faces)
    report = landmark_report(faces, found)
    assert report["detected_percent"] >= 97
    assert report["landmark_error_percent_of_box_mean"] <= 4
    bins = ("0_30", "30_60", "60_90")
    assert max(report[f"{angle}_error_median_{name}"] for name in bins for angle in ("pose", "yaw")) <= 5
    identity = identity_report(faces, found, name="identity-measure-2")
    assert identity["eer_percent_within_30"] <= 6 and identity["eer_percent_across_90"] <= 12
    assert identity["same_mean"] > identity["others_mean"] + 0.3


def test_any_batch_and_any_call_gives_the_same_numbers(judges: Judges, faces: Faces) -> None:
    images = list(faces.images[:6])
    together = judges.observe(images)
    for image, item in zip(images, together, strict=True):
        (alone,) = judges.observe([image])
        assert alone.score == item.score and alone.pose == item.pose
        np.testing.assert_array_equal(alone.embedding, item.embedding)
    np.testing.assert_array_equal(judges.features(images)[3:4], judges.features(images[3:4]))


def test_features_move_with_blur(judges: Judges, faces: Faces) -> None:
    import cv2

    images = list(faces.images[:20])
    sharp = judges.features(images)
    moved = [
        np.linalg.norm(judges.features([cv2.GaussianBlur(image, (0, 0), sigma) for image in images]) - sharp)
        for sigma in (0.6, 1.5, 3.0)
    ]
    assert moved[0] < moved[1] < moved[2]


def test_landmarks_lead_gradients_to_the_image() -> None:
    import torch

    network, _ = load_landmarks()
    image = torch.rand(1, 3, 96, 96, requires_grad=True)
    network(image).points.square().sum().backward()
    assert image.grad is not None and float(image.grad.abs().sum()) > 0
