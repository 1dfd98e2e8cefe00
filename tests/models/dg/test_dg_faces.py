"""Face encoders and visibility: geometry without pose, features of one image alone, what turns away is hidden."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dgbench.core.errors import MissingError, UsageError
from dgbench.core.face import Landmarks
from dgbench.models.dg.config import DgConfig, IdsgConfig
from dgbench.models.dg.face_encoder import Geometry, RandomProjection, Thumbnail, build_face_encoder
from dgbench.models.dg.vgg_face import VggFace
from dgbench.models.dg.visibility import (
    CANONICAL,
    estimated_visibility,
    fit_similarity,
    frontalised,
    with_visibility,
)


def turned(yaw: float, scale: float = 0.04) -> torch.Tensor:
    """The mean face with its nose turned to image-right by ``yaw`` degrees, in shares of the side."""
    angle = np.deg2rad(yaw)
    turn = torch.tensor(
        [[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]], dtype=torch.float32
    )
    points = CANONICAL @ turn.T * scale
    points[:, :2] += 0.5
    return points[None]


def landmarks(points: torch.Tensor, visibility: float = 1.0) -> Landmarks:
    return Landmarks((points[0] * 64).numpy(), np.full(68, visibility, np.float32), "truth")


def test_nose_turns_where_the_test_says() -> None:
    points = turned(40)[0]
    assert points[30, 0] > points[27, 0] + 0.01


def test_fit_finds_rotation_scale_and_shift() -> None:
    points = torch.cat([turned(yaw, scale) for yaw, scale in ((0, 0.03), (50, 0.05), (-80, 0.02))])
    rotation, scale, shift = fit_similarity(points, CANONICAL)
    again = scale[:, None, None] * CANONICAL @ rotation.transpose(1, 2) + shift[:, None]
    assert torch.allclose(again, points, atol=1e-5)
    assert torch.allclose(scale, torch.tensor([0.03, 0.05, 0.02]), atol=1e-5)
    assert torch.allclose(torch.linalg.det(rotation), torch.ones(3), atol=1e-5)


def test_frontalised_shape_does_not_know_the_pose() -> None:
    front, size = frontalised(torch.cat([turned(0), turned(60), turned(-35, 0.02)]))
    assert torch.allclose(front[0], front[1], atol=1e-5) and torch.allclose(front[0], front[2], atol=1e-5)
    assert size[0] == pytest.approx(float(size[1]), abs=1e-5) and size[2] < size[0]


def test_what_turns_away_is_hidden() -> None:
    frontal, right, left = (estimated_visibility(turned(yaw))[0] for yaw in (0, 60, -60))
    assert frontal[17:68].min() == 1  # all but the far contour is seen from the front
    # Turned to image-right, the image-right half (brow 22–26, eye 42–47) goes out of sight.
    assert right[[0, 2, 36, 17]].min() > 0.9 and right[[13, 14, 26]].max() < 0.5
    assert left[[16, 14, 45, 26]].min() > 0.9 and left[[2, 3, 17]].max() < 0.5
    assert right[30] > 0.5 and left[30] > 0.5


def test_visibility_falls_back_to_seen_without_depth() -> None:
    flat = turned(60)
    flat[..., 2] = 0
    assert estimated_visibility(flat).min() == 1
    assert with_visibility(landmarks(flat)).visibility.min() == 1
    assert with_visibility(landmarks(turned(60))).visibility.min() == 0
    known = landmarks(turned(60), 0.5)
    assert with_visibility(known) is known


def test_features_depend_on_their_own_image_alone() -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (64, 64, 3)).astype(np.uint8) for _ in range(3)]
    faces = [landmarks(turned(yaw)) for yaw in (0, 20, 40)]
    for encoder in (Thumbnail(), RandomProjection(7), Geometry()):
        together = encoder.encode(pictures, faces)
        assert together.shape == (3, encoder.dimension) and together.dtype == np.float32
        assert np.array_equal(encoder.encode([pictures[1]], [faces[1]])[0], together[1])
        assert encoder.encode([], []).shape == (0, encoder.dimension)
    assert np.allclose(Thumbnail().encode([np.full((64, 64, 3), 51, np.uint8)], [None]), 0.2)


def test_joined_encoders_check_their_length() -> None:
    chosen = IdsgConfig(face_encoders=("geometry", "random"), feature_dim=205 + 16)
    joined = build_face_encoder(DgConfig(idsg=chosen))
    picture, face = np.zeros((64, 64, 3), np.uint8), landmarks(turned(10))
    features = joined.encode([picture], [face])
    assert features.shape == (1, 221) and np.array_equal(features[:, :205], Geometry().encode([picture], [face]))
    with pytest.raises(UsageError, match="needs the source's landmarks"):
        joined.encode([picture], [None])
    with pytest.raises(UsageError, match="give 205 features"):
        build_face_encoder(DgConfig(idsg=IdsgConfig(face_encoders=("geometry",), feature_dim=9)))


def test_networks_without_weights_say_what_is_missing(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DGBENCH_WEIGHTS", "DGBENCH_CACHE", "TORCH_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    for name, dimension, file in (("vgg-face", 4096, "vgg_face_dag.pth"), ("arcface", 512, "w600k_r50.onnx")):
        chosen = DgConfig(idsg=IdsgConfig(face_encoders=(name,), feature_dim=dimension))
        with pytest.raises(MissingError, match=file):
            build_face_encoder(chosen, weights=tmp_path)


def test_vgg_face_has_the_published_shape_and_both_normalisations() -> None:
    with torch.device("meta"):
        network = VggFace(normalisation="published")
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert shapes["fc6.weight"] == (4096, 25088) and shapes["fc7.weight"] == (4096, 4096)
    assert shapes["conv5_3.weight"] == (512, 512, 3, 3) and len(shapes) == 30
    x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    published = VggFace(normalisation="published", width=0.05, code=12)
    imagenet = VggFace(normalisation="imagenet", width=0.05, code=12)
    imagenet.load_state_dict(published.state_dict())
    mean = torch.tensor([129.186, 104.762, 93.594]).view(1, 3, 1, 1)
    expected = torch.relu(published.conv1_1(x * 255 - mean))
    assert torch.allclose(published.layers(x)[0], expected, atol=1e-2)
    code = published(x)
    assert code.shape == (1, 12) and code.min() >= 0
    assert not torch.allclose(code, imagenet(x)) and [t.shape[-1] for t in imagenet.layers(x)] == [64, 32, 16, 8, 4]
