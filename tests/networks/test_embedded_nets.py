from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from dgbench.core.errors import MissingError, UsageError
from dgbench.networks.align import invert, similarity, warp
from dgbench.networks.embedded.feature_net import FeatureNet
from dgbench.networks.embedded.identity_nets import TEMPLATE, align_batch, identity_network
from dgbench.networks.embedded.judges import EmbeddedDetector, EmbeddedIdentity, square_view
from dgbench.networks.embedded.landmark_net import LandmarkNet, LandmarkOutput
from dgbench.networks.embedded.store import load_identity, save


def _smooth(size: int, seed: int = 0) -> np.ndarray:
    import cv2

    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC))


def test_the_network_to_train_with_gives_unit_vectors_and_gradients() -> None:
    network = identity_network("identity-train").eval()
    image = torch.rand(2, 3, 96, 96, requires_grad=True)
    points = (TEMPLATE + 12).expand(2, 5, 2).clone().requires_grad_()
    vectors = network(align_batch(image, points))
    assert vectors.shape == (2, 128)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))
    vectors[:, 0].sum().backward()
    assert image.grad is not None and image.grad.abs().sum() > 0
    assert points.grad is not None and points.grad.abs().sum() > 0


def test_the_two_identity_networks_differ_in_architecture() -> None:
    train, measure = (identity_network(name) for name in ("identity-train", "identity-measure-2"))
    kinds = [{type(part).__name__ for part in network.modules()} for network in (train, measure)]
    assert "InvertedResidual" in kinds[0] - kinds[1] and "Residual" in kinds[1] - kinds[0]


def test_alignment_in_torch_is_the_least_squares_similarity() -> None:
    image = _smooth(96)
    points = TEMPLATE.double().numpy() * 1.3 @ [[0.96, 0.28], [-0.28, 0.96]] + [2.0, 21.0]
    points = points + np.random.default_rng(0).normal(0, 1.5, (5, 2))
    crop = align_batch(torch.from_numpy(image).permute(2, 0, 1)[None].float(), torch.from_numpy(points).float()[None])
    # Corners at 0 there, pixel centres in the other, hence the half pixels.
    matrix = invert(similarity(TEMPLATE.numpy() - 0.5, points - 0.5))
    expected = warp(image, matrix, size=64).astype(float)
    inner = np.s_[14:50, 14:50]
    assert np.abs(crop[0].permute(1, 2, 0).numpy() - expected)[inner].mean() < 1.5


@pytest.mark.parametrize("side", [64, 96, 128])
def test_landmark_network_is_differentiable_at_training_sizes(side: int) -> None:
    network = LandmarkNet().eval()
    image = torch.rand(2, 3, side, side, requires_grad=True)
    output = network(image)
    assert output.points.shape == (2, 68, 3) and output.visibility.shape == (2, 68) and output.face.shape == (2,)
    output.points[..., :2].sum().backward()
    assert image.grad is not None and torch.isfinite(image.grad).all() and image.grad.abs().sum() > 0
    torch.testing.assert_close(output.points[..., 2].mean(1), torch.zeros(2), atol=1e-5, rtol=0)


def test_soft_maximum_reads_off_the_place_of_a_peak() -> None:
    network = LandmarkNet().eval()
    peaks = torch.full((1, 68, 16, 16), -30.0)
    peaks[:, :, 4, 9] = 30.0
    network.maps = torch.nn.Identity()  # type: ignore[assignment]
    network.merge = torch.nn.Identity()  # type: ignore[assignment]
    network.lateral = _Fixed(peaks)  # type: ignore[assignment]
    network.down = _Fixed(torch.zeros(1, 68, 8, 8))  # type: ignore[assignment]
    points = network(torch.rand(1, 3, 64, 64)).points[0, :, :2]
    expected = torch.tensor([(9.5 / 16) * 1.5 - 0.25, (4.5 / 16) * 1.5 - 0.25]).expand(68, 2)
    torch.testing.assert_close(points, expected, atol=1e-4, rtol=0)


class _Fixed(torch.nn.Module):
    def __init__(self, value: torch.Tensor) -> None:
        super().__init__()
        self.value = value

    def forward(self, _: torch.Tensor) -> torch.Tensor:
        return self.value


class _Marks(torch.nn.Module):
    """Stands in for the landmark network: finds the brightest pixel's place and calls it all 68 points' middle."""

    def forward(self, view: torch.Tensor) -> LandmarkOutput:
        weights = view.mean(1).clamp(min=0.5) - 0.5
        cells = (torch.arange(64) + 0.5) / 64
        total = weights.sum((1, 2)).clamp(min=1e-6)
        x, y = (weights.sum(1) * cells).sum(1) / total, (weights.sum(2) * cells).sum(1) / total
        ring = torch.linspace(0, 6.28, 68)
        around = torch.stack([torch.cos(ring), torch.sin(ring), 0 * ring], -1) * 0.2
        points = around[None] + torch.stack([x, y, 0 * x], -1)[:, None]
        face = torch.where(weights.sum((1, 2)) > 0.5, 5.0, -5.0)
        return LandmarkOutput(points, torch.zeros(len(view), 68), face)


@pytest.mark.parametrize("shape", [(64, 64), (200, 200), (120, 200), (300, 180)])
def test_both_passes_of_the_detector_place_points_in_the_image(shape: tuple[int, int]) -> None:
    image = np.zeros((*shape, 3), np.uint8)
    row, column = shape[0] // 2 + 6, shape[1] // 2 - 8
    half = max(shape) // 20 + 1
    image[row - half : row + half, column - half : column + half] = 255
    (face,) = EmbeddedDetector(_Marks().eval(), "x").detect([image])  # type: ignore[arg-type]
    assert face is not None and face.landmarks is not None
    middle = face.landmarks.points[:, :2].mean(0)
    np.testing.assert_allclose(middle, [column, row], atol=max(shape) / 64 + 0.8)
    assert EmbeddedDetector(_Marks().eval(), "x").detect([np.zeros((*shape, 3), np.uint8)]) == [None]  # type: ignore[arg-type]


def test_views_do_not_alias() -> None:
    checks = np.zeros((256, 256, 3), np.uint8)
    checks[::2, ::2] = checks[1::2, 1::2] = 255
    view = square_view(checks, np.array([128.0, 128.0]), 256.0, size=64)
    assert float(view[..., 2:-2, 2:-2].std()) < 0.02 and float(view.mean()) == pytest.approx(0.5, abs=0.02)


def test_identity_alignment_falls_back_in_the_declared_order() -> None:
    judge = EmbeddedIdentity(identity_network("identity-measure-2").eval(), "identity-measure-2", "x")
    image, points = _smooth(128), (TEMPLATE.numpy() + 20).astype(np.float32)
    assert judge.align(image, points, None)[1] == "detector"
    assert judge.align(image, None, points)[1] == "fallback-points"
    assert judge.align(image, np.zeros((5, 2)), None)[1] == "fixed-box"
    large = np.kron(image, np.ones((3, 3, 1), np.uint8))
    small_crop, large_crop = judge.align(image, points, None)[0], judge.align(large, points * 3, None)[0]
    assert np.abs(small_crop.astype(float) - large_crop).mean() < 4


def test_a_face_and_its_mirror_image_have_one_embedding() -> None:
    judge = EmbeddedIdentity(identity_network("identity-measure-2").eval(), "identity-measure-2", "x")
    crop = _smooth(80)
    first, second = judge.embed([crop, np.ascontiguousarray(crop[:, ::-1])])
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_weights_survive_storage_and_other_files_are_refused(tmp_path: Path) -> None:
    network = identity_network("identity-measure-2").eval()
    save(network, tmp_path / "identity-measure-2.safetensors", metadata={"network": "x"})
    first = (tmp_path / "identity-measure-2.safetensors").read_bytes()
    save(network, tmp_path / "identity-measure-2.safetensors", metadata={"network": "x"})
    assert (tmp_path / "identity-measure-2.safetensors").read_bytes() == first
    back, sha256 = load_identity("identity-measure-2", folder=tmp_path)
    crop = torch.rand(1, 3, 80, 80)
    torch.testing.assert_close(back(crop), network(crop), atol=5e-3, rtol=0)
    assert len(sha256) == 64 and not any(parameter.requires_grad for parameter in back.parameters())
    with pytest.raises(MissingError, match=r"identity-train.safetensors is not in"):
        load_identity("identity-train", folder=tmp_path)
    (tmp_path / "identity-train.safetensors").write_bytes(first)
    with pytest.raises(UsageError, match="another network"):
        load_identity("identity-train", folder=tmp_path)
    (tmp_path / "identity-train.safetensors").write_bytes(first[:1000])
    with pytest.raises(UsageError, match="damaged"):
        load_identity("identity-train", folder=tmp_path)


def test_feature_network_takes_any_size() -> None:
    network = FeatureNet().eval()
    assert network(torch.rand(1, 3, 64, 64)).shape == network(torch.rand(1, 3, 130, 97)).shape == (1, 192)
